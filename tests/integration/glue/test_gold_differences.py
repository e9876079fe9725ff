"""Gold kept by differences equals, to the cent, what DuckDB computes from the source's rows."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyspark.sql import SparkSession

from lakehouse.contract import load_contracts
from lakehouse.gold import (
    GOLD,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    bronze_columns,
    identifier,
    silver_columns,
    transition_columns,
)
from lakehouse.ledger import batch_name
from tests.integration.glue import shop_rounds
from tests.integration.glue.shop_rounds import Shop

FIGURES = ("city_performance", "daily_sales", "order_status", "product_performance")
DEFINITIONS = Path(__file__).parent / "gold_by_duckdb.sql"
CONTRACTS = load_contracts()
_ARROW = {
    "bigint": pa.int64(), "int": pa.int32(), "string": pa.string(), "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"), "decimal(10,2)": pa.decimal128(10, 2),
    "decimal(12,2)": pa.decimal128(12, 2),
}  # fmt: skip


class Lake:
    """Silver and gold of a shop in a catalog of its own."""

    def __init__(self, spark: SparkSession, name: str) -> None:
        from glue_scripts import tables

        self.spark, self.silver, self.gold = spark, f"{name}_silver", f"{name}_gold"
        self.recomputed = f"{name}_anew"
        self.batches = dict.fromkeys(CONTRACTS, 0)
        for database in (self.silver, self.gold, self.recomputed):
            spark.sql(f"CREATE NAMESPACE glue_catalog.{database}")
        wanted = {identifier(self.silver, QUARANTINE): QUARANTINE_COLUMNS}
        for contract in CONTRACTS.values():
            wanted[identifier(self.silver, contract.table)] = silver_columns(contract)
            if contract.transitions_table:
                name = identifier(self.silver, contract.transitions_table)
                wanted[name] = transition_columns(contract)
        derived = {
            identifier(g, t): c for g in (self.gold, self.recomputed) for t, c in GOLD.items()
        }
        tables.ensure(spark, wanted, derived)

    def merge(self, delivered: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        from glue_scripts import silver

        for table, rows in delivered.items():
            contract = CONTRACTS[table]
            self.batches[table] += 1
            columns = bronze_columns(contract)
            ours = {
                "_batch_id": batch_name(self.batches[table]),
                "_ingested_at": datetime(2027, 1, 1, tzinfo=UTC),
                "_row_hash": 0,
            }
            data = [tuple({**row, **ours}.get(name) for name in columns) for row in rows]
            schema = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            silver.merge_rows(
                self.spark, contract, self.spark.createDataFrame(data, schema), self.silver
            )

    def refresh(self, gold: str = "", anew: bool = False) -> list[str]:
        from glue_scripts import gold as job

        return job.refresh(
            self.spark, CONTRACTS, self.batches, "run", self.silver, gold or self.gold, anew=anew
        )

    def figures(self, gold: str, table: str) -> set[tuple[Any, ...]]:
        rows = self.spark.table(identifier(gold, table)).select(*GOLD[table]).collect()
        found = {_in_utc(row) for row in rows}
        assert len(found) == len(rows)
        return found


def _in_utc(row: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(v.astimezone(UTC) if isinstance(v, datetime) else v for v in row)


def _computed_by_duckdb(shop: Shop) -> dict[str, set[tuple[Any, ...]]]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table, rows in (("fact_sales", shop.sales), ("dim_products", shop.products)):
        kinds = {n: _ARROW[t.spark] for n, t in CONTRACTS[table].types.items()}
        arrays = {n: pa.array([row[n] for row in rows.values()], kind) for n, kind in kinds.items()}
        connection.register(table, pa.table(arrays))
    homes = list(zip(*shop.homes, strict=True))
    kinds = (pa.int64(), _ARROW["timestamp"], pa.string(), pa.string())
    names = ("user_id", "since", "city", "country")
    arrays = {n: pa.array(v, k) for n, v, k in zip(names, homes, kinds, strict=True)}
    connection.register("homes", pa.table(arrays))
    names_of = [(key, *value) for key, value in shop.sold_names.items()]
    columns = zip(("product_id", "name", "category"), zip(*names_of, strict=True), strict=True)
    connection.register("names", pa.table({n: pa.array(v) for n, v in columns}))
    found = {}
    for statement in DEFINITIONS.read_text().split(";"):
        if statement.strip():
            table = statement.split("-- gold.", 1)[1].split("\n", 1)[0].strip()
            columns = connection.execute(statement).to_arrow_table().columns
            rows = zip(*[column.to_pylist() for column in columns], strict=True)
            found[table] = {_in_utc(row) for row in rows}
    return found


def _check(lake: Lake, shop: Shop) -> None:
    lake.refresh(lake.recomputed, anew=True)
    expected = _computed_by_duckdb(shop)
    assert set(expected) == set(FIGURES)
    for table in FIGURES:
        kept = lake.figures(lake.gold, table)
        assert kept == expected[table], table
        assert lake.figures(lake.recomputed, table) == expected[table], table


def test_ten_rounds_of_everything_equal_the_source(spark: SparkSession) -> None:
    lake, shop = Lake(spark, "rounds"), shop_rounds.first_load(seed=5)
    lake.merge(shop.deliver())
    lake.refresh()
    _check(lake, shop)
    for number in range(1, 11):
        shop_rounds.change(shop, number)
        lake.merge(shop.deliver())
        assert set(lake.refresh()) >= set(FIGURES)
        _check(lake, shop)
