"""Iceberg tables of the job: made when missing, widened when a contract grew, and their marks."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import reduce

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from lakehouse.gold import Columns

MERGED: str = "lakehouse.merged_batch_id"
"""Property of a silver table: the last batch that is completely in it. This is the authority; the
`merged_batch_id` of the ledger is its copy for readers without a catalog."""

RECONCILED: str = "lakehouse.reconciled_batch_id"
"""Property of a silver table: the last batch whose merge was compared and found right. It is
written together with `MERGED`, so that only a hand can make it the lesser of the two."""

_PROPERTIES = {
    "format-version": "2",
    # A delta touches few files; readers (Athena, the dashboard) then never merge delete files.
    "write.merge.mode": "copy-on-write",
    "write.delete.mode": "copy-on-write",
    "write.update.mode": "copy-on-write",
    "write.parquet.compression-codec": "zstd",
    # The metadata files of a day of runs, not of years.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}


def ensure(spark: SparkSession, tables: Mapping[str, Columns]) -> None:
    """Makes the missing tables and adds columns that are new; a changed type is refused by Iceberg.

    The catalog is asked for all tables at once: the answers are what takes time, not the work.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda table: _ensure(spark, *table), tables.items()))


def _ensure(spark: SparkSession, table: str, columns: Columns) -> None:
    try:
        existing = set(spark.table(table).columns)
    except AnalysisException as missing:
        if missing.getErrorClass() != "TABLE_OR_VIEW_NOT_FOUND":
            raise
        body = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        options = ", ".join(f"'{name}' = '{value}'" for name, value in _PROPERTIES.items())
        spark.sql(f"CREATE TABLE {table} ({body}) USING iceberg TBLPROPERTIES ({options})")
        return
    if new := {name: kind for name, kind in columns.items() if name not in existing}:
        body = ", ".join(f"`{name}` {kind}" for name, kind in new.items())
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({body})")


def mark(spark: SparkSession, table: str, name: str, value: str) -> None:
    """Writes a table property."""
    mark_all(spark, table, {name: value})


def mark_all(spark: SparkSession, table: str, marks: Mapping[str, str]) -> None:
    """Writes table properties in one commit."""
    if not marks:
        return
    listed = ", ".join(f"'{name}' = '{value}'" for name, value in marks.items())
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({listed})")


def read_mark(spark: SparkSession, table: str, name: str) -> str | None:
    """Reads a table property; None where it was never written."""
    rows = spark.sql(f"SHOW TBLPROPERTIES {table}").where(fn.col("key") == name).collect()
    return rows[0]["value"] if rows else None


def replace_rows(frame: DataFrame, table: str, columns: Columns) -> None:
    """Replaces all rows of `table` in one commit; readers see the old or the new ones."""
    cast(frame, columns).coalesce(1).writeTo(table).overwrite(fn.lit(True))


def cast(frame: DataFrame, columns: Columns) -> DataFrame:
    """The frame with exactly these columns, in this order, of these types."""
    return frame.select(
        *[fn.col(f"`{name}`").cast(kind).alias(name) for name, kind in columns.items()]
    )


def same(left: str, right: str, names: tuple[str, ...]) -> str:
    """SQL condition that two aliases agree in these columns, which are never NULL in a key."""
    return " AND ".join(f"{left}.`{name}` = {right}.`{name}`" for name in names)


def all_of(conditions: list[Column]) -> Column:
    """Conjunction of conditions."""
    return reduce(lambda a, b: a & b, conditions)
