"""Silver and gold in a catalog of their own, and gold's figures as SQL over the source's rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.contract import load_contracts
from lakehouse.gold import (
    GOLD,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    bronze_columns,
    identifier,
    silver_tables,
)
from lakehouse.ledger import batch_name

FIGURES = ("city_performance", "daily_sales", "order_status", "product_performance")
CONTRACTS = load_contracts()
DEFINITIONS = Path(__file__).parent / "gold_by_sql.sql"
"""In what DuckDB and PostgreSQL both speak, over the source's tables, `homes` (user_id, since,
city, country) and `names` (product_id, name, category)."""


class Lake:
    """Silver and gold of a shop, and gold computed anew beside it."""

    def __init__(self, spark: SparkSession, name: str) -> None:
        from glue_scripts import tables

        self.spark, self.silver, self.gold = spark, f"{name}_silver", f"{name}_gold"
        self.recomputed = f"{name}_anew"
        self.batches = dict.fromkeys(CONTRACTS, 0)
        for database in (self.silver, self.gold, self.recomputed):
            spark.sql(f"CREATE NAMESPACE glue_catalog.{database}")
        wanted = {identifier(self.silver, QUARANTINE): QUARANTINE_COLUMNS}
        for contract in CONTRACTS.values():
            for table, columns in silver_tables(contract).items():
                wanted[identifier(self.silver, table)] = columns
        derived = {
            identifier(g, t): c for g in (self.gold, self.recomputed) for t, c in GOLD.items()
        }
        tables.ensure(spark, wanted, derived)

    def merge(self, delivered: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Batches of each table; the metadata are made up, as of one batch, of rows without any."""
        from glue_scripts import bronze, silver

        for table, rows in delivered.items():
            contract = CONTRACTS[table]
            self.batches[table] += 1
            columns = bronze_columns(contract)
            ours = {
                "_batch_id": batch_name(self.batches[table]),
                "_ingested_at": datetime(2027, 1, 1, tzinfo=UTC),
                "_row_hash": 0,
            }
            data = [tuple({**ours, **row}.get(name) for name in columns) for row in rows]
            schema = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            frame = bronze.deduplicate(contract, self.spark.createDataFrame(data, schema))
            silver.merge_rows(self.spark, contract, frame, self.silver)

    def refresh(self, gold: str = "", anew: bool = False) -> list[str]:
        from glue_scripts import gold as job

        return job.refresh(
            self.spark, CONTRACTS, self.batches, "run", self.silver, gold or self.gold, anew=anew
        )

    def check(self, expected: Mapping[str, set[tuple[Any, ...]]], anew: bool = True) -> None:
        """Compares with what the source says, and (`anew`) with all of gold computed again."""
        if anew:
            self.refresh(self.recomputed, anew=True)
        for table in FIGURES:
            assert self.figures(self.gold, table) == expected[table], table
            if anew:
                assert self.figures(self.recomputed, table) == expected[table], table

    def figures(self, gold: str, table: str) -> set[tuple[Any, ...]]:
        rows = self.spark.table(identifier(gold, table)).select(*GOLD[table]).collect()
        found = {in_utc(row) for row in rows}
        assert len(found) == len(rows)
        return found


def in_utc(row: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(v.astimezone(UTC) if isinstance(v, datetime) else v for v in row)


def computed(ask: Callable[[str], Iterable[Sequence[Any]]]) -> dict[str, set[tuple[Any, ...]]]:
    """What each of the definitions gives, where `ask` runs it."""
    found = {}
    for statement in DEFINITIONS.read_text().split(";"):
        if statement.strip():
            table = statement.split("-- gold.", 1)[1].split("\n", 1)[0].strip()
            found[table] = {in_utc(row) for row in ask(statement)}
    assert set(found) == set(FIGURES)
    return found
