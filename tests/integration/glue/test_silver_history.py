"""Histories, however batches are merged: no-ops, deletes, returns, ties, repetitions."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.contract import TableContract
from lakehouse.gold import bronze_columns, identifier
from tests.integration.glue import history_oracle as oracle
from tests.integration.glue import history_sequences as sequences
from tests.integration.glue.history_oracle import COMPOSITE, SCD2, TEXT, Event
from tests.integration.glue.history_sequences import BatchSequence


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
