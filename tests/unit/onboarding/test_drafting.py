"""Names, keys, cursors, rules and guesses, from facts alone."""

import re
import tomllib
from dataclasses import replace

import pytest

from lakehouse.contract import Capture, Deletes, History, TableContract
from lakehouse.quality.dqdl import parse
from onboarding import personal
from onboarding.carriers import carrier
from onboarding.choices import Choice, choose_capture, choose_cursor, choose_key, keeps
from onboarding.drafting import draft
from onboarding.facts import (
    BEFORE,
    DELETE,
    FOREIGN,
    INSERT,
    ROW,
    TRUNCATE,
    UPDATE,
    VIEW,
    Column,
    Index,
    Sample,
    Seen,
    Table,
    Trigger,
)
from onboarding.names import lake_names, snake
from onboarding.preparation import prepare
from onboarding.proposal import Looked
from onboarding.rules import translate

TIME = "timestamp with time zone"
LARGE = Sample(20_000, False, {})
SMALL = Sample(40, True, {}, counted=40)
TOMBSTONES = Trigger("lakehouse_deleted", ROW | DELETE, "lakehouse_record_tombstone")
TRUNCATED = Trigger("lakehouse_truncated", TRUNCATE, "lakehouse_record_tombstone")
STAMP = Trigger(
    "stamp", ROW | BEFORE | UPDATE, "set_it", "BEGIN NEW.updated_at = now(); RETURN NEW;"
)
ORDERS = Table(
    "public",
    "orders",
    (
        Column("id", "bigint", is_required=True),
        Column("status", "text"),
        Column("updated_at", TIME, is_required=True, default="now()"),
    ),
    primary_key=("id",),
    rows=5_000_000,
    bytes=10**9,
)


@pytest.mark.parametrize(("name", "wished"), [
    ("orders", "orders"), ("InvoiceLine", "invoice_line"), ("HTTPStatus", "http_status"),
    ("Celebrity Id", "celebrity_id"), ("Größe", "grosse"), ("a-b", "a_b"), ("_x_", "x"),
    ("userID2", "user_id2"), ("Βιβλία", ""),
])  # fmt: skip
def test_snake(name: str, wished: str) -> None:
    assert snake(name) == wished


def test_names_of_the_lake_differ_and_are_never_ours() -> None:
    found = lake_names(["userId", "user_id", "User Id", "2nd", "_op", "valid_from", "Ω"], "column")
    assert found == {
        "userId": "user_id_2", "user_id": "user_id", "User Id": "user_id_3", "2nd": "column_2nd",
        "_op": "op", "valid_from": "source_valid_from", "Ω": found["Ω"],
    }  # fmt: skip
    assert found["Ω"].startswith("column_")
    assert lake_names(["quarantine"], "table") == {"quarantine": "source_quarantine"}
    long = lake_names([f"{'x' * 70}{n}" for n in range(3)], "column")
    assert len({*long.values()}) == 3
    assert max(map(len, long.values())) <= 63


@pytest.mark.parametrize(("definition", "column", "rules"), [
    ("CHECK ((price >= (0)::numeric))", "price", [("ColumnValues", ">= 0")]),
    ("CHECK ((price > 0.5::double precision))", "price", [("ColumnValues", "> 0.5")]),
    ("CHECK (((a >= '-1'::integer) AND (a <= 5)))", "a",
     [("ColumnValues", ">= -1"), ("ColumnValues", "<= 5")]),
    ("CHECK ((n <> 0))", "n", [("ColumnValues", "!= 0")]),
    ("CHECK ((status = ANY (ARRAY['a'::text, 'it''s'::text])))", "status",
     [("ColumnValues", 'in ["a", "it\'s"]')]),
    ("CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
     "s", [("ColumnValues", 'in ["a", "b"]')]),
    ("CHECK ((\"select\" > 0))", "select", [("ColumnValues", "> 0")]),
    ("CHECK (((VALUE IS NOT NULL) AND (char_length((VALUE)::text) > 2)))", "VALUE",
     [("IsComplete", ""), ("ColumnLength", "> 2")]),
    ("CHECK (((price > 0) OR (price < 5)))", "price", []),
    ("CHECK ((upper(state) = state))", "state", []),
    ("CHECK ((priceless > 0))", "price", []),
    ("CHECK ((s = ANY (ARRAY['say \"x\"'::text])))", "s", []),
])  # fmt: skip
def test_checks_become_rules(definition: str, column: str, rules: list[tuple[str, str]]) -> None:
    assert translate(definition, column) == rules


