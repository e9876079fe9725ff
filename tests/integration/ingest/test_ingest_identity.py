"""A source that is swapped, restored or made anew, and what an operator may do about it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lakehouse.errors import ConfigurationError, SourceChangedError
from lakehouse.ledger import Kind, Watermark
from local import ledger_desk
from tests.integration.ingest.conftest import DDL, Shop

Wait = Callable[[], None]


def fill(shop: Shop, first: int, last: int) -> None:
    shop.connect().run(
        "INSERT INTO sales SELECT n, 'b', n, clock_timestamp() "
        f"FROM generate_series({first}, {last}) n"
    )


def pretend(shop: Shop, **known: object) -> None:
    """Lets the watermark remember another source."""
    before = shop.ledger.watermark("sales", "updated_at")
    shop.ledger.move(before, replace(before, **known))


def recreate(shop: Shop, first: int, last: int) -> None:
    shop.run_script(
        "DROP TABLE sales, lakehouse_tombstones; DROP FUNCTION bury; DROP FUNCTION bury_all;" + DDL
    )
    fill(shop, first, last)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"system_identifier": "7"}, "another cluster"),
        ({"timeline": 9}, "timeline 1, not 9"),
        ({"database_oid": 1}, "another database"),
        ({"table_oid": 1}, "created anew"),
        ({"wal_position": 2**60}, "restored from a backup"),
    ],
)
def test_another_source_is_refused_with_the_reason_and_the_commands(
    shop: Shop, wait: Wait, known: dict[str, object], reason: str
) -> None:
    fill(shop, 1, 3)
    wait()
    shop.ingest()
    pretend(shop, **known)
    fill(shop, 4, 5)
    wait()
    with pytest.raises(SourceChangedError, match=reason) as refused:
        shop.ingest()
    for command in ("make ledger TABLE=sales ACTION=adopt", "ACTION=reload"):
        assert command in str(refused.value)
    assert len(shop.ledger.batches("sales")) == 1
    ledger_desk.adopt(shop.ledger, shop.contract)
    assert [result.rows for result in shop.ingest()] == [2]
    assert shop.living() == shop.truth()


def test_a_table_made_anew_is_reloaded_and_what_is_gone_is_swept(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 30)
    wait()
    shop.ingest()
    recreate(shop, 21, 35)
    wait()
    with pytest.raises(SourceChangedError, match="created anew"):
        shop.ingest()
    ledger_desk.reload(shop.ledger, shop.contract)
    results = shop.ingest(chunk_rows=10)
    assert [(r.rows, r.deletes) for r in results] == [(10, 0), (5, 0), (20, 20)]
    kinds = [batch.kind for batch in shop.ledger.batches("sales")]
    assert kinds == [Kind.LOAD, Kind.LOAD, Kind.LOAD, Kind.SWEEP]
    assert shop.living() == shop.truth()
    wait()
    assert [result.batch_id for result in shop.ingest()] == [None]


def test_a_table_made_anew_and_left_empty_is_swept(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 4)
    wait()
    shop.ingest()
    recreate(shop, 1, 0)
    ledger_desk.reload(shop.ledger, shop.contract)
    wait()
    assert sum(result.deletes for result in shop.ingest()) == 4
    assert shop.living() == []


def test_a_backfill_reads_a_window_again_as_new_batches(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 10)
    wait()
    shop.ingest()
    start = shop.ledger.watermark("sales", "updated_at").cursor_value
    fill(shop, 11, 14)
    shop.run_script("DELETE FROM sales WHERE sale_id = 2")
    wait()
    shop.ingest()
    assert start is not None
    ledger_desk.backfill(shop.ledger, shop.contract, start)
    wait()
    [again] = shop.ingest()
    assert (again.rows, again.deletes) == (5, 1)
    assert shop.ledger.watermark("sales", "updated_at").restart_from is None
    assert shop.living() == shop.truth()


def test_a_backfill_during_a_chunked_load_loses_neither_rows_nor_deletes(
    shop: Shop, wait: Wait
) -> None:
    fill(shop, 1, 30)
    wait()
    shop.attempt(chunk_rows=10).run()
    shop.run_script("DELETE FROM sales WHERE sale_id < 5")
    ledger_desk.backfill(shop.ledger, shop.contract, "2001-01-01T00:00:00+00:00")
    wait()
    shop.ingest(chunk_rows=10)
    assert shop.living() == shop.truth()


def test_a_request_that_makes_no_sense_is_refused(shop: Shop) -> None:
    with pytest.raises(ConfigurationError, match="never been read"):
        ledger_desk.reload(shop.ledger, shop.contract)
    with pytest.raises(ConfigurationError, match="2026-05-01T10:00:00"):
        ledger_desk.cursor_text(shop.contract, "yesterday")
    with pytest.raises(ConfigurationError, match="fact_sales"):
        ledger_desk.contract_of("sails")


def test_the_ledger_is_shown(shop: Shop, wait: Wait) -> None:
    fill(shop, 1, 3)
    wait()
    shop.ingest()
    table = ledger_desk.show(shop.ledger, shop.contract)
    assert "1 batches" in str(table.title)
    assert [list(column.cells) for column in table.columns][4] == ["3"]


def test_the_watermark_remembers_its_source(shop: Shop, wait: Wait) -> None:
    shop.ingest()
    known: Watermark = shop.ledger.watermark("sales", "updated_at")
    assert known.system_identifier is not None
    assert (known.timeline, bool(known.table_oid), bool(known.wal_position)) == (1, True, True)
    asked = "SELECT oid FROM pg_database WHERE datname = current_database()"
    assert [[known.database_oid]] == shop.connect().run(asked)
