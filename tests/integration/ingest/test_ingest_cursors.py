"""What a `timestamptz` cursor sees by tombstones, a strict `xid8` cursor, and audits."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lakehouse.contract import Deletes
from lakehouse.errors import ContractError
from tests.integration.ingest.conftest import SALES, Shop

Wait = Callable[[], None]

STRICT = replace(
    SALES,
    cursor="changed_xid",
    changed_at="updated_at",
    columns={**SALES.columns, "changed_xid": "xid8"},
)
STAMPED = """
ALTER TABLE sales ADD changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX ON sales (changed_xid, sale_id);
ALTER TABLE lakehouse_tombstones
    ADD deleted_xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER stamped BEFORE INSERT OR UPDATE ON sales FOR EACH ROW EXECUTE FUNCTION stamp();
"""
MARKED = """
CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lakehouse_tombstones (source_table, row_key, deleted_at)
    VALUES ('sales', jsonb_build_object('sale_id', NEW.sale_id), clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER marked AFTER INSERT OR UPDATE ON sales FOR EACH ROW
    WHEN (NEW.updated_at < now()) EXECUTE FUNCTION mark();
"""


def fill(shop: Shop, first: int, last: int) -> None:
    shop.connect().run(
        "INSERT INTO sales (sale_id, buyer, amount, updated_at) SELECT n, 'b', n, now() "
        f"FROM generate_series({first}, {last}) n"
    )


@pytest.fixture
def strict(shop: Shop) -> Shop:
    shop.run_script(STAMPED)
    shop.contract = STRICT
    return shop


def test_backdated_and_unstamped_changes_are_seen_once(shop: Shop, wait: Wait) -> None:
    shop.run_script(MARKED)
    fill(shop, 1, 30)
    wait()
    shop.ingest()
    wait()
    shop.run_script(
        "UPDATE sales SET amount = 100 WHERE sale_id = 1;"  # forgets the stamp
        "UPDATE sales SET amount = 100, updated_at = '2001-01-01' WHERE sale_id = 2;"
        "DELETE FROM sales WHERE sale_id = 3;"
        "INSERT INTO sales VALUES (3, 'again', 1, '2001-01-01');"
        "UPDATE sales SET amount = 100, updated_at = clock_timestamp() WHERE sale_id = 4;"
        "UPDATE sales SET amount = 'NaN', updated_at = '2001-01-01' WHERE sale_id = 5"
    )
    wait()
    results = shop.ingest(chunk_rows=2)
    assert sum(result.rows for result in results) == 4
    assert sum(result.quarantined for result in results) == 1
    shop.run_script("DELETE FROM sales WHERE sale_id = 5")
    wait()
    shop.ingest()
    assert shop.living() == shop.truth()
    wait()
    assert [result.batch_id for result in shop.ingest()] == [None]


def test_a_backdated_row_of_the_first_load_is_not_delivered_again(shop: Shop, wait: Wait) -> None:
    shop.run_script(MARKED)
    fill(shop, 1, 3)
    wait()
    late = shop.connect()
    late.run("BEGIN")
    late.run("INSERT INTO sales VALUES (4, 'old', 1, '2001-01-01')")
    slow = shop.attempt(chunk_rows=2)
    slow.run()
    late.run("COMMIT")
    wait()
    shop.ingest()
    wait()
    shop.ingest()
    assert shop.living() == shop.truth()
    assert [key for (key,) in shop.read("sale_id")] == [1, 2, 3, 4]


def test_the_strict_cursor_over_loads_chunks_deltas_deletes(strict: Shop, wait: Wait) -> None:
    fill(strict, 1, 2_500)
    assert [result.rows for result in strict.ingest(chunk_rows=1_000)] == [1_000, 1_000, 500]
    strict.run_script(
        "UPDATE sales SET amount = 0, updated_at = '2001-01-01' WHERE sale_id = 1;"
        "DELETE FROM sales WHERE sale_id = 2"
    )
    [delta] = strict.ingest()
    assert (delta.rows, delta.deletes) == (2, 1)
    assert strict.living() == strict.truth()
    watermark = strict.ledger.watermark("sales", "changed_xid")
    assert len(watermark.cursor_value or "") == 20
    strict.run_script("TRUNCATE sales")
    fill(strict, 10, 12)
    strict.ingest()
    assert strict.living() == strict.truth()


def test_the_strict_cursor_waits_for_open_and_prepared_transactions(
    strict: Shop, wait: Wait
) -> None:
    fill(strict, 1, 2)
    strict.ingest()
    late, prepared = strict.connect(), strict.connect()
    for session, key in ((late, 3), (prepared, 4)):
        session.run("BEGIN")
        session.run(f"INSERT INTO sales VALUES ({key}, 'late', 1, '2001-01-01')")
    prepared.run("PREPARE TRANSACTION 'strict'")
    fill(strict, 5, 6)
    strict.ingest()
    assert [key for key, _ in strict.living()] == [1, 2]
    late.run("COMMIT")
    prepared.run("COMMIT PREPARED 'strict'")
    strict.ingest()
    assert strict.living() == strict.truth()


def test_a_strict_cursor_without_its_trigger_is_refused(strict: Shop) -> None:
    strict.run_script("DROP TRIGGER stamped ON sales")
    with pytest.raises(ContractError, match="trigger stamps changed_xid"):
        strict.ingest()


def test_transaction_ids_of_another_cluster_are_refused(strict: Shop) -> None:
    strict.run_script(
        "ALTER TABLE sales DISABLE TRIGGER stamped;"
        "INSERT INTO sales VALUES (1, 'x', 1, now(), '99999999999');"
        "ALTER TABLE sales ENABLE TRIGGER stamped"
    )
    with pytest.raises(ContractError, match="another cluster's"):
        strict.ingest()


def test_an_audit_finds_the_deletes_that_no_trigger_told(shop: Shop, wait: Wait) -> None:
    shop.run_script("DROP TRIGGER sales_bury ON sales; DROP TRIGGER sales_bury_all ON sales")
    shop.contract = replace(SALES, deletes=Deletes.AUDIT)
    fill(shop, 1, 20)
    wait()
    shop.ingest()
    shop.run_script("DELETE FROM sales WHERE sale_id > 15")
    wait()
    assert [result.deletes for result in shop.ingest()] == [0]
    before = shop.ledger.watermark("sales", "updated_at")
    shop.ledger.move(before, replace(before, audited_at="2001-01-01T00:00:00.000000Z"))
    assert sum(result.deletes for result in shop.ingest()) == 5
    assert shop.living() == shop.truth()
    wait()
    assert [result.batch_id for result in shop.ingest()] == [None]
