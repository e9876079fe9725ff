"""Brings a table's waiting batches into silver; each table changes in one commit, repeatable."""

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as fn

from glue_scripts.bronze import change_time
from glue_scripts.history import (
    build_chain,
    changed_versions,
    events_of_rows,
    events_of_versions,
    first_versions,
)
from glue_scripts.ranges import Keys
from glue_scripts.snapshots import files
from glue_scripts.tables import all_of
from glue_scripts.upsert import GONE, HELD, upsert
from lakehouse.columns import BATCH_ID, INGESTED_AT, OP, VALID_FROM
from lakehouse.contract import History, TableContract
from lakehouse.gold import identifier, silver_columns, transition_columns


def merge_rows(
    spark: SparkSession,
    contract: TableContract,
    rows: DataFrame,
    silver: str,
    *,
    is_once: bool = False,
) -> None:
    """Merges `rows` (one per key and batch, all good) into the contract's silver tables.

    `is_once`: they are of a load and have one row per key, so that a table that is still empty
    takes them as they are.
    """
    table, transitions = identifier(silver, contract.table), contract.transitions_table
    if contract.history is not History.SCD2:
        _merge_current(spark, contract, rows, table, is_once)
    elif is_once and not files(spark, table):
        written = first_versions(contract, rows).withColumn(GONE, fn.lit(False))
        identity = (*contract.key, VALID_FROM)
        upsert(spark, table, written, identity, [fn.col(HELD).asc()], is_once=True)
    else:
        _merge_versions(spark, contract, rows, table)
    if transitions:
        is_first = is_once and not files(spark, identifier(silver, transitions))
        _merge_transitions(spark, contract, rows, identifier(silver, transitions), is_first)


def _of_the_same_keys(
    spark: SparkSession, contract: TableContract, table: str, rows: DataFrame
) -> DataFrame:
    """What the table holds of the keys of `rows`; other files are not read."""
    held = spark.table(table)
    if files(spark, table) > 1 and (found := Keys.of(rows, contract.key[0])) is not None:
        held = held.where(found.condition())
    keys = rows.select(*[fn.col(name).alias(f"__{name}") for name in contract.key]).distinct()
    matched = [fn.col(name) == fn.col(f"__{name}") for name in contract.key]
    return held.join(keys, all_of(matched), "left_semi")


def _merge_versions(
    spark: SparkSession, contract: TableContract, rows: DataFrame, table: str
) -> None:
    held = _of_the_same_keys(spark, contract, table, rows).localCheckpoint()
    events = events_of_versions(contract, held).unionByName(events_of_rows(contract, rows))
    changes = changed_versions(contract, build_chain(contract, events), held)
    # Planned first, then written; the checkpoint also cuts it off the table that it changes.
    written = changes.withColumn(GONE, fn.lit(False)).localCheckpoint()
    upsert(spark, table, written, (*contract.key, VALID_FROM), [fn.col(HELD).asc()])


def _merge_current(
    spark: SparkSession, contract: TableContract, rows: DataFrame, table: str, is_once: bool
) -> None:
    changes = rows.select(*silver_columns(contract), (fn.col(OP) == "D").alias(GONE))
    newest = [fn.col(BATCH_ID).desc(), fn.col(HELD).desc()]
    upsert(spark, table, changes, contract.key, newest, is_once=is_once)


def _merge_transitions(
    spark: SparkSession, contract: TableContract, rows: DataFrame, table: str, is_first: bool
) -> None:
    value, columns = str(contract.transitions), list(transition_columns(contract))
    arrived = rows.where(fn.col(OP) != "D").select(
        *contract.key,
        value,
        change_time(contract).alias("changed_at"),
        BATCH_ID,
        INGESTED_AT,
        fn.lit(False).alias("__known"),
    )
    latest = [fn.col(HELD).desc()]
    if is_first:
        first = arrived.select(*columns, fn.lit(False).alias(GONE))
        upsert(spark, table, first, (*contract.key, BATCH_ID), latest, is_once=True)
        return
    held = _of_the_same_keys(spark, contract, table, rows)
    events = arrived.unionByName(held.withColumn("__known", fn.lit(True)))
    key = [fn.col(name) for name in contract.key]
    once = Window.partitionBy(*key, fn.col(BATCH_ID)).orderBy(fn.col("__known").desc())
    by_batch = Window.partitionBy(*key).orderBy(fn.col(BATCH_ID))
    unique = events.withColumn("__once", fn.row_number().over(once)).where("__once = 1")
    before = unique.withColumn("__before", fn.lag(fn.struct(value)).over(by_batch))
    moved = before.where(~fn.col("__before").eqNullSafe(fn.struct(value)) & ~fn.col("__known"))
    written = moved.select(*columns, fn.lit(False).alias(GONE)).localCheckpoint()
    upsert(spark, table, written, (*contract.key, BATCH_ID), latest)
