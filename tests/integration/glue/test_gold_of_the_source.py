"""Gold after ten runs under the generator equals what PostgreSQL makes of the source itself."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from lambdas.generator.shop import generate
from lambdas.ingest import horizon
from tests.integration.glue.gold_lake import CONTRACTS, Lake, computed
from tests.integration.glue.live_shop import MARGIN_SECONDS, LiveShop, live_shop

RUNS = 10
BURSTS = 3


@dataclass(frozen=True)
class Burst:
    """What a generator writes at once: a day of a shop that grows."""

    new_users: int = 100
    new_sales: int = 900
    status_changes: int = 600
    changed_addresses: int = 80
    changed_prices: int = 15
    products: int = 50
    seed: int = 0


# What was seen by a run stays known, as it does in silver: PostgreSQL keeps no history of its own.
_KEEPS = """
CREATE SCHEMA seen;
CREATE TABLE seen.homes
    (user_id bigint, since timestamptz, city text, country text, PRIMARY KEY (user_id, since));
CREATE TABLE seen.names (product_id bigint PRIMARY KEY, name text, category text)
"""
_SEES = """
INSERT INTO seen.homes SELECT user_id, updated_at, city, country FROM dim_users
    ON CONFLICT DO NOTHING;
INSERT INTO seen.names SELECT product_id, name, category FROM dim_products
    ON CONFLICT (product_id) DO UPDATE SET name = excluded.name, category = excluded.category
"""
# What the generator never does. `{n}` is the run.
_BESIDES = """
UPDATE fact_sales SET quantity = quantity + 1, total_amount = unit_price * (quantity + 1),
    updated_at = clock_timestamp() WHERE sale_id % 53 = {n};
UPDATE fact_sales SET total_amount = (ARRAY[500, 499.99, 500.01, 0, 0.01])[1 + sale_id % 5],
    updated_at = clock_timestamp() WHERE sale_id % 97 = {n};
UPDATE fact_sales SET status = 'CANCELLED', updated_at = clock_timestamp()
    WHERE sale_id % 71 = {n};
DELETE FROM fact_sales WHERE sale_id % 131 = {n};
UPDATE dim_users SET city = 'Town ' || user_id % 7, updated_at = clock_timestamp()
    WHERE user_id % 41 = {n};
DELETE FROM dim_users WHERE user_id % 211 = {n};
UPDATE dim_products SET name = name || '+', category = 'renamed {n}',
    updated_at = clock_timestamp() WHERE product_id % 61 = {n};
DELETE FROM dim_products WHERE product_id % 67 = {n}
"""


@pytest.fixture
def shop(tmp_path: Path, jars: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveShop]:
    monkeypatch.setattr(horizon, "MINIMUM_MARGIN_SECONDS", MARGIN_SECONDS)
    # Small tables would be computed from all of their rows.
    monkeypatch.setattr("glue_scripts.gold.PAYS_FROM", 0)
    with live_shop(tmp_path, jars, seed=1) as shop:
        shop.session.execute_simple(f"SET timezone = 'UTC'; {_KEEPS}")
        yield shop


def _live(shop: LiveShop, run: int) -> int:
    """The generator writes, and others what it leaves out; the generator's rows."""
    written = sum(generate(shop.session, Burst()).rows for _ in range(BURSTS))
    shop.session.execute_simple(_BESIDES.format(n=run))
    return written


def _delivered(shop: LiveShop, merged: dict[str, int]) -> dict[str, list[dict[str, Any]]]:
    """By table the rows of all batches that have come since, as they lie in bronze."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in CONTRACTS:
        for batch in shop.lake.ledger.batches(table, merged[table]):
            merged[table] = batch.batch_id
            for file in batch.files:
                body = shop.lake.s3.get_object(Bucket="test-bronze", Key=file.key)["Body"].read()
                rows = pq.read_table(io.BytesIO(body)).to_pylist()
                found.setdefault(table, []).extend(rows)
    return found


def _asked(shop: LiveShop) -> dict[str, set[tuple[Any, ...]]]:
    shop.session.execute_simple("SET search_path = public, seen")

    def ask(sql: str) -> Iterable[Sequence[Any]]:
        rows: list[list[Any]] = shop.session.run(sql)
        return rows

    return computed(ask)


@pytest.mark.timeout(2400)
def test_ten_runs_under_the_generator_equal_postgresql(spark: SparkSession, shop: LiveShop) -> None:
    lake, merged = Lake(spark, "generated"), dict.fromkeys(CONTRACTS, 0)
    for run in range(RUNS + 1):
        if run:
            assert _live(shop, run) > BURSTS * 1_000
        shop.ingest(f"run-{run}")
        shop.session.execute_simple(_SEES)
        lake.merge(_delivered(shop, merged))
        lake.refresh()
        lake.check(_asked(shop), anew=run in (1, RUNS // 2, RUNS))
