"""Loads, deltas, deletes and chunks over a real PostgreSQL."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pg8000.exceptions import DatabaseError

from lakehouse.contract import Deletes
from lakehouse.errors import ContractError, LandingError, SourceUnavailableError, SourceUnsafeError
from lakehouse.ledger import Kind
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.dqdl import parse
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.extraction import reading
from tests.integration.ingest.conftest import DATABASE, SALES, Shop

Wait = Callable[[], None]


def fill(shop: Shop, first: int, last: int) -> None:
    shop.connect().run(
        "INSERT INTO sales SELECT n, 'buyer ' || n, n * 1.01, now() "
        f"FROM generate_series({first}, {last}) n"
    )


def test_first_load_in_chunks_with_ties_across_every_border(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 2_500)  # one transaction: a single cursor value for all
    wait()
    results = shop.ingest(chunk_rows=1_000)
    assert [result.rows for result in results] == [1_000, 1_000, 500]
    assert [result.has_more for result in results] == [True, True, False]
    assert shop.living() == shop.truth()
    assert {op for (op,) in shop.read("_op")} == {"I"}
    assert results[-1].pending_rows == 2_500
    assert results[-1].pending_batches == 3
    assert results[-1].crawl_due


def test_a_chunk_that_ends_with_the_window_leaves_nothing_over(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 2_000)
    wait()
    assert [result.rows for result in shop.ingest(chunk_rows=1_000)] == [1_000, 1_000]


def test_delta_has_changes_and_deletes_and_nothing_else(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 100)
    wait()
    shop.ingest()
    shop.run_script(
        "UPDATE sales SET amount = 7, updated_at = now() WHERE sale_id = 1;"
        "DELETE FROM sales WHERE sale_id IN (2, 3);"
        "INSERT INTO sales VALUES (3, 'again', 1, clock_timestamp());"
        "INSERT INTO sales VALUES (101, NULL, NULL, clock_timestamp())"
    )
    wait()
    [result] = shop.ingest()
    assert (result.rows, result.deletes) == (4, 1)
    assert shop.read("_batch_id, sale_id, _op, buyer")[-4:] == [
        ("000000000002", 1, "U", "buyer 1"),
        ("000000000002", 2, "D", None),
        ("000000000002", 3, "U", "again"),
        ("000000000002", 101, "U", None),
    ]
    assert shop.living() == shop.truth()


def test_nothing_new_makes_no_batch_and_no_object(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 10)
    wait()
    shop.ingest()
    before = shop.objects()
    wait()
    [result] = shop.ingest()
    assert (result.batch_id, result.rows, result.has_more) == (None, 0, False)
    assert result.pending_rows == 10
    assert shop.objects() == before
    assert len(shop.ledger.batches("sales")) == 1


def test_an_empty_table_and_then_its_first_rows(shop: Shop, wait: Wait) -> None:
    [result] = shop.ingest()
    assert (result.batch_id, result.crawl_due) == (None, False)
    fill(shop, 1, 3)
    wait()
    shop.ingest()
    assert shop.living() == shop.truth()


def test_a_transaction_that_stamps_early_and_commits_late_is_not_lost(
    shop: Shop, wait: Wait
) -> None:
    late = shop.connect(application_name="slow writer")
    late.run("BEGIN")
    late.run("INSERT INTO sales VALUES (1, 'late', 1, now())")
    fill(shop, 2, 5)
    wait()
    [held] = shop.ingest()
    assert held.rows == 0
    assert held.horizon_held_seconds > 0
    assert "slow writer" in (held.horizon_culprit or "")
    late.run("COMMIT")
    wait()
    shop.ingest()
    assert shop.living() == shop.truth()
    assert len(shop.truth()) == 5


def test_a_prepared_transaction_holds_the_watermark(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 3)
    wait()
    shop.ingest()
    writer = shop.connect()
    writer.run("BEGIN")
    writer.run("INSERT INTO sales VALUES (4, 'prepared', 1, now())")
    writer.run("PREPARE TRANSACTION 'two-phase'")
    fill(shop, 5, 6)
    wait()
    [held] = shop.ingest()
    assert held.rows == 0
    assert "two-phase" in (held.horizon_culprit or "")
    writer.run("COMMIT PREPARED 'two-phase'")
    shop.ingest()
    assert shop.living() == shop.truth()


def test_transactions_of_another_database_hold_nothing(shop: Shop, wait: Wait) -> None:
    running, prepared = (shop.connect(database=DATABASE) for _ in range(2))
    running.run("BEGIN")
    prepared.run("BEGIN")
    prepared.run("PREPARE TRANSACTION 'elsewhere'")
    try:
        fill(shop, 1, 3)
        wait()
        [result] = shop.ingest()
    finally:
        running.run("ROLLBACK")
        prepared.run("ROLLBACK PREPARED 'elsewhere'")
    assert (result.rows, result.horizon_culprit) == (3, None)


def test_truncate_deletes_every_key_that_bronze_knows(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 1_200)
    wait()
    shop.ingest(chunk_rows=500)
    shop.run_script(
        "DELETE FROM sales WHERE sale_id = 1; TRUNCATE sales;"
        "INSERT INTO sales SELECT n, 'new', 1, clock_timestamp() FROM generate_series(5, 14) n"
    )
    wait()
    results = shop.ingest()
    assert [result.deletes for result in results] == [1, 1_189]
    assert shop.ledger.batches("sales")[-1].kind is Kind.SWEEP
    assert shop.living() == shop.truth()
    [idle] = shop.ingest()
    assert idle.batch_id is None


def test_a_replaced_file_is_read_anew(shop: Shop, wait: Wait, tmp_path: Path) -> None:
    """A sweep reads object after object under one name, some within one tick of the file system."""
    fill(shop, 1, 1)
    wait()
    shop.ingest()
    [batch] = shop.ledger.batches("sales")
    path = tmp_path / "object.parquet"
    with reading(shop.source(), SALES, batch, tmp_path) as extraction:
        for key in (1, 1_000_000):
            pq.write_table(pa.table({"sale_id": [key], "_op": ["U"]}), path)
            os.utime(path, (0, 0))
            statement = f"SELECT sale_id, max(_op) FROM read_parquet('{path}') GROUP BY ALL"
            assert extraction.run(statement) == [(key, "U")]


def test_truncate_of_all_and_nothing_after(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 5)
    wait()
    shop.ingest()
    shop.run_script("TRUNCATE sales")
    wait()
    assert [result.deletes for result in shop.ingest()] == [0, 5]
    assert shop.living() == []


def test_what_the_plain_cursor_cannot_see(shop: Shop, wait: Wait) -> None:
    """A stamp set back behind the watermark by hand stays unseen until the row changes again."""
    fill(shop, 1, 2)
    wait()
    shop.ingest()
    shop.run_script("UPDATE sales SET amount = 9, updated_at = now() - interval '1 day'")
    wait()
    assert [result.rows for result in shop.ingest()] == [0]
    shop.run_script("UPDATE sales SET amount = 10, updated_at = clock_timestamp()")
    wait()
    shop.ingest()
    assert shop.living() == shop.truth()


def test_values_that_cannot_be_carried_are_set_aside_unchanged(shop: Shop, wait: Wait) -> None:
    shop.run_script("ALTER TABLE sales ADD born date")
    shop.contract = replace(SALES, columns={**SALES.columns, "born": "date"})
    shop.run_script(
        "INSERT INTO sales VALUES (1, 'fine', 1, now(), '0004-02-29'), "
        "(2, 'nan', 'NaN', now(), NULL), (3, 'never', 1, now(), 'infinity'), "
        "(4, 'bc', 1, now(), '0044-03-15 BC')"
    )
    wait()
    [result] = shop.ingest()
    assert (result.rows, result.quarantined) == (1, 3)
    assert shop.read("sale_id, cast(born as varchar)") == [(1, "0004-02-29")]
    aside = shop.read("row_key, failed_rules, raw_row", "quarantine")
    assert [(key, rules) for key, rules, _ in aside] == [
        ('{"sale_id":2}', "amount: numeric(12,2) not a number"),
        ('{"sale_id":3}', "born: date infinite or outside the years 1 to 9999"),
        ('{"sale_id":4}', "born: date infinite or outside the years 1 to 9999"),
    ]
    for text, (_, _, raw) in zip(('"NaN"', '"infinity"', '"0044-03-15 BC"'), aside, strict=True):
        assert text in raw
    assert '"amount":1.00' in aside[1][2]


NEWS = "INSERT INTO sales VALUES (1, '', 1, now())"
UNSTAMPED = (
    "ALTER TABLE sales ALTER updated_at DROP NOT NULL; INSERT INTO sales VALUES (1, '', 1, NULL)"
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        # asked before something is read
        (f"ALTER TABLE sales DROP CONSTRAINT sales_pkey; {NEWS}", ["unique index", "sale_id"]),
        (
            "ALTER TABLE sales DROP CONSTRAINT sales_pkey;"
            f"CREATE UNIQUE INDEX ON sales (sale_id) WHERE amount > 1; {NEWS}",
            ["unique index", "sale_id"],
        ),
        (
            "ALTER TABLE sales DROP CONSTRAINT sales_pkey;"
            f"CREATE UNIQUE INDEX ON sales (sale_id, lower(buyer)); {NEWS}",
            ["unique index", "sale_id"],
        ),
        ("ALTER TABLE sales DISABLE TRIGGER sales_bury", ["DELETE trigger"]),
        ("ALTER TABLE sales DISABLE TRIGGER sales_bury_all", ["TRUNCATE trigger"]),
        ("DROP TABLE lakehouse_tombstones", ["lakehouse_tombstones"]),
        ("DROP TABLE sales", ["no table public.sales"]),
        ("INSERT INTO sales VALUES (1, '', 1, 'infinity')", ["updated_at", "infinite"]),
        (UNSTAMPED, ["updated_at", "NULL"]),
        # the catalog says NOT NULL, of rows that are written from then on
        (
            f"{UNSTAMPED}; ALTER TABLE sales ADD CONSTRAINT stamped NOT NULL updated_at NOT VALID",
            ["updated_at", "NULL"],
        ),
        (
            "INSERT INTO lakehouse_tombstones VALUES ('sales', '{\"id\": 1}')",
            ["tombstones", "sale_id"],
        ),
    ],
)
def test_a_source_unlike_its_contract_is_refused(
    shop: Shop, wait: Wait, change: str, words: list[str]
) -> None:
    fill(shop, 7, 7)
    wait()
    shop.ingest()
    shop.run_script(change)
    wait()
    with pytest.raises(ContractError) as refused:
        shop.ingest()
    assert all(word in str(refused.value) for word in words)


def test_an_index_that_was_never_finished_makes_nothing_unique(shop: Shop, wait: Wait) -> None:
    shop.run_script("ALTER TABLE sales DROP CONSTRAINT sales_pkey")
    for _ in range(2):
        fill(shop, 1, 1)
    with pytest.raises(DatabaseError, match="could not create unique index"):
        shop.connect().run("CREATE UNIQUE INDEX CONCURRENTLY ON sales (sale_id)")
    with pytest.raises(ContractError, match="no unique index"):
        shop.ingest()


def test_columns_that_an_index_only_carries_are_no_part_of_its_key(shop: Shop, wait: Wait) -> None:
    shop.run_script(
        "ALTER TABLE sales DROP CONSTRAINT sales_pkey;"
        "CREATE UNIQUE INDEX ON sales (sale_id) INCLUDE (amount)"
    )
    fill(shop, 1, 3)
    wait()
    assert [result.rows for result in shop.ingest()] == [3]


def test_a_batch_left_open_is_not_read_without_a_unique_index(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 3)
    wait()

    class Full(Bronze):
        def put(self, *_: object) -> object:  # type: ignore[override]
            raise LandingError("the disk is full")

    with pytest.raises(LandingError):
        shop.ingest(bronze=Full(shop.bronze.client, shop.bronze.bucket))
    shop.run_script("ALTER TABLE sales DROP CONSTRAINT sales_pkey")
    with pytest.raises(ContractError, match="no unique index"):
        shop.ingest()
    shop.run_script("ALTER TABLE sales ADD PRIMARY KEY (sale_id)")
    assert [result.rows for result in shop.ingest()] == [3]


def test_no_sweep_without_a_unique_index(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 3)
    wait()
    shop.ingest()
    shop.run_script("TRUNCATE sales; ALTER TABLE sales DROP CONSTRAINT sales_pkey")
    wait()
    with pytest.raises(ContractError, match="no unique index"):
        shop.ingest()


def test_audited_tables_need_no_trigger(shop: Shop, wait: Wait) -> None:
    shop.run_script("DROP TABLE lakehouse_tombstones; DROP TRIGGER sales_bury ON sales")
    shop.contract = replace(SALES, deletes=Deletes.AUDIT)
    for first in (1, 10):
        fill(shop, first, first + 5)
        wait()
        shop.ingest()
    assert shop.living() == shop.truth()


def test_a_role_that_cannot_see_other_transactions_is_refused(shop: Shop) -> None:
    role = f"blind_{shop.database}"
    shop.engine.query(f"CREATE ROLE {role} LOGIN PASSWORD 'blind'")
    source = shop.source()
    blind = replace(source, connect=lambda: shop.connect_as(role, "blind"))
    with pytest.raises(SourceUnsafeError, match="pg_read_all_stats"):
        shop.ingest(source=blind)


def test_a_session_that_hides_its_transaction_is_refused(shop: Shop) -> None:
    role = f"hidden_{shop.database}"
    shop.engine.query(f"CREATE ROLE {role} LOGIN PASSWORD 'hidden'")
    shop.engine.query(f"ALTER ROLE {role} SET track_activities = off")
    shop.connect_as(role, "hidden")
    with pytest.raises(SourceUnsafeError, match="track_activities"):
        shop.ingest()


def test_a_reader_that_finds_no_database_says_so_without_the_secret(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 2)
    wait()
    with pytest.raises(SourceUnavailableError) as refused:
        shop.ingest(source=shop.source(port=1))
    assert "127.0.0.1" in str(refused.value)
    assert "secret-of-the-test" not in str(refused.value)
    shop.ingest()
    assert shop.living() == shop.truth()


def test_a_bucket_that_denies_says_which_and_what(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 2)
    wait()
    absent = replace(shop.bronze, bucket="absent-bucket")
    with pytest.raises(
        LandingError, match=r"PutObject s3://absent-bucket/bronze/sales/.*NoSuchBucket"
    ):
        shop.ingest(bronze=absent)
    shop.ingest()
    assert shop.living() == shop.truth()


RULES = """Rules = [
    ColumnValues "amount" >= 0,
    ColumnValues "buyer" in ["a", "b"] where "sale_id < 10"
]"""


def test_rows_that_break_a_rule_are_held_back_and_deletes_are_not(shop: Shop, wait: Wait) -> None:
    rules = compile_rules(SALES, parse(RULES))
    shop.run_script("INSERT INTO sales VALUES (1, 'a', 1), (2, 'c', -0.10), (3, 'b', 'NaN')")
    wait()
    [result] = shop.ingest(rules=rules)
    assert (result.rows, result.quarantined, result.pending_rows) == (1, 2, 3)
    assert shop.read("sale_id, _op") == [(1, "I")]
    aside = shop.read("row_key, failed_rules, raw_row", "quarantine")
    assert [(key, why) for key, why, _ in aside] == [
        (
            '{"sale_id":2}',
            'ColumnValues "amount" >= 0; ColumnValues "buyer" in ["a", "b"] where "sale_id < 10"',
        ),
        ('{"sale_id":3}', "amount: numeric(12,2) not a number"),
    ]
    assert '"buyer":"c","amount":"-0.10"' in aside[0][2]

    shop.run_script(
        "DELETE FROM sales WHERE sale_id = 1; INSERT INTO sales VALUES (4, 'b', 4);"
        "UPDATE sales SET amount = -1, updated_at = now() WHERE sale_id = 2"
    )
    wait()
    [result] = shop.ingest(rules=rules)
    assert (result.rows, result.deletes, result.quarantined) == (2, 1, 1)
    assert shop.read("_batch_id, sale_id, _op")[1:] == [
        ("000000000002", 1, "D"), ("000000000002", 4, "U"),
    ]  # fmt: skip


def test_a_key_that_was_only_ever_held_back_is_swept(shop: Shop, wait: Wait) -> None:
    rules = compile_rules(SALES, parse(RULES))
    shop.run_script("INSERT INTO sales VALUES (1, 'a', 1), (2, 'c', -1), (3, 'b', 'NaN')")
    wait()
    shop.ingest(rules=rules)
    shop.run_script("TRUNCATE sales; INSERT INTO sales VALUES (4, 'a', -4)")
    wait()
    shop.ingest(rules=rules)
    swept = [row for row in shop.read("_batch_id, sale_id, _op") if row[2] == "D"]
    assert swept == [("000000000003", key, "D") for key in (1, 2, 3)]
