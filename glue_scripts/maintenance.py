"""Compaction, expiry of snapshots and removal of orphans, with the rows counted before and after.

Each step is one commit of Iceberg and may be repeated. What a table held is written into it before
its files are rewritten; whoever finds that mark compares first, so that a job that was killed
between rewriting and comparing leaves nothing unchecked.
"""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession

from glue_scripts.fingerprints import Fingerprint, fingerprint
from glue_scripts.snapshots import current
from glue_scripts.tables import mark, marks, read_mark
from lakehouse.errors import MaintenanceError
from lakehouse.spark_conf import CATALOG

logger = logging.getLogger(__name__)

COMPACTING = "lakehouse.compacting"
"""Property of a table whose files are being rewritten: snapshot, rows and content before."""

_NUMBER = re.compile(r"\d{10,}")


@dataclass(frozen=True)
class Keep:
    """How much history a table keeps, and from which size on its files are left alone."""

    snapshots: int
    """At least so many snapshots, ..."""
    hours: int
    """... all that are younger, and all since those that gold was computed from."""
    orphan_hours: int
    """Files that no snapshot names are removed when they are older. At least 24, since a job that
    is still writing has such files too; Iceberg refuses less."""
    file_mib: int
    """Size that files are brought to."""


@dataclass(frozen=True)
class Kept:
    """What maintenance did to a table."""

    table: str
    rows: int
    files_before: int
    files_after: int
    delete_files_before: int
    delete_files_after: int
    snapshots_before: int
    snapshots_after: int
    orphans_removed: int


def maintain(
    spark: SparkSession, silver: Sequence[str], gold: Sequence[str], keep: Keep, now: datetime
) -> list[Kept]:
    """Maintains the tables (full names); raises MaintenanceError naming each that came out wrong.

    A table whose rows differ after compaction is put back to the snapshot before it, and is left
    alone; the others go on.
    """
    done, faults = [], []
    needed = needed_since(spark, silver, gold)
    for table in (*silver, *gold):
        try:
            done.append(_maintain(spark, table, keep, needed.get(table), now))
        except MaintenanceError as fault:
            logger.exception("%s", table)
            faults.append(str(fault))
    if faults:
        raise MaintenanceError("; ".join(faults))
    return done


def needed_since(
    spark: SparkSession, silver: Sequence[str], gold: Sequence[str]
) -> dict[str, datetime]:
    """Per silver table the time of the oldest snapshot that a gold table was computed from.

    A gold table names it, in a property or in a snapshot's summary: any number there that is a
    silver snapshot's. Of each gold table the newest snapshot counts that names one.
    """
    snapshots = {table: _snapshots(spark, table) for table in silver}
    needed: dict[str, datetime] = {}
    for table in gold:
        told = [" ".join(marks(spark, table).values())]
        written = spark.table(f"{table}.snapshots").orderBy("committed_at", ascending=False)
        told += [" ".join((row["summary"] or {}).values()) for row in written.collect()]
        for source, times in snapshots.items():
            named = (set(map(int, _NUMBER.findall(text))) & times.keys() for text in told)
            found = next((ids for ids in named if ids), set())
            times_needed = [times[snapshot] for snapshot in found]
            if times_needed:
                oldest = min(times_needed)
                needed[source] = min(needed.get(source, oldest), oldest)
    return needed


def _snapshots(spark: SparkSession, table: str) -> dict[int, datetime]:
    rows = spark.sql(
        "SELECT snapshot_id, unix_micros(committed_at) AS micros FROM " + f"{table}.snapshots"
    ).collect()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return {row["snapshot_id"]: epoch + timedelta(microseconds=row["micros"]) for row in rows}


def _maintain(
    spark: SparkSession, table: str, keep: Keep, needed: datetime | None, now: datetime
) -> Kept:
    _finish_interrupted(spark, table)
    snapshots, files, deletes = len(_snapshots(spark, table)), *_files(spark, table)
    before = fingerprint(spark.table(table))
    if snapshots:
        _compact(spark, table, keep, before)
    _expire(spark, table, keep, needed, now)
    orphans = _remove_orphans(spark, table, now - timedelta(hours=keep.orphan_hours))
    spark.catalog.refreshTable(table)
    after = fingerprint(spark.table(table))
    if after != before:
        raise MaintenanceError(
            f"{table}: {before} before the maintenance, {after} after expiry and orphan removal; "
            "its files are damaged: make rebuild SWAP=1"
        )
    return Kept(
        table, after.rows, files, _files(spark, table)[0], deletes, _files(spark, table)[1],
        snapshots, len(_snapshots(spark, table)), orphans,
    )  # fmt: skip


