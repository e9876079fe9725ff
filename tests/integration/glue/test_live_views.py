"""Between merges, and while one is at work, the live views answer as the source does.

Real PostgreSQL with writers, the ingest, the crawler, the Glue job and the local Athena; what is
asked of Athena is what the state machine's own expressions make of the ingest's results.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from lakehouse.ledger import batch_name, bronze_key
from lambdas.ingest import horizon
from local.engines.athena.result import QueryResult
from tests.integration.glue.live_shop import MARGIN_SECONDS, LiveShop, Rows, live_shop

MOMENTS = 20
SEED = 20260301


@pytest.fixture
def shop(tmp_path: Path, jars: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveShop]:
    monkeypatch.setattr(horizon, "MINIMUM_MARGIN_SECONDS", MARGIN_SECONDS)
    with live_shop(tmp_path, jars, SEED) as shop:
        yield shop


def _difference(found: Rows, expected: Rows) -> dict[str, object]:
    keys = {*found, *expected}
    return {
        ",".join(key): (found.get(key), expected.get(key))
        for key in sorted(keys)
        if found.get(key) != expected.get(key)
    }


def _compare(shop: LiveShop, when: str) -> dict[str, QueryResult]:
    """Every view against the source's answer; what Athena gave, by table."""
    results = {}
    for table in shop.contracts:
        found, results[table] = shop.live(table)
        assert not _difference(found, shop.expected[table]), f"{table} {when}"
    return results


def _merge(shop: LiveShop, number: int) -> int:
    """Merges while the views are asked; how often they were."""
    asked = 0
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(shop.lake.run, timeout_seconds=500)
        while not job.done():
            if number:  # before the first merge there is no view
                _compare(shop, f"during merge {number}")
                asked += 1
            wait([job], timeout=10)
    outcome = job.result()
    assert outcome.state == "SUCCEEDED", outcome.log_path.read_text()[-3000:]
    if number:
        _compare(shop, f"after merge {number}, before the refresh")
    assert shop.refresh(shop.machine.after_a_merge()) == len(shop.contracts)
    return asked


def _beyond_silver(shop: LiveShop, results: dict[str, QueryResult]) -> int:
    """Bytes beyond silver's own: those of the waiting files, which a view reads twice."""
    beyond = 0
    for table, result in results.items():
        more = result.scanned_bytes - shop.silver_bytes(table)
        assert more == 2 * shop.waiting_bytes(table), table
        beyond += more
    return beyond


def _leave_an_uncommitted_object(shop: LiveShop) -> str:
    """What a killed attempt leaves: rows of the next batch, which the ledger never committed."""
    table = "fact_sales"
    mark = shop.lake.watermark(table)
    keys = [k for k in shop.lake.bronze_keys(table) if batch_name(mark.batch_id) in k]
    body = shop.lake.s3.get_object(Bucket="test-bronze", Key=keys[0])["Body"].read()
    rows = pq.read_table(io.BytesIO(body))
    place = rows.schema.get_field_index("_batch_id")
    next_batch = pa.array([batch_name(mark.batch_id + 1)] * len(rows), pa.string())
    rows = rows.set_column(place, rows.schema.field(place), next_batch)
    place = rows.schema.get_field_index("quantity")
    rows = rows.set_column(
        place, rows.schema.field(place), pc.add(rows["quantity"], pa.scalar(1000, pa.int32()))
    )
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    key = bronze_key(table, str(mark.ingest_date), mark.batch_id + 1)
    shop.lake.s3.put_object(Bucket="test-bronze", Key=key, Body=buffer.getvalue())
    return key


@pytest.mark.timeout(1800)
def test_live_views_equal_the_source_at_20_moments_under_load(shop: LiveShop) -> None:
    shop.ingest("run-0")
    assert shop.machine.before_a_merge() == [], "there is no silver yet"
    _merge(shop, 0)
    assert _beyond_silver(shop, _compare(shop, "after the first load")) == 0
    moments = range(1, MOMENTS + 1)
    merges = sorted(shop.dice.sample(moments[3:-1], 2))
    ghost, drift = merges[0] - 1, merges[1] - 1
    shop.start()
    asked = 0
    for moment in moments:
        shop.wait_for_writes(shop.dice.randint(20, 120))
        if moment == drift:
            shop.session.run("ALTER TABLE fact_sales ADD COLUMN note text")
            shop.session.run(
                "UPDATE fact_sales SET note = 'n' || sale_id, updated_at = now()"
                " WHERE sale_id % 100 = 0"
            )
        shop.ingest(f"run-{moment}")
        assert shop.refresh(shop.machine.before_a_merge()) > 0
        assert _beyond_silver(shop, _compare(shop, f"at moment {moment}")) > 0
        if moment == ghost:
            key = _leave_an_uncommitted_object(shop)
            _compare(shop, "beside an object that was never committed")
            shop.lake.s3.delete_object(Bucket="test-bronze", Key=key)
        if moment in merges:
            asked += _merge(shop, moment)
            results = _compare(shop, f"after the merge at moment {moment}")
            assert _beyond_silver(shop, results) == 0, "merged batches are still read"
    assert asked >= len(merges)
    assert shop.written > 500
    assert "note" in [column.name for column in shop.live("fact_sales")[1].columns]
    assert any(shop.lake.watermark(t).batch_id > MOMENTS for t in shop.contracts)
