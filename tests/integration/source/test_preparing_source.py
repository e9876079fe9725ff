"""`make contracts` and `make prepare-source` on a real PostgreSQL with a schema full of mess."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from lakehouse.contract import Capture, Deletes, History, TableContract
from lakehouse.errors import ConfigurationError, SourceError
from lakehouse.validation import check_contracts
from local.onboard import run_contracts, run_prepare
from onboarding.connection import connect, parse
from tests.integration.source.conftest import PASSWORD
from tests.integration.source.messy_source import OwnDatabase

ORDER, EVENTS = '"Sales Dept"."order"', '"Sales Dept".events'


def drafted(source: OwnDatabase, out: Path, tables: str = "") -> dict[str, TableContract]:
    run_contracts(source.dsn, tables, str(out), force=False, activate=False)
    return check_contracts(out)


def prepared(source: OwnDatabase, tables: str, **how: bool) -> None:
    chosen = {"small": False, "changes": True, "back": False} | how
    assert run_prepare(source.dsn, tables, "lake_reader", **chosen) == 0


def test_contracts_of_every_kind_of_table(
    messy: OwnDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = messy.dump()
    found = drafted(messy, tmp_path)
    assert messy.dump() == before

    assert sorted(found) == [
        "by_index", "customer", "events", "grosse", "order", "public_kept", "sales_dept_kept",
        "wide",
    ]  # fmt: skip
    order = found["order"]
    assert (order.schema, order.key, order.cursor) == (
        "Sales Dept",
        ("user", "table"),
        "updated_at",
    )
    assert (order.capture, order.deletes) == (Capture.CURSOR, Deletes.AUDIT)
    assert order.transitions == "status"
    assert order.columns["select"] == '"Sales Dept".order_state as text'
    assert order.columns["pieces"] == '"Sales Dept".positive as integer'
    assert order.columns["moods"] == '"Sales Dept".mood[] as text'
    assert (order.columns["tags"], order.columns["free"]) == ("text[]", "numeric")
    customer = found["customer"]
    assert (customer.history, customer.source_name) == (History.SCD2, "Customer")
    assert customer.source_names["source_valid_from"] == "valid_from"
    assert set(customer.personal) == {"first_name", "contact_address", "reach_us"}
    assert customer.description == "Who buys."
    assert found["by_index"].key == ("code",)
    assert found["events"].capture is found["wide"].capture is Capture.SNAPSHOT
    assert len(found["wide"].columns) == 300

    told = capsys.readouterr().out
    files = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "@example.com" not in told + files
    assert "Street 7" not in told + files
    refused = [line for line in told.splitlines() if line.startswith("refused: ")]
    assert refused == [
        'refused: Sales Dept.keyless has no key, so no row can be followed; run: ALTER TABLE '
        '"Sales Dept"."keyless" ADD PRIMARY KEY (<the columns that identify a row>)',
        'refused: Sales Dept.nearly has no primary key, and its unique index nearly_code allows '
        'NULL; run: ALTER TABLE "Sales Dept"."nearly" ALTER COLUMN "code" SET NOT NULL',
        "refused: Sales Dept.no_time has 120,000 rows, 9 MiB and no time of change (modified is "
        "timestamp without time zone, which no clock change leaves in order), too large for a "
        "snapshot in each run; run: make prepare-source DSN=... TABLES='Sales Dept.no_time' "
        "APPLY=1",
    ]  # fmt: skip


def test_rules_say_what_they_rest_on(messy: OwnDatabase, tmp_path: Path) -> None:
    drafted(messy, tmp_path, "order,Customer,kept,by_index")
    rules = (tmp_path / "order.dqdl").read_text()
    for rule, why in (
        ('IsPrimaryKey "user" "table"', "primary key"),
        (
            'ColumnValues "status" in ["open", "closed", NULL]',
            "CHECK constraint order_status_check",
        ),
        ('ColumnValues "amount" >= 0', "CHECK constraint order_amount_check"),
        ('ColumnValues "amount" < 100000', "CHECK constraint order_amount_check"),
        ('ColumnValues "discount" > 0 where "discount is not null"', "order_discount_check"),
        ('ColumnValues "pieces" > 0 where "pieces is not null"', "of its domain positive_check"),
        ('ColumnLength "label" >= 2', "of its domain code_check"),
        ('ReferentialIntegrity "user" "customer.customer_id" = 1.0', "foreign key order_user_fkey"),
        ("RowCount > 0", "150,000 rows"),
    ):
        line = next(line for line in rules.splitlines() if line.strip().startswith(rule))
        assert why in line, line
    assert "CHECK constraint order_odd_check on odd has no equal in DQDL" in rules
    # an enum's value with a quote in it can't be written in DQDL
    assert 'ColumnValues "select"' not in rules
    # a rule that only the rows suggest waits as a comment
    assert re.search(r'(?m)^    # ColumnValues "channel" in \["by 0", ', rules)
    by_index = (tmp_path / "by_index.dqdl").read_text()
    assert 'IsUnique "code"' in by_index
    assert 'IsUnique "twin"' not in by_index


def test_views_by_snapshot_or_refused(
    messy: OwnDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = drafted(messy, tmp_path, "Sales Dept.customer_names,open_orders,customer_count")
    assert found["customer_names"].capture is Capture.SNAPSHOT
    assert found["customer_names"].key == ("customer_id",)
    assert set(found) == {"customer_names", "customer_count"}
    assert "refused: Sales Dept.open_orders is a view in which no single column is unique; " in (
        capsys.readouterr().out
    )


def test_files_edited_by_hand_stay(
    messy: OwnDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drafted(messy, tmp_path, "by_index")
    mine = tmp_path / "by_index.toml"
    mine.write_text(mine.read_text().replace('history = "current"', 'history = "scd2"'))
    assert drafted(messy, tmp_path, "by_index")["by_index"].history is History.SCD2
    assert "left alone, as edited by hand: by_index.toml; FORCE=1" in capsys.readouterr().out
    run_contracts(messy.dsn, "by_index", str(tmp_path), force=True, activate=False)
    assert check_contracts(tmp_path)["by_index"].history is History.CURRENT


def test_prepared_and_undone(messy: OwnDatabase, tmp_path: Path) -> None:
    tables = "order,no_time,events"
    before = messy.dump()
    run_prepare(messy.dsn, tables, "lake_reader", small=True, changes=False, back=False)
    assert messy.dump() == before, "printing changes nothing"

    prepared(messy, tables, small=True)
    found = drafted(messy, tmp_path, tables)
    assert {c.cursor for c in found.values()} == {"updated_at", "lakehouse_updated_at"}
    assert {c.deletes for c in found.values()} == {Deletes.TOMBSTONE}
    ready = messy.dump()
    prepared(messy, tables, small=True)
    assert messy.dump() == ready, "a second time finds nothing to do"

    messy.run(f"UPDATE {ORDER} SET updated_at = '2020-01-01' WHERE \"table\" = 1")
    messy.run(f'UPDATE {ORDER} SET amount = 5 WHERE "table" = 2')
    messy.run(f'UPDATE {ORDER} SET "table" = 200001 WHERE "table" = 3')
    messy.run(f'DELETE FROM {ORDER} WHERE "table" = 4')
    messy.run(f"DELETE FROM {EVENTS} WHERE id = 5")
    messy.run('TRUNCATE "Sales Dept".no_time')
    assert messy.run(
        'SELECT source_table, row_key::text FROM "Sales Dept".lakehouse_tombstones '
        "ORDER BY deleted_at"
    ) == [
        ["order", '{"user": 2, "table": 1}'],
        ["order", '{"user": 4, "table": 3}'],
        ["order", '{"user": 5, "table": 4}'],
        ["events", '{"at": "2026-01-20", "id": 5}'],
        ["no_time", None],
    ]
    moved = f"SELECT count(*) FROM {ORDER} WHERE updated_at > now() - interval '1 minute'"
    assert messy.run(f'{moved} AND "table" IN (2, 200001)') == [[2]]
    assert messy.run(
        "SELECT has_table_privilege('lake_reader', '\"Sales Dept\".\"order\"', 'SELECT'), "
        "pg_has_role('lake_reader', 'pg_read_all_stats', 'USAGE')"
    ) == [[True, True]]

    prepared(messy, tables, back=True)
    assert messy.dump() == before


def test_a_preparation_that_fails_changes_nothing(messy: OwnDatabase) -> None:
    before = messy.dump()
    holder = messy.connect()
    try:
        holder.run("BEGIN")
        holder.run('LOCK TABLE "Sales Dept"."order" IN ROW EXCLUSIVE MODE')
        with pytest.raises(SourceError, match=r"order: .* lock timeout; nothing was changed; run"):
            run_prepare(messy.dsn, "order", "none", small=False, changes=True, back=False)
    finally:
        holder.close()
    assert messy.dump() == before


@pytest.mark.parametrize(("dsn", "fault"), [
    ("mysql://me@there/shop", "does not begin with postgresql://"),
    ("postgresql://me@/shop", "names no host"),
    ("postgresql://me@there", "names no database"),
    ("postgresql://there/shop", "names no user"),
    ("postgresql://me@there:port/shop", "a port that is no number"),
    ("postgresql://me@there/shop?sslmode=maybe", "an sslmode that is none of"),
    ("postgresql://me:secret@there/shop?speed=1", "the option speed, which is not known"),
])  # fmt: skip
def test_a_wrong_dsn_is_told_without_its_password(dsn: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(dsn)
    assert fault in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "write DSN=postgresql://" in str(refused.value)


def test_refusals_name_the_remedy(messy: OwnDatabase) -> None:
    with pytest.raises(ConfigurationError, match=r"TABLES names 'nowhere', which .* it has "):
        run_contracts(messy.dsn, "nowhere", "", force=False, activate=False)
    wrong = messy.dsn.replace(quote(PASSWORD, safe=""), "no-password")
    with (
        pytest.raises(
            SourceError, match=r"does not let 'shop_admin' in: .*; check host, port"
        ) as no,
        connect(parse(wrong)),
    ):
        pass
    assert "no-password" not in str(no.value)
