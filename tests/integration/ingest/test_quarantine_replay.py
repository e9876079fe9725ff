"""Rows that were held back are judged again: read afresh from the source, through the ledger."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lakehouse.errors import ConfigurationError
from lakehouse.ledger import EVERYTHING
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.dqdl import parse
from local import ledger_desk, quarantine
from tests.integration.ingest.conftest import SALES, Shop

Wait = Callable[[], None]
STRICT = compile_rules(SALES, parse('Rules = [ColumnValues "amount" >= 0]'))
LOOSE = compile_rules(SALES, parse('Rules = [ColumnValues "amount" >= -5]'))


def entries(shop: Shop) -> list[dict[str, str]]:
    """What silver holds as open after a merge: the newest entry of each key held back now."""
    held = shop.read("row_key, raw_row, _batch_id", "quarantine")
    newest = {key: (raw, batch) for key, raw, batch in sorted(held, key=lambda row: row[2])}
    landed = {f'{{"sale_id":{key}}}': batch for key, batch in shop.read("sale_id, _batch_id")}
    return [
        {"row_key": key, "raw_row": raw}
        for key, (raw, batch) in newest.items()
        if batch > landed.get(key, "")
    ]


def due(shop: Shop) -> str | None:
    return shop.ledger.watermark("sales", "updated_at").restart_from


def test_a_loosened_rule_releases_its_rows_once_and_holds_the_others_back(
    shop: Shop, wait: Wait
) -> None:
    shop.run_script("INSERT INTO sales VALUES (1, 'a', 1)")
    wait()
    shop.ingest(rules=STRICT)
    shop.run_script("INSERT INTO sales VALUES (2, 'b', -2), (3, 'c', -30), (4, 'd', 'NaN')")
    wait()
    shop.ingest(rules=STRICT)
    assert [entry["row_key"] for entry in entries(shop)] == [
        f'{{"sale_id":{n}}}' for n in (2, 3, 4)
    ]

    told = quarantine.replay(shop.ledger, SALES, entries(shop))
    assert "3 held back" in told[0]
    wait()
    [again] = shop.ingest(rules=LOOSE)
    assert (again.rows, again.quarantined) == (1, 2), "the window begins at the earliest of them"
    assert shop.read("sale_id, amount::INT, _batch_id") == [
        (1, 1, "000000000001"), (2, -2, "000000000003"),
    ]  # fmt: skip
    assert [entry["row_key"] for entry in entries(shop)] == ['{"sale_id":3}', '{"sale_id":4}']
    assert due(shop) is None
    wait()
    assert [result.rows for result in shop.ingest(rules=LOOSE)] == [0]

    shop.run_script("UPDATE sales SET amount = abs(nullif(amount, 'NaN')) WHERE sale_id > 2")
    quarantine.replay(shop.ledger, SALES, entries(shop))
    wait()
    shop.ingest(rules=STRICT)
    assert {row[0] for row in shop.truth()} - {row[0] for row in shop.living()} == {4}
    assert [entry["row_key"] for entry in entries(shop)] == ['{"sale_id":4}'], "NULL is not >= 0"


def test_a_replay_never_puts_an_older_version_before_a_newer_one(shop: Shop, wait: Wait) -> None:
    shop.run_script("INSERT INTO sales VALUES (1, 'a', -1), (2, 'b', -2)")
    wait()
    shop.ingest(rules=STRICT)
    held = entries(shop)
    shop.run_script("UPDATE sales SET amount = 7, updated_at = clock_timestamp() WHERE sale_id = 1")
    shop.run_script("DELETE FROM sales WHERE sale_id = 2")
    wait()
    shop.ingest(rules=STRICT)
    quarantine.replay(shop.ledger, SALES, held)
    wait()
    shop.ingest(rules=LOOSE)
    assert shop.living() == shop.truth()
    assert shop.read("amount::INT")[0] == (7,)


def test_a_request_that_reads_more_stays(shop: Shop, wait: Wait) -> None:
    shop.run_script("INSERT INTO sales VALUES (1, 'a', -1)")
    wait()
    shop.ingest(rules=STRICT)
    ledger_desk.backfill(shop.ledger, SALES, "2001-01-01T00:00:00+00:00")
    quarantine.replay(shop.ledger, SALES, entries(shop))
    assert due(shop) == "2001-01-01T00:00:00.000000Z"
    ledger_desk.reload(shop.ledger, SALES)
    quarantine.replay(shop.ledger, SALES, entries(shop))
    assert due(shop) == EVERYTHING


def test_entries_without_a_readable_cursor_are_named(shop: Shop, wait: Wait) -> None:
    shop.run_script("INSERT INTO sales VALUES (1, 'a', -1)")
    wait()
    shop.ingest(rules=STRICT)
    odd = {"row_key": '{"sale_id":9}', "raw_row": '{"updated_at":"infinity"}'}
    told = quarantine.replay(shop.ledger, SALES, [*entries(shop), odd])
    assert 'updated_at can\'t be read for {"sale_id":9}' in told[-1]
    assert due(shop) is not None
    before = shop.ledger.watermark("sales", "updated_at")
    shop.ledger.move(before, replace(before, restart_from=None))
    with pytest.raises(ConfigurationError, match="mend the row in the source"):
        quarantine.replay(shop.ledger, SALES, [odd])
    assert due(shop) is None
    assert quarantine.replay(shop.ledger, SALES, []) == ["sales: nothing is held back"]
