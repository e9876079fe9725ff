"""Histories, however batches are merged: no-ops, deletes, returns, ties, repetitions."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.contract import History, TableContract
from lakehouse.gold import bronze_columns, identifier, silver_tables
from lakehouse.ledger import Batch, Kind
from tests.integration.glue import history_oracle as oracle
from tests.integration.glue import history_sequences as sequences
from tests.integration.glue.history_oracle import COMPOSITE, SCD2, TEXT, Event
from tests.integration.glue.history_sequences import BatchSequence

HOUR = timedelta(hours=1)


def _frame(spark: SparkSession, events: Iterable[Event]) -> DataFrame:
    schema = ", ".join(f"{name} {kind}" for name, kind in bronze_columns(SCD2).items())
    return spark.createDataFrame([event.row() for event in events], schema)


SEQUENCES = 600


@pytest.mark.parametrize("contract", [SCD2, COMPOSITE, TEXT], ids=lambda c: c.table)
def test_random_sequences_of_batches_equal_the_oracle(
    spark: SparkSession, contract: TableContract
) -> None:
    drawn = [sequences.draw(7, number, contract) for number in range(SEQUENCES)]
    runs = itertools.count()

    def fails(chosen: Sequence[BatchSequence]) -> dict[int, list[str]]:
        database = f"sequences_{contract.table}_{next(runs)}"
        sequences.merge(spark, contract, chosen, database)
        return sequences.faults(spark, contract, chosen, database)

    if failing := fails(drawn):
        first = next(sequence for sequence in drawn if sequence.number in failing)
        small, reasons = sequences.smallest(contract, fails, first)
        text = "\n".join([str(small), *reasons])
        pytest.fail(f"{len(failing)} of {SEQUENCES} sequences differ; one of them, small:\n{text}")


def test_a_key_deleted_and_inserted_within_one_window_lives(spark: SparkSession) -> None:
    from glue_scripts.bronze import deduplicate

    gone = Event((1,), 1, None, None, oracle.START + timedelta(hours=1))
    back = Event((1,), 1, "A", "x", oracle.START)
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


@pytest.mark.parametrize("history", [History.SCD2, History.CURRENT], ids=str)
def test_a_load_of_new_keys_is_merged_as_any_batch(spark: SparkSession, history: History) -> None:
    from glue_scripts import silver, tables

    contract = replace(SCD2, table="loaded", history=history, transitions="status")
    events = [
        Event((key,), 1, "AB"[key % 2], None if key % 3 else "x", oracle.START + key * HOUR)
        for key in range(20)
    ]
    events.append(Event((20,), 1, "A", None, None))  # the source has no change time of it
    names, merged = list(silver_tables(contract)), []
    for is_once in (True, False):
        database = f"loaded_{history.value}_{is_once}".lower()
        spark.sql(f"CREATE NAMESPACE glue_catalog.{database}")
        wanted = {identifier(database, n): c for n, c in silver_tables(contract).items()}
        tables.ensure(spark, wanted)
        rows = _frame(spark, events)
        silver.merge_rows(spark, contract, rows, database, is_once=is_once)
        # what arrives later finds the same
        later = [
            Event((3,), 2, "A", "y", oracle.START + 30 * HOUR),
            Event((4,), 2, None, None, None),
        ]
        silver.merge_rows(spark, contract, _frame(spark, later), database)
        # and so does another load, into a table that is not empty any more
        again = [Event((key,), 3, "AB"[key % 2], "z", oracle.START + 40 * HOUR) for key in (3, 30)]
        silver.merge_rows(spark, contract, _frame(spark, again), database, is_once=is_once)
        merged.append([sorted(map(str, spark.table(t).collect())) for t in wanted])
    assert merged[0] == merged[1], names
    assert all(merged[0])


def test_a_load_in_which_a_row_moved_has_a_key_twice(spark: SparkSession) -> None:
    from glue_scripts.bronze import has_each_key_once

    apart = _frame(spark, [Event((key,), 1 + key % 2, "A", None, oracle.START) for key in range(9)])
    moved = apart.unionByName(_frame(spark, [Event((0,), 2, "B", None, oracle.START + HOUR)]))
    batches = [_load(1), _load(2)]
    assert has_each_key_once(SCD2, batches, apart, 9)
    assert not has_each_key_once(SCD2, batches, moved, 10)
    assert not has_each_key_once(SCD2, [_load(1), _load(2, Kind.DELTA)], apart, 9)


@pytest.mark.parametrize(
    ("contract", "kind", "keys"),
    [
        (SCD2, "bigint", [-(2**63), -65, -64, -1, 0, 1, 63, 64, 127, 2**63 - 1]),
        (SCD2, "int", [-(2**31), -64, -1, 0, 31, 32, 63, 64, 2**31 - 1]),
        (SCD2, "smallint", [-(2**15), -64, -1, 0, 63, 64, 2**15 - 1]),
        (TEXT, "string", ["", "a", "b", "ab"]),
    ],
    ids=str,
)
def test_a_key_that_is_there_twice_is_seen(
    spark: SparkSession, contract: TableContract, kind: str, keys: list[int | str]
) -> None:
    from glue_scripts.bronze import has_each_key_once

    (name,), batches = contract.key, [_load(1), _load(2)]
    if kind != "string":
        contract = replace(contract, columns={**contract.columns, name: kind})
    for twice in (None, *keys):
        listed = [(key,) for key in [*keys, *(() if twice is None else (twice,))]]
        rows = spark.createDataFrame(listed, f"{name} {kind}")
        is_once = has_each_key_once(contract, batches, rows, len(listed))
        assert is_once == (twice is None), twice


def _load(number: int, kind: Kind = Kind.LOAD) -> Batch:
    at = "2026-01-01T00:00:00.000000Z"
    return Batch("things", number, kind, None, None, at, None, at, None, at, "run", "owner")
