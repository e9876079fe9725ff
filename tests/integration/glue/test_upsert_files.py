"""Many small upserts: the rows are right, the files stay few and never lie over one another."""

import random
from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from lakehouse.gold import identifier

RUNS = 12
FILE = 4000
"""Bytes of a file in this test; a compressed row takes some 16."""


@pytest.mark.parametrize(
    "kind", ["bigint", "string", "date", "timestamp", "decimal(12,2)", "double"]
)
def test_small_runs_leave_few_files(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from glue_scripts import ranges, tables, upsert

    monkeypatch.setattr(upsert, "FILE_BYTES", FILE)
    draw, runs = random.Random(kind), RUNS if kind in ("bigint", "string") else 3
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.upserts")
    table = identifier("upserts", "t_" + kind.split("(")[0])
    tables.ensure(spark, {table: {"k": kind, "part": "int", "v": "double"}})
    expected: dict[tuple[int, int], float] = {}
    made = {
        "string": fn.concat(fn.lit("it's \\\\ "), fn.lpad(fn.col("n").cast("string"), 6, "0")),
        "date": fn.date_add(fn.lit(date(2020, 1, 1)), fn.col("n").cast("int")),
        "timestamp": fn.timestamp_micros(fn.col("n") * 1_000_003 - 10**15),
    }.get(kind, fn.col("n").cast(kind))
    for run in range(runs):
        last = 300 * (run + 1)
        keys = {*range(last - 300, last), *draw.sample(range(last), 8)} if run else set(range(300))
        rows = [(n, 0, draw.random(), draw.random() < 0.1 and run > 0) for n in sorted(keys)]
        for n, part, v, gone in rows:
            expected.pop((n, part), None)
            if not gone:
                expected[n, part] = v
        frame = spark.createDataFrame(rows, "n bigint, part int, v double, __gone boolean")
        changes = frame.select(made.alias("k"), "part", "v", "__gone")
        note: dict[str, Any] = {"lakehouse.run": str(run)}
        upsert.upsert(spark, table, changes, ("k", "part"), [fn.col("__held").asc()], note)
    back = spark.range(300 * runs).select(fn.col("id").alias("n")).select("n", made.alias("k"))
    found = {(r.n, r.part): r.v for r in spark.table(table).join(back, "k").collect()}
    assert found == expected
    assert spark.table(table).count() == len(expected)
    files = spark.table(f"{table}.files").select("file_size_in_bytes").collect()
    if kind == "double":  # no ranges of floats: the whole table is one part
        return
    keys_of = ranges.Keys.of(spark.table(table), "k")
    assert keys_of is not None
    groups = ranges.groups(spark, table, keys_of)
    assert groups is not None
    assert len(groups) == len(files), "files overlap"
    if runs == RUNS:
        assert 3 < len(files) <= sum(f[0] for f in files) // FILE + 3
