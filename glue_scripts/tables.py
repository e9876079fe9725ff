"""Iceberg tables of the job: made when missing, widened when a contract grew, and their marks."""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from lakehouse.gold import Columns
from lakehouse.spark_conf import FILE_BYTES

MERGED: str = "lakehouse.merged_batch_id"
"""Property of a silver table: the last batch that is completely in it. This is the authority; the
`merged_batch_id` of the ledger is its copy for readers without a catalog."""

RECONCILED: str = "lakehouse.reconciled_batch_id"
"""Property of a silver table: the last batch whose merge was compared and found right. It is
written together with `MERGED`, so that only a hand can make it the lesser of the two."""

PROPERTIES = {
    "format-version": "2",
    # A delta touches few files; readers (Athena, the dashboard) then never merge delete files.
    "write.merge.mode": "copy-on-write",
    "write.delete.mode": "copy-on-write",
    "write.update.mode": "copy-on-write",
    "write.parquet.compression-codec": "zstd",
    "write.target-file-size-bytes": str(FILE_BYTES),
    # The metadata files of a day of runs, not of years.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}
"""Of every table that the job makes."""


def set_all(spark: SparkSession, settings: Mapping[str, str]) -> None:
    """Sets what the session does from now on."""
    for name, value in settings.items():
        spark.conf.set(name, value)


def ensure(
    spark: SparkSession, tables: dict[str, Columns], derived: dict[str, Columns] | None = None
) -> None:
    """Makes the missing tables and adds columns that are new; a changed type is refused by Iceberg.

    `derived` tables can be computed anew: they lose the columns that are no longer defined.
    The catalog is asked for all tables at once: the answers are what takes time, not the work.
    """
    derived = derived or {}
    wanted = [
        (table, columns, table in derived) for table, columns in {**tables, **derived}.items()
    ]
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda one: _ensure(spark, *one), wanted))


def _ensure(spark: SparkSession, table: str, columns: Columns, is_derived: bool) -> None:
    try:
        existing = set(spark.table(table).columns)
    except AnalysisException as missing:
        if missing.getErrorClass() != "TABLE_OR_VIEW_NOT_FOUND":
            raise
        body = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        options = ", ".join(f"'{name}' = '{value}'" for name, value in PROPERTIES.items())
        spark.sql(f"CREATE TABLE {table} ({body}) USING iceberg TBLPROPERTIES ({options})")
        return
    if new := {name: kind for name, kind in columns.items() if name not in existing}:
        body = ", ".join(f"`{name}` {kind}" for name, kind in new.items())
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({body})")
    if is_derived and (old := existing - set(columns)):
        spark.sql(f"ALTER TABLE {table} DROP COLUMNS ({', '.join(f'`{name}`' for name in old)})")


def load(spark: SparkSession, table: str) -> Any:
    """Iceberg's own object of the table (`org.apache.iceberg.Table`), as this session knows it.

    The catalog is asked once: the session is the only writer. `refresh()` looks for others.
    """
    jvm: Any = spark._jvm
    return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, table)


def mark(spark: SparkSession, table: str, name: str, value: str) -> None:
    """Writes a table property."""
    mark_all(spark, table, {name: value})


def mark_all(spark: SparkSession, table: str, marks: Mapping[str, str]) -> None:
    """Writes table properties in one commit."""
    if not marks:
        return
    update = load(spark, table).updateProperties()
    for name, value in marks.items():
        update.set(name, value)
    update.commit()


def marks(spark: SparkSession, table: str) -> dict[str, str]:
    """All table properties. By SQL each look would be a job of Spark."""
    return dict(load(spark, table).properties())


def read_mark(spark: SparkSession, table: str, name: str) -> str | None:
    """Reads a table property; None where it was never written."""
    return marks(spark, table).get(name)


def frame_of(spark: SparkSession, rows: Iterable[Sequence[object]], columns: Columns) -> DataFrame:
    """Few rows as a frame; times as ISO 8601. One literal: lists would start a Python worker."""
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    fields = ", ".join(f"`{name}`: {kind}" for name, kind in columns.items())
    listed = fn.from_json(fn.lit(json.dumps(named)), f"array<struct<{fields}>>")
    return spark.range(0, 1, 1, 1).select(fn.inline(listed))


def replace_rows(
    frame: DataFrame, table: str, columns: Columns, properties: Mapping[str, str]
) -> None:
    """Replaces all rows of `table`, in order of their first column, in one commit.

    Readers see the old or the new ones; `properties` are in the summary of the same snapshot.
    """
    first = next(iter(columns))
    writer = cast(frame, columns).coalesce(1).sortWithinPartitions(first).writeTo(table)
    for name, value in properties.items():
        writer = writer.option(f"snapshot-property.{name}", value)
    writer.option("distribution-mode", "none").overwrite(fn.lit(True))


def cast(frame: DataFrame, columns: Columns) -> DataFrame:
    """The frame with exactly these columns, in this order, of these types."""
    return frame.select(
        *[fn.col(f"`{name}`").cast(kind).alias(name) for name, kind in columns.items()]
    )


def all_of(conditions: list[Column]) -> Column:
    """Conjunction of conditions."""
    return reduce(lambda a, b: a & b, conditions)