@pytest.mark.parametrize(("column", "declared"), [
    (Column("a", "character varying(40)"), "varchar(40)"),
    (Column("a", TIME), "timestamptz"),
    (Column("a", "timestamp(3) with time zone"), "timestamptz(3)"),
    (Column("a", "integer[]"), "integer[]"),
    (Column("a", "bytea[]"), "bytea[] as text"),
    (Column("a", "numeric(60,10)"), "numeric(60,10) as text"),
    (Column("a", "citext"), "citext as text"),
    (Column("a", "mood", kind="e", labels=("ok",)), "mood as text"),
    (Column("a", "cents", kind="d", base="numeric(12,2)"), "cents as numeric(12,2)"),
    (Column("a", "label", kind="d", base="character varying(8)"), "label as text"),
    (Column("a", "place", kind="c"), "place as text"),
])  # fmt: skip
def test_carriers(column: Column, declared: str) -> None:
    assert carrier(column).declared == declared


@pytest.mark.parametrize(("column", "seen", "table", "is_personal"), [
    ("email", Seen(), "x", True), ("EmailVerified", Seen(), "x", False),
    ("customer_id", Seen(), "customer", False), ("name", Seen(), "customer", True),
    ("name", Seen(), "product", False), ("birth_date", Seen(), "x", True),
    ("reach_us", Seen(nulls=10, matches={"an e-mail address": 88}), "x", True),
    ("reach_us", Seen(nulls=10, matches={"an e-mail address": 50}), "x", False),
    ("shipping_address_line_1", Seen(), "x", True), ("page", Seen(), "x", False),
    ("percentage", Seen(), "x", False), ("ShippingAddressId", Seen(), "x", False),
])  # fmt: skip
def test_personal_data_is_guessed(column: str, seen: Seen, table: str, is_personal: bool) -> None:
    assert personal.is_personal(Column(column, "text"), seen, 100, table) is is_personal


@pytest.mark.parametrize(("trigger", "does"), [
    (STAMP, True),
    (replace(STAMP, source='NEW."updated_at" := clock_timestamp();'), True),
    (replace(STAMP, source="-- NEW.updated_at = now()\nRETURN NEW;"), False),
    (replace(STAMP, source="IF NEW.updated_at == 1 THEN"), False),
    (replace(STAMP, source="NEW.updated_at_2 := now();"), False),
    (replace(STAMP, bits=ROW | UPDATE), False),
    (replace(STAMP, bits=ROW | BEFORE | INSERT), False),
    (Trigger("m", ROW | BEFORE | UPDATE, "moddatetime", "moddatetime", ("updated_at",)), True),
    (Trigger("m", ROW | BEFORE | UPDATE, "moddatetime", "moddatetime", ("other",)), False),
])  # fmt: skip
def test_which_trigger_keeps_a_column(trigger: Trigger, does: bool) -> None:
    assert keeps(trigger, "updated_at") is does


def test_a_cursor_by_what_keeps_it() -> None:
    plain = choose_capture(ORDERS, LARGE, 0)
    assert (plain.capture, plain.deletes) == (Capture.CURSOR, Deletes.AUDIT)
    assert plain.missing == ("trigger", "index", "tombstones")
    ready = replace(
        ORDERS,
        triggers=(STAMP, TOMBSTONES, TRUNCATED),
        has_tombstones=True,
        indexes=(Index("by_time", ("updated_at", "id")),),
    )
    best = choose_capture(ready, LARGE, 0)
    assert (best.deletes, best.missing) == (Deletes.TOMBSTONE, ())
    # a small table: by the cursor if everything keeps it, by snapshot if something does not
    assert choose_capture(replace(ready, bytes=8192), SMALL, 0).capture is Capture.CURSOR
    little = replace(ORDERS, bytes=8192)
    assert choose_capture(little, SMALL, 0).capture is Capture.SNAPSHOT
    assert choose_capture(little, SMALL, 0, snapshots=False).capture is Capture.CURSOR


def test_a_transaction_id_is_the_better_cursor() -> None:
    stamp = Trigger("s", ROW | BEFORE | UPDATE | INSERT, "f", "NEW.xid := pg_current_xact_id();")
    strict = replace(
        ORDERS,
        columns=(*ORDERS.columns, Column("xid", "xid8", is_required=True)),
        triggers=(stamp,),
        indexes=(Index("by_xid", ("xid", "id")),),
    )
    choice = choose_capture(strict, LARGE, 0)
    assert choice.missing == ("tombstones",)
    made = draft(strict, LARGE, choice, "orders", {}).contract
    assert (made.cursor, made.changed_at, made.is_strict) == ("xid", "updated_at", True)
    (objects, deletes) = prepare([Looked(strict, LARGE, choice)], None)
    assert "lakehouse_record_tombstone" in objects.sql
    assert "lakehouse_backdated" not in deletes.sql
    # without its trigger it is a column like others
    assert choose_capture(replace(strict, triggers=()), LARGE, 0).cursor == choose_cursor(ORDERS)


