"""Whether anybody but the job has changed a table of silver since it was last reconciled.

Each commit of Iceberg is a snapshot, so this costs a look at the metadata, whatever the table's
size. Rewrites that keep every row (compaction) are passed over, and so are commits of Spark: a job
that was killed leaves some, and its batches are merged and reconciled again.
"""

from typing import Any

from pyspark.sql import SparkSession

from glue_scripts.bronze import row_key
from glue_scripts.tables import load
from lakehouse.contract import TableContract
from lakehouse.reconciliation import SAMPLE, named, remerge

SEALED: str = "lakehouse.reconciled_snapshot_id"
"""Property of a silver table: the snapshot that was compared and found right."""
_KEEPS_ROWS = "replace"
_BY_SPARK = "spark.app.id"


def seal(spark: SparkSession, table: str) -> dict[str, str]:
    """The property that says: as it is now, the table is right."""
    loaded = load(spark, table)
    loaded.refresh()
    snapshot = loaded.currentSnapshot()
    return {SEALED: str(snapshot.snapshotId())} if snapshot is not None else {}


def foreign_change(spark: SparkSession, contract: TableContract, table: str) -> str | None:
    """What somebody else has changed in `table`, with keys and the remedy; None: nothing."""
    loaded = load(spark, table)
    loaded.refresh()
    sealed = loaded.properties().get(SEALED)
    if sealed is None:
        return None
    snapshot, found, is_reached = loaded.currentSnapshot(), [], False
    while snapshot is not None:
        if snapshot.snapshotId() == int(sealed):
            is_reached = True
            break
        if snapshot.operation() != _KEEPS_ROWS and snapshot.summary().get(_BY_SPARK) is None:
            found.append(snapshot)
        parent = snapshot.parentId()
        snapshot = loaded.snapshot(parent) if parent is not None else None
    name = table.rpartition(".")[2]
    if found:
        keys, count = _changed_keys(spark, contract, table, found[-1].parentId(), found[0])
        return (
            f"{name}: changed in silver by another than the job, in snapshot "
            f"{found[0].snapshotId()} ({found[0].operation()}): {named(keys, count)}; "
            f"{remerge(contract.table)}"
        )
    if not is_reached and loaded.snapshot(int(sealed)) is not None:
        return (
            f"{name}: put back in silver to a snapshot before {sealed}, which was reconciled; "
            f"{remerge(contract.table)}"
        )
    return None


def _changed_keys(
    spark: SparkSession, contract: TableContract, table: str, before: int | None, after: Any
) -> tuple[list[str], int]:
    new = spark.sql(f"SELECT * FROM {table} VERSION AS OF {after.snapshotId()}")
    old = new.limit(0)
    if before is not None:
        old = spark.sql(f"SELECT * FROM {table} VERSION AS OF {before}").select(*new.columns)
    differing = new.exceptAll(old).unionByName(old.exceptAll(new))
    changed = differing.select(row_key(contract).alias("k")).distinct().orderBy("k")
    keys = [row[0] for row in changed.collect()]
    return keys[: SAMPLE + 1], len(keys)
