import itertools
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold import bronze_columns, identifier, silver_columns, transition_columns
from tests.integration.glue import history_oracle as oracle
from tests.integration.glue.history_oracle import CURRENT, SCD2, Event

VERSION = "thing_id, status, note, updated_at, _batch_id, valid_from, valid_to, _deleted_batch_id"
HISTORY = "silver_history"


def _frame(spark: SparkSession, events: Iterable[Event]) -> DataFrame:
    schema = ", ".join(f"{name} {kind}" for name, kind in bronze_columns(SCD2).items())
    return spark.createDataFrame([event.row() for event in events], schema)


def _found(frame: DataFrame, columns: str) -> set[tuple[Any, ...]]:
    rows = frame.select(*columns.split(", ")).collect()
    utc = [tuple(v.astimezone(UTC) if hasattr(v, "astimezone") else v for v in r) for r in rows]
    assert len(utc) == len(set(utc))
    return set(utc)


def _merge(spark: SparkSession, held: list[Any], events: Sequence[Event]) -> list[Any]:
    """What the MERGE makes of silver's rows `held`, without a table."""
    from glue_scripts.history import (
        build_chain,
        changed_versions,
        events_of_rows,
        events_of_versions,
    )

    schema = ", ".join(f"{name} {kind}" for name, kind in silver_columns(SCD2).items())
    keys = {event.key for event in events}
    affected = spark.createDataFrame([row for row in held if row["thing_id"] in keys], schema)
    known = events_of_versions(SCD2, affected)
    chain = build_chain(SCD2, known.unionByName(events_of_rows(SCD2, _frame(spark, events))))
    by_version = {(row["thing_id"], row["valid_from"]): row for row in held}
    for row in changed_versions(SCD2, chain, affected).collect():
        by_version[row["thing_id"], row["valid_from"]] = row
    return list(by_version.values())


def _check_invariants(versions: set[tuple[Any, ...]]) -> None:
    by_key = itertools.groupby(sorted(versions, key=lambda v: (v[0], v[5])), key=lambda v: v[0])
    for _, group in by_key:
        chain = list(group)
        for version, following in itertools.pairwise(chain):
            assert version[5] < version[6] <= following[5]
            if version[7] is None:
                assert version[6] == following[5], "a gap inside a life"
        assert chain[-1][6] is None or chain[-1][5] < chain[-1][6]
        assert sum(version[6] is None for version in chain) <= 1


@pytest.mark.parametrize("way", ["at once", "one by one", "in groups", "killed and repeated"])
def test_random_histories_equal_the_oracle(spark: SparkSession, way: str) -> None:
    batches = 8
    events = oracle.random_events(seed=7, keys=600, batches=batches)
    draw = random.Random(way)
    match way:
        case "at once":
            windows = [(0, batches)]
        case "one by one":
            windows = [(n, n + 1) for n in range(batches)]
        case "in groups":
            cuts = [0, *sorted(draw.sample(range(1, batches), 3)), batches]
            windows = list(itertools.pairwise(cuts))
        case _:
            # The mark was not written: the next run has the same batches again, and newer ones.
            windows = [(0, 3), (0, 4), (4, 6), (4, 6), (4, 8)]
    held: list[Any] = []
    for after, upto in windows:
        arrived = [event for event in events if after < event.batch <= upto]
        held = _merge(spark, held, arrived)
    schema = ", ".join(f"{name} {kind}" for name, kind in silver_columns(SCD2).items())
    found = _found(spark.createDataFrame(held, schema), VERSION)
    assert found == oracle.versions(events)
    _check_invariants(found)


def test_merged_tables_equal_the_oracle(spark: SparkSession) -> None:
    from glue_scripts import silver, tables
    from glue_scripts.bronze import deduplicate

    history, current = (identifier(HISTORY, c.table) for c in (SCD2, CURRENT))
    moved = identifier(HISTORY, str(CURRENT.transitions_table))
    spark.sql(f"CREATE NAMESPACE glue_catalog.{HISTORY}")
    tables.ensure(
        spark,
        {
            history: silver_columns(SCD2),
            current: silver_columns(CURRENT),
            moved: transition_columns(CURRENT),
        },
    )
    events = oracle.random_events(seed=11, keys=50, batches=7)
    for after, upto in [(0, 3), (0, 4), (4, 7), (4, 7)]:
        arrived = [event for event in events if after < event.batch <= upto]
        repeated = _frame(spark, [*arrived, *arrived[::3]])  # rows that a retry landed twice
        for contract in (SCD2, CURRENT):
            silver.merge_rows(spark, contract, deduplicate(contract, repeated), HISTORY)
    versions = _found(spark.table(history), VERSION)
    assert versions == oracle.versions(events)
    living = _found(spark.table(current), "thing_id, status, note, updated_at, _batch_id")
    assert living == oracle.living(events)
    changes = _found(spark.table(moved), "thing_id, status, changed_at, _batch_id")
    assert changes == oracle.transitions(events)


def test_a_key_deleted_and_inserted_within_one_window_lives(spark: SparkSession) -> None:
    from glue_scripts.bronze import deduplicate

    gone = Event(1, 1, None, None, oracle.START + timedelta(hours=1))
    back = Event(1, 1, "A", "x", oracle.START)
    rows = deduplicate(SCD2, _frame(spark, [gone, back, back])).collect()
    assert [(row["_op"], row["status"]) for row in rows] == [("U", "A")]


def test_a_new_column_of_the_contract_widens_the_table(spark: SparkSession) -> None:
    from glue_scripts import tables

    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.widened")
    table = identifier("widened", "things")
    tables.ensure(spark, {table: {"a": "int"}})
    spark.sql(f"INSERT INTO {table} VALUES (1)")
    tables.ensure(spark, {table: {"a": "int", "b": "string"}})
    assert [tuple(row) for row in spark.table(table).collect()] == [(1, None)]
    assert tables.read_mark(spark, table, "x.y") is None
    tables.mark(spark, table, "x.y", "z")
    assert tables.read_mark(spark, table, "x.y") == "z"