def test_history_and_transitions() -> None:
    seen = Sample(20_000, False, {"status": Seen(values=("open", "closed"))})
    assert choose_capture(ORDERS, seen, 3).history is History.CURRENT
    assert choose_capture(ORDERS, seen, 3).transitions == "status"
    assert choose_capture(ORDERS, LARGE, 3).history is History.SCD2
    assert choose_capture(replace(ORDERS, name="fact_orders"), LARGE, 3).history is History.CURRENT
    state = tuple(
        replace(c, name="state" if c.name == "status" else c.name) for c in ORDERS.columns
    )
    place = replace(ORDERS, columns=(*state, Column("city", "text")))
    there = Sample(20_000, False, {"state": Seen(values=("CA", "NY"))})
    assert choose_capture(place, there, 0).transitions is None


@pytest.mark.parametrize(("table", "sample", "words"), [
    (replace(ORDERS, sort=FOREIGN), LARGE, "is a foreign table; contract it in the database"),
    (replace(ORDERS, is_readable=False), LARGE, 'run: GRANT SELECT ON "public"."orders"'),
    (replace(ORDERS, hides_rows=True), LARGE, "row level security, .*BYPASSRLS"),
    (ORDERS, "canceling statement due to statement timeout", "statement timeout; leave it out"),
    (replace(ORDERS, primary_key=()), LARGE, "has no key, .*ADD PRIMARY KEY"),
    (replace(ORDERS, columns=ORDERS.columns[:2]), LARGE,
     "5,000,000 rows, 954 MiB and no time of change, .*make prepare-source"),
    (replace(ORDERS, columns=(*ORDERS.columns[:2], Column("updated_at", TIME))), LARGE,
     r"updated_at may be NULL\), .*make prepare-source"),
    (replace(ORDERS, sort=VIEW, primary_key=()), LARGE, "no single column is unique; contract the"),
])  # fmt: skip
def test_each_refusal_is_one_line_with_its_remedy(
    table: Table, sample: Sample | str, words: str
) -> None:
    refusal = choose_capture(table, sample, 0).refusal
    assert "\n" not in refusal
    assert refusal.startswith("public.orders ")
    assert re.search(words, refusal), refusal


def test_a_view_is_known_by_a_column_that_is_unique_in_it() -> None:
    view = replace(ORDERS, sort=VIEW, primary_key=(), bytes=0)
    seen = Sample(40, True, {"id": Seen(distinct=40), "status": Seen(distinct=40)}, counted=40)
    key = choose_key(view, seen)
    assert not isinstance(key, str)
    assert (key.columns, key.is_declared) == (("id",), False)
    assert choose_capture(view, seen, 0).capture is Capture.SNAPSHOT
    large = Sample(20_000, True, seen.columns | {"id": Seen(distinct=20_000)})
    assert "too many for a snapshot" in choose_capture(view, large, 0).refusal


def test_a_draft_is_a_contract_and_rules_with_their_reasons() -> None:
    seen = {"id": Seen(distinct=900), "status": Seen(nulls=3, values=("open", "closed"))}
    sample = Sample(900, True, seen, counted=900)
    choice = choose_capture(ORDERS, LARGE, 0)
    made = draft(ORDERS, sample, choice, "orders", {})
    assert isinstance(made.contract, TableContract)
    assert made.contract.cursor == "updated_at"
    assert tomllib.loads(made.toml)["deletes"] == "audit"
    assert "# 3 of 900 rows are NULL" in made.toml
    assert [rule.text for rule in parse(made.dqdl)] == [
        'IsComplete "id"', 'IsComplete "updated_at"', 'IsUnique "id"', "RowCount > 0",
    ]  # fmt: skip
    assert '# ColumnValues "status" in ["open", "closed", NULL]' in made.dqdl
    active = draft(ORDERS, sample, choice, "orders", {}, activate=True)
    assert 'ColumnValues "status" in ["open", "closed", NULL]' in [
        rule.text for rule in parse(active.dqdl)
    ]


def test_nothing_of_a_refused_table_is_missing_unless_we_can_add_it() -> None:
    assert Choice(refusal="x").missing == ()
    assert choose_capture(replace(ORDERS, primary_key=()), LARGE, 0).missing == ()
