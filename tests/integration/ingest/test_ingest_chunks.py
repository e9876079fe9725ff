"""A first load in chunks: keys of every sort, ties at the edges, chunks that fail repeatedly."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lakehouse.contract import TableContract
from lakehouse.errors import LandingError
from lakehouse.ledger import State
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from tests.integration.ingest.conftest import SALES, Row, Shop

ROWS = 11_000
"""Beyond 10,000 and across every digit boundary below."""
KEYS = {
    "number": ({"id": "bigint"}, "i"),
    "text_number": ({"id": "text"}, "i::text"),
    "order_line": ({"order_id": "bigint", "line": "smallint"}, "i / 3, i % 3"),
    "random": ({"id": "uuid"}, "gen_random_uuid()"),
}


def made(shop: Shop, sort: str) -> TableContract:
    """A table with `ROWS` rows, seven of each stamp, and its contract."""
    key, values = KEYS[sort]
    columns = {**key, "amount": "numeric(12,2)", "updated_at": "timestamptz"}
    typed = ", ".join(f"{name} {kind} NOT NULL" for name, kind in columns.items())
    shop.run_script(
        f"CREATE TABLE chunked ({typed}, PRIMARY KEY ({', '.join(key)}));"
        f"INSERT INTO chunked SELECT {values}, i, timestamptz '2026-01-01' + i / 7 * interval '1 s'"
        f" FROM generate_series(1, {ROWS}) AS i;"
        f"CREATE INDEX ON chunked (updated_at, {', '.join(key)});"
        "CREATE TRIGGER bury_chunked AFTER DELETE ON chunked FOR EACH ROW EXECUTE FUNCTION bury();"
        "CREATE TRIGGER bury_all AFTER TRUNCATE ON chunked FOR EACH STATEMENT"
        " EXECUTE FUNCTION bury_all();"
    )
    return replace(SALES, table="chunked", key=tuple(key), columns=columns, personal=())


def assert_exact(shop: Shop) -> None:
    """Bronze holds the source's rows, each landed once; keys as text, since bronze has uuids so."""

    def readable(rows: list[Row]) -> list[Row]:
        return sorted((*map(str, row[:-1]), row[-1]) for row in rows)

    assert readable(shop.living()) == readable(shop.truth())
    assert len(shop.read(", ".join(shop.contract.key))) == ROWS


@pytest.mark.parametrize("sort", KEYS)
def test_chunks_add_up_whatever_the_key(shop: Shop, sort: str, wait: Callable[[], None]) -> None:
    shop.contract = made(shop, sort)
    wait()
    results = shop.ingest(chunk_rows=1_000)
    assert [result.rows for result in results] == [1_000] * 11
    assert_exact(shop)


def test_a_load_that_is_expected_to_fit_is_one_chunk(shop: Shop, wait: Callable[[], None]) -> None:
    shop.contract = made(shop, "number")
    wait()
    assert [result.rows for result in shop.ingest()] == [ROWS]
    assert_exact(shop)


def test_the_bytes_of_the_rows_bound_a_chunk(shop: Shop, wait: Callable[[], None]) -> None:
    shop.contract = made(shop, "number")
    shop.run_script("ANALYZE chunked")
    wait()
    budget = Budget(rows=1_000_000, seconds=60, bytes=100_000)
    results = shop.ingest(budget=budget)
    assert len(results) > 1
    assert all(result.rows <= 100_000 / 16 for result in results)
    assert_exact(shop)


def test_a_chunk_that_fails_twice_is_halved(shop: Shop, wait: Callable[[], None]) -> None:
    shop.contract = made(shop, "number")
    wait()

    class Full(Bronze):
        def put(self, *_: object) -> object:  # type: ignore[override]
            raise LandingError("the disk is full")

    full = Full(shop.bronze.client, shop.bronze.bucket)
    planned = []
    for _ in range(4):
        with pytest.raises(LandingError):
            shop.attempt(chunk_rows=4_000, bronze=full).run()
        [batch] = shop.ledger.batches("chunked")
        planned.append((batch.attempts, batch.upto_key, batch.state))
    # the second attempt reads what the first one did: whatever it left is written again
    assert planned == [
        (1, ("4000",), State.OPEN),
        (2, ("4000",), State.OPEN),
        (3, ("2000",), State.OPEN),
        (4, ("1000",), State.OPEN),
    ]
    results = shop.ingest(chunk_rows=4_000)
    assert results[0].rows == 500
    assert_exact(shop)
