"""Iceberg snapshots: where a table stands, what a write noted, and what differs between two."""

from collections.abc import Iterator
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from glue_scripts.tables import load

WEIGHT: Final = "__weight"
"""How often a row appeared (+) or vanished (-)."""


def current(spark: SparkSession, table: str) -> int | None:
    """Id of the table's snapshot; None before the first write."""
    snapshot = load(spark, table).currentSnapshot()
    return None if snapshot is None else int(snapshot.snapshotId())


def note(spark: SparkSession, table: str, name: str) -> str | None:
    """The property of the newest snapshot that has it; None where none in the history has it.

    Compactions commit without notes: their rows are still those of the snapshot before.
    """
    for snapshot in _ancestors(spark, table):
        if (value := snapshot.summary().get(name)) is not None:
            return str(value)
    return None


def is_kept(spark: SparkSession, table: str, snapshot_id: int) -> bool:
    """Whether the table still has that snapshot in the history of its current one."""
    return any(found.snapshotId() == snapshot_id for found in _ancestors(spark, table))


def files(spark: SparkSession, table: str) -> int:
    """Number of the table's data files."""
    return _total(spark, table, "total-data-files")


def size(spark: SparkSession, table: str) -> int:
    """Bytes of the table's data files."""
    return _total(spark, table, "total-files-size")


def _total(spark: SparkSession, table: str, name: str) -> int:
    snapshot = load(spark, table).currentSnapshot()
    return 0 if snapshot is None else int(snapshot.summary().get(name) or 0)


def read(spark: SparkSession, table: str, snapshot_id: int) -> DataFrame:
    """The table's rows as of a snapshot."""
    return spark.read.option("snapshot-id", snapshot_id).table(table)


def differences(
    spark: SparkSession, table: str, since: int, upto: int, columns: tuple[str, ...]
) -> DataFrame:
    """The rows that two snapshots do not share, as `columns` and their weight.

    Reads the files that were added or removed in between, and no others. A row that was only copied
    from one file to the next has a weight of zero and is left out.
    """
    if since == upto:
        unchanged = spark.table(table).select(*columns, fn.lit(0).cast("bigint").alias(WEIGHT))
        return unchanged.where(fn.lit(False))
    changes = (
        spark.read.option("start-snapshot-id", since)
        .option("end-snapshot-id", upto)
        .table(f"{table}.changes")
    )
    sign = fn.when(fn.col("_change_type") == "INSERT", 1).otherwise(-1)
    summed = changes.groupBy(*columns).agg(fn.sum(sign).alias(WEIGHT))
    return summed.where(fn.col(WEIGHT) != 0)


def _ancestors(spark: SparkSession, table: str) -> Iterator[Any]:
    loaded = load(spark, table)
    snapshot = loaded.currentSnapshot()
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parentId()
        snapshot = None if parent is None else loaded.snapshot(parent)
