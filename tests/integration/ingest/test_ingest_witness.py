"""PostgreSQL counts and hashes what DuckDB has landed, before anything is committed."""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from lakehouse.errors import ReconciliationError
from lakehouse.ledger import State
from lakehouse.quality.compiler import RowRule
from lambdas.ingest.extraction import Extraction, Facts
from tests.integration.ingest.conftest import Shop

Wait = Callable[[], None]
ROWS = "INSERT INTO sales SELECT n, 'b' || n, n, clock_timestamp() FROM generate_series(1, 50) n"


def test_the_ledger_keeps_what_postgresql_counted(shop: Shop, wait: Wait) -> None:
    shop.run_script(ROWS)
    wait()
    shop.ingest()
    shop.run_script(
        "UPDATE sales SET amount = amount + 1, updated_at = clock_timestamp() WHERE sale_id < 8;"
        "UPDATE sales SET amount = 'NaN', updated_at = clock_timestamp() WHERE sale_id = 9;"
        "DELETE FROM sales WHERE sale_id > 47"
    )
    wait()
    refused = RowRule("amount <> 3", '("amount" IS DISTINCT FROM 3)')
    shop.ingest(rules=[refused])
    load, delta = shop.ledger.batches("sales")
    assert (load.source_rows, load.source_content) == (50, None)
    assert (delta.rows, delta.quarantined, delta.source_rows) == (9, 2, 11)
    [(aside,)] = shop.connect().run("SELECT count(*) FROM sales WHERE amount = 3")
    assert aside == 1
    # PostgreSQL hashes the row that broke a rule too, but not the one that can't be carried
    assert delta.source_content is not None
    assert delta.source_content > delta.content > 0


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("load", "WHERE sale_id <> 7", "PostgreSQL counts 50 rows, 49 were landed"),
        ("delta", "WHERE sale_id <> 7", "PostgreSQL counts 50 rows, 49 were landed"),
        ("delta", "REPLACE (_row_hash + 1 AS _row_hash)", "not those that PostgreSQL hashes"),
    ],
)
def test_a_landing_that_differs_is_never_committed(
    shop: Shop, wait: Wait, monkeypatch: pytest.MonkeyPatch, kind: str, change: str, said: str
) -> None:
    if kind == "delta":
        shop.run_script("INSERT INTO sales VALUES (0, 'b', 0, clock_timestamp())")
        wait()
        shop.ingest()
    shop.run_script(ROWS)
    wait()
    land = Extraction.land

    def wrongly(extraction: Extraction, captured: str) -> Facts:
        facts = land(extraction, captured)
        path = str(extraction.bronze_file)
        star = "*" if change.startswith("WHERE") else f"* {change}"
        where = change if change.startswith("WHERE") else ""
        table: Any = duckdb.sql(
            f"SELECT {star} FROM read_parquet('{path}') {where}"
        ).to_arrow_table()
        duckdb.from_arrow(table).write_parquet(path)
        return facts

    monkeypatch.setattr(Extraction, "land", wrongly)
    with pytest.raises(ReconciliationError, match=said) as caught:
        shop.ingest()
    number = 2 if kind == "delta" else 1
    assert f"sales batch {number:012d}" in str(caught.value)
    batch = shop.ledger.batches("sales")[-1]
    assert (batch.state, batch.batch_id) == (State.OPEN, number)
    assert len(shop.objects()) == number - 1

    monkeypatch.undo()
    shop.ingest()
    assert shop.living() == shop.truth()
