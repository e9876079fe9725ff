"""Writes changed rows into a table that is kept in order of its key, in one commit.

This is copy-on-write by hand. Against Iceberg's MERGE it reads each touched file once instead of
twice, puts the rows of neighbouring files in order into as few files as hold them, lets a small
file grow instead of laying another beside it, and can note something with the rows it commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as fn

from glue_scripts import ranges, snapshots
from glue_scripts.hashing import spread_over
from lakehouse.spark_conf import FILE_BYTES

GONE: Final = "__gone"
"""Column of the changes: the row is to be removed."""
HELD: Final = "__held"
"""Column to order by: whether the table has the row already."""
_PART: Final = "__part"
_ROW_BYTES: Final = 64
"""Of a row whose table has no files yet, compressed."""


@dataclass(frozen=True)
class Plan:
    """What is rewritten and how it is laid out again."""

    spans: list[tuple[Any, Any]]
    """Ranges of keys that cover the touched files, each wholly, and no other file."""
    starts: list[Any]
    """Keys at which a further part begins; no part overlaps a file that stays."""
    size: int
    """Bytes of the touched files."""


def upsert(
    spark: SparkSession,
    table: str,
    changes: DataFrame,
    identity: tuple[str, ...],
    precedence: Sequence[Column],
    properties: Mapping[str, str] | None = None,
    *,
    is_once: bool = False,
) -> None:
    """Of all rows that agree in `identity`, held or changed, the first by `precedence` remains.

    `changes` has the table's columns and GONE; `precedence` may use HELD. Only the files that can
    hold the changed keys are read and replaced, in one commit with `properties` in its summary.
    `is_once`: no two changes agree in `identity`, so that a table that is empty has them as is.
    """
    keys, plan, added = None, None, 0
    files = snapshots.files(spark, table)
    if files > 1:
        keys = ranges.Keys.of(changes, identity[0])
        found = None if keys is None else ranges.groups(spark, table, keys)
        plan = None if keys is None or found is None else lay_out(found, keys)
    if keys is None or keys.are_many:
        # One file at most, or no way to tell files apart: all of it is rewritten.
        added = changes.count() * _ROW_BYTES
    if not added and (keys is None or not keys.values):
        return
    touched = fn.lit(True) if keys is None or plan is None else keys.within(plan.spans)
    is_appended = plan is not None and not plan.spans
    columns = spark.table(table).columns
    rows = changes.select(*columns, GONE, fn.lit(False).alias(HELD))
    if not is_appended:
        held = spark.table(table).where(touched)
        marks = [fn.lit(False).alias(GONE), fn.lit(True).alias(HELD)]
        rows = held.select(*columns, *marks).unionByName(rows)
    spread = _spread(rows, identity[0], keys, plan, added)
    if is_once and not files:
        kept = spread.sortWithinPartitions(*identity)
    else:
        window = Window.partitionBy(_PART, *identity).orderBy(*precedence)
        kept = spread.withColumn("__rank", fn.row_number().over(window)).where("__rank = 1")
    result = kept.where(f"NOT {GONE}").select(*columns)
    writer = result.writeTo(table).option("distribution-mode", "none")
    writer = writer.option("target-file-size-bytes", FILE_BYTES)
    for name, value in (properties or {}).items():
        writer = writer.option(f"snapshot-property.{name}", value)
    if is_appended:
        writer.append()
    else:
        writer.overwrite(touched)


def _spread(
    rows: DataFrame, key: str, keys: ranges.Keys | None, plan: Plan | None, added: int
) -> DataFrame:
    """Rows by part, in one shuffle; the window then sorts each part by the key for its file."""
    size = plan.size if plan else 0
    if added > 2 * FILE_BYTES and added > size:
        # A first load, or one that is mostly new: its own keys say where the parts begin.
        count = -(-(added + size) // FILE_BYTES)
        return rows.repartitionByRange(count, fn.col(f"`{key}`")).withColumn(_PART, fn.lit(0))
    if keys is None or plan is None or not plan.starts:
        return rows.repartition(1).withColumn(_PART, fn.lit(0))
    numbers = spread_over(len(plan.starts) + 1)
    cases = [
        f"WHEN `{key}` >= {keys.literal(start)} THEN {number}"
        for start, number in zip(plan.starts, numbers[1:], strict=True)
    ]
    part = fn.expr(f"CASE {' '.join(reversed(cases))} ELSE {numbers[0]} END")
    return rows.withColumn(_PART, part).repartition(len(numbers), _PART)


def lay_out(found: Sequence[ranges.Group], keys: ranges.Keys) -> Plan:
    """Which of a table's file groups are rewritten for these keys, and in which parts."""
    touched, fresh = _touched(found, keys)
    clusters = _clusters(found, touched, fresh)
    starts: list[Any] = []
    for number, cluster in enumerate(clusters):
        if number:
            # The first file that stays after the cluster before: all keys here are beyond it.
            starts.append(found[clusters[number - 1][-1] + 1].low)
        size = 0
        for at in cluster:
            if at in touched:
                if size >= 2 * FILE_BYTES:
                    starts.append(found[at].low)
                    size = 0
                size += found[at].size
    held = [[at for at in cluster if at in touched] for cluster in clusters]
    spans = [(found[one[0]].low, found[one[-1]].high) for one in held if one]
    return Plan(spans, starts, sum(found[at].size for at in touched))


def _touched(found: Sequence[ranges.Group], keys: ranges.Keys) -> tuple[set[int], set[int]]:
    """Groups to rewrite, and those behind which a file of its own begins (-1: before all).

    New keys join the file before them, or the one after it, unless those are full. A touched file's
    small neighbours are taken along: so no two small ones stay side by side.
    """
    if not found:
        return set(), {-1}
    if keys.are_many:
        first, last = (ranges.place(found, value) for value in keys.values)
        return set(range(max(first, 0), last + 1)) or {0}, set()
    touched: set[int] = set()
    fresh: set[int] = set()
    for value in keys.values:
        at = ranges.place(found, value)
        if at >= 0 and (value <= found[at].high or found[at].size < FILE_BYTES):
            touched.add(at)
        elif at + 1 < len(found) and found[at + 1].size < FILE_BYTES:
            touched.add(at + 1)
        else:
            fresh.add(at)
    for at in list(touched):
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(found) and found[beside].size < FILE_BYTES // 2:
                touched.add(beside)
    return touched, fresh - touched


def _clusters(found: Sequence[ranges.Group], touched: set[int], fresh: set[int]) -> list[list[int]]:
    """Runs of touched groups and gaps with no file between them that stays, in order.

    At most `MOST_RANGES`: beyond that the nearest are joined, with what lies between.
    """
    runs: list[list[int]] = []
    for at in sorted(touched | fresh):
        # A gap (its index is that of the group before it) begins behind that group.
        begins = at + 1 if at in fresh else at
        if runs and begins <= runs[-1][-1] + 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    while len(runs) > ranges.MOST_RANGES:
        between = [sum(found[g].size for g in range(a[-1] + 1, b[0])) for a, b in pairwise(runs)]
        near = between.index(min(between))
        joined = list(range(runs[near][0], runs[near + 1][-1] + 1))
        touched.update(at for at in joined if at >= 0)
        runs[near : near + 2] = [joined]
    return runs
