"""Maintenance of real Iceberg tables: rows stay, files and snapshots go."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.errors import MaintenanceError

KEEP = {"snapshots": 1, "hours": 0, "orphan_hours": 26, "file_mib": 64}
ROWS = 12_000  # beyond 10,000 keys, and across the digits of 9,999 and 10,000


@pytest.fixture
def table(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[str]:
    """A table after a load, inserts, updates and deletes, its deletes in files of their own."""
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.kept")
    name = f"glue_catalog.kept.t{abs(hash(request.node.name))}"
    spark.sql(
        f"CREATE TABLE {name} (id bigint, code string, note string) USING iceberg TBLPROPERTIES ("
        "'format-version' = '2', 'write.delete.mode' = 'merge-on-read', "
        "'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read')"
    )
    _rows(spark, 0, ROWS).repartition(3).writeTo(name).append()
    for n in range(2):
        _rows(spark, ROWS + n * 10, 10).coalesce(1).writeTo(name).append()
    spark.sql(f"DELETE FROM {name} WHERE id % 12 = 5")
    spark.sql(f"UPDATE {name} SET note = NULL WHERE id BETWEEN 9990 AND 10010")
    yield name
    spark.sql(f"DROP TABLE {name} PURGE")


def _rows(spark: SparkSession, start: int, count: int) -> DataFrame:
    return spark.range(start, start + count).selectExpr(
        "id", "cast(id AS string) AS code", "'x' AS note"
    )


def _content(spark: SparkSession, table: str) -> list[tuple[object, ...]]:
    spark.catalog.refreshTable(table)
    return [tuple(row) for row in spark.table(table).orderBy("id").collect()]


def _after(hours: float = 1) -> datetime:
    """A moment at which everything is old."""
    return datetime.now(UTC) + timedelta(hours=hours)


def test_deletes_stay_deleted_and_nothing_else_goes(spark: SparkSession, table: str) -> None:
    from glue_scripts.maintenance import Keep, maintain

    before = _content(spark, table)
    (first,) = maintain(spark, [table], [], Keep(**KEEP), _after())
    assert _content(spark, table) == before
    assert not [row for row in before if int(str(row[0])) % 12 == 5]
    assert first.rows == len(before) > 10_000
    assert (first.delete_files_before > 0, first.delete_files_after) == (True, 0)
    assert (first.files_before > 3, first.files_after) == (True, 1)
    assert (first.snapshots_before > 3, first.snapshots_after) == (True, 1)
    (again,) = maintain(spark, [table], [], Keep(**KEEP), _after())
    assert _content(spark, table) == before
    assert (again.files_before, again.files_after, again.orphans_removed) == (1, 1, 0)


def test_history_is_kept_by_number_age_and_need(spark: SparkSession, table: str) -> None:
    from glue_scripts.maintenance import Keep, maintain, needed_since

    gold = table + "_gold"
    spark.sql(f"CREATE TABLE {gold} (a int) USING iceberg")
    frame = spark.createDataFrame([(1,)], "a int")
    history = spark.table(f"{table}.snapshots").orderBy("committed_at").collect()
    needed = history[3]["snapshot_id"]
    frame.writeTo(gold).option("snapshot-property.made-from", f"x={needed},y=7").append()
    frame.writeTo(gold).append()
    assert list(needed_since(spark, [table], [gold])) == [table]
    kept = maintain(spark, [table], [gold], Keep(**KEEP | {"hours": 5}), _after())
    assert kept[0].snapshots_after > kept[0].snapshots_before  # all younger than five hours
    (many, _) = maintain(spark, [table], [gold], Keep(**KEEP | {"snapshots": 7}), _after())
    left = {row["snapshot_id"] for row in spark.table(f"{table}.snapshots").collect()}
    assert many.snapshots_after >= 7
    maintain(spark, [table], [gold], Keep(**KEEP), _after())
    left = {row["snapshot_id"] for row in spark.table(f"{table}.snapshots").collect()}
    assert needed in left
    assert history[2]["snapshot_id"] not in left
    assert {row["snapshot_id"] for row in history[3:]} <= left, "the chain since then"
    spark.sql(f"DROP TABLE {gold} PURGE")


def test_only_old_files_without_an_owner_go(spark: SparkSession, table: str) -> None:
    from glue_scripts.maintenance import Keep, maintain

    (file,) = spark.table(f"{table}.files").where("content = 0").limit(1).collect()
    folder = Path(urlsplit(file["file_path"]).path).parent
    old, young = folder / "old.parquet", folder / "young.parquet"
    for path in (old, young):
        path.write_bytes(b"of a job that was killed")
    past = time.time() - 30 * 3600
    os.utime(old, (past, past))
    (kept,) = maintain(spark, [table], [], Keep(**KEEP), datetime.now(UTC))
    assert kept.orphans_removed == 1
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("step", ["rewrite_data_files"])
def test_killed_in_the_middle(
    spark: SparkSession, table: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_scripts import maintenance

    before, call = _content(spark, table), maintenance._call

    def dies(session: SparkSession, procedure: str) -> DataFrame:
        done = call(session, procedure)
        if step in procedure:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(maintenance, "_call", dies)
    with pytest.raises(KeyboardInterrupt):
        maintenance.maintain(spark, [table], [], maintenance.Keep(**KEEP), _after())
    assert _content(spark, table) == before
    monkeypatch.undo()
    (kept,) = maintenance.maintain(spark, [table], [], maintenance.Keep(**KEEP), _after())
    assert _content(spark, table) == before
    assert (kept.files_after, kept.delete_files_after, kept.snapshots_after) == (1, 0, 1)
    assert maintenance.read_mark(spark, table, maintenance.COMPACTING) is None


def test_a_compaction_that_changes_rows_is_put_back(
    spark: SparkSession, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a peer whose compaction brought deleted rows back."""
    from glue_scripts import maintenance

    before, call = _content(spark, table), maintenance._call

    def resurrects(session: SparkSession, procedure: str) -> DataFrame:
        done = call(session, procedure)
        if procedure.startswith("rewrite_data_files"):
            _rows(session, 5, 1).writeTo(table).append()
        return done

    monkeypatch.setattr(maintenance, "_call", resurrects)
    with pytest.raises(MaintenanceError, match=r"11018 rows.*11019 rows.*put back to snapshot"):
        maintenance.maintain(spark, [table], [], maintenance.Keep(**KEEP), _after())
    assert _content(spark, table) == before


def test_an_interrupted_compaction_is_compared_by_the_next(
    spark: SparkSession, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_scripts import maintenance, snapshots

    keep, call = maintenance.Keep(**KEEP), maintenance._call
    start = snapshots.current(spark, table)

    def dies(session: SparkSession, procedure: str) -> DataFrame:
        if procedure.startswith("rewrite_manifests"):
            raise KeyboardInterrupt
        return call(session, procedure)

    monkeypatch.setattr(maintenance, "_call", dies)
    with pytest.raises(KeyboardInterrupt):
        maintenance.maintain(spark, [table], [], keep, _after())
    monkeypatch.undo()
    marked = json.loads(str(maintenance.read_mark(spark, table, maintenance.COMPACTING)))
    marked["rows"] += 1  # as if the rewriting had lost a row
    maintenance.mark(spark, table, maintenance.COMPACTING, json.dumps(marked))
    with pytest.raises(MaintenanceError, match="put back to snapshot"):
        maintenance.maintain(spark, [table], [], keep, _after())
    assert snapshots.current(spark, table) == start