def _compact(spark: SparkSession, table: str, keep: Keep, before: Fingerprint) -> None:
    start = current(spark, table)
    mark(spark, table, COMPACTING, json.dumps({"snapshot": start, **asdict(before)}))
    _call(
        spark,
        f"rewrite_data_files(table => '{_name(table)}', options => map("
        f"'target-file-size-bytes', '{keep.file_mib * 1024 * 1024}', "
        # A file with a single deleted row is rewritten, so that no delete file outlives this.
        "'min-input-files', '2', 'delete-file-threshold', '1', 'remove-dangling-deletes', 'true'))",
    )
    if _files(spark, table)[1]:
        # What is left of deletes names rows that no file holds any more.
        _call(
            spark,
            f"rewrite_position_delete_files(table => '{_name(table)}', "
            "options => map('rewrite-all', 'true'))",
        )
    _call(spark, f"rewrite_manifests(table => '{_name(table)}')")
    _compare(spark, table, start, before)


def _compare(spark: SparkSession, table: str, start: int, before: Fingerprint) -> None:
    """Compares with what was; puts the table back if it differs, and takes the mark away."""
    spark.catalog.refreshTable(table)
    after = fingerprint(spark.table(table))
    if after != before:
        _call(spark, f"rollback_to_snapshot('{_name(table)}', {start})")
    spark.sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES IF EXISTS ('{COMPACTING}')")
    if after != before:
        raise MaintenanceError(
            f"{table}: {before} before compaction, {after} after it; put back to snapshot {start}. "
            "Nothing is lost; leave maintenance off and report the table"
        )


def _finish_interrupted(spark: SparkSession, table: str) -> None:
    """Compares what an interrupted compaction left with what its mark says was there."""
    text = read_mark(spark, table, COMPACTING)
    if text is None:
        return
    marked = json.loads(text)
    before = Fingerprint(marked["rows"], marked["content"])
    rewritten = marked["snapshot"]
    # Only rewritings follow the marked snapshot immediately; runs may have written since.
    chain = spark.sql(
        "SELECT snapshot_id, parent_id, operation FROM " + f"{table}.snapshots"
    ).collect()
    following = {row["parent_id"]: row for row in chain}
    while (row := following.get(rewritten)) and row["operation"] == "replace":
        rewritten = row["snapshot_id"]
    if rewritten == current(spark, table):
        _compare(spark, table, marked["snapshot"], before)
        return
    after = fingerprint(spark.sql(f"SELECT * FROM {table} VERSION AS OF {rewritten}"))
    spark.sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES IF EXISTS ('{COMPACTING}')")
    if after != before:
        raise MaintenanceError(
            f"{table}: {before} in snapshot {marked['snapshot']}, {after} after a compaction that "
            "was interrupted, and runs have written since: make rebuild SWAP=1"
        )


def _files(spark: SparkSession, table: str) -> tuple[int, int]:
    """Data files and delete files."""
    spark.catalog.refreshTable(table)
    counted = {
        row["content"]: row["count"]
        for row in spark.table(f"{table}.files").groupBy("content").count().collect()
    }
    return counted.get(0, 0), counted.get(1, 0) + counted.get(2, 0)


def _expire(
    spark: SparkSession, table: str, keep: Keep, needed: datetime | None, now: datetime
) -> None:
    """Forgets snapshots that are old, superfluous and not needed by gold.

    All since the needed one stay: what changed since is read along the chain of snapshots.
    """
    limit = now - timedelta(hours=keep.hours)
    if needed is not None:
        limit = min(limit, needed)
    _call(
        spark,
        f"expire_snapshots(table => '{_name(table)}', older_than => {_moment(limit)}, "
        f"retain_last => {keep.snapshots})",
    )


def _remove_orphans(spark: SparkSession, table: str, before: datetime) -> int:
    removed = _call(
        spark,
        f"remove_orphan_files(table => '{_name(table)}', older_than => {_moment(before)})",
    )
    return removed.count()


def _call(spark: SparkSession, procedure: str) -> DataFrame:
    return spark.sql(f"CALL {CATALOG}.system.{procedure}")


def _name(table: str) -> str:
    return table.removeprefix(f"{CATALOG}.")


def _moment(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
