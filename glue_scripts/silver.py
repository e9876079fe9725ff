"""Brings a table's waiting batches into silver by MERGE; any step may be repeated."""

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as fn

from glue_scripts.bronze import change_time
from glue_scripts.history import (
    build_chain,
    changed_versions,
    events_of_rows,
    events_of_versions,
)
from glue_scripts.tables import all_of, same
from lakehouse.columns import BATCH_ID, INGESTED_AT, OP, VALID_FROM
from lakehouse.contract import History, TableContract
from lakehouse.gold import identifier, silver_columns, transition_columns


def merge_rows(spark: SparkSession, contract: TableContract, rows: DataFrame, silver: str) -> None:
    """Merges `rows` (one per key and batch, all good) into the contract's silver tables."""
    if contract.history is History.SCD2:
        _merge_versions(spark, contract, rows, identifier(silver, contract.table))
    else:
        _merge_current(spark, contract, rows, identifier(silver, contract.table))
    if contract.transitions_table:
        _merge_transitions(spark, contract, rows, identifier(silver, contract.transitions_table))


def _of_the_same_keys(contract: TableContract, table: DataFrame, rows: DataFrame) -> DataFrame:
    keys = rows.select(*[fn.col(name).alias(f"__{name}") for name in contract.key]).distinct()
    matched = [fn.col(name) == fn.col(f"__{name}") for name in contract.key]
    return table.join(keys, all_of(matched), "left_semi")


def _merge_versions(
    spark: SparkSession, contract: TableContract, rows: DataFrame, table: str
) -> None:
    held = _of_the_same_keys(contract, spark.table(table), rows).localCheckpoint()
    events = events_of_versions(contract, held).unionByName(events_of_rows(contract, rows))
    changes = changed_versions(contract, build_chain(contract, events), held)
    # MERGE reads its source twice; the checkpoint also cuts it off the table that it changes.
    changes.localCheckpoint().createOrReplaceTempView("version_changes")
    spark.sql(
        f"MERGE INTO {table} t USING version_changes s "
        f"ON {same('t', 's', (*contract.key, VALID_FROM))} "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def _merge_current(
    spark: SparkSession, contract: TableContract, rows: DataFrame, table: str
) -> None:
    newest = Window.partitionBy(*contract.key).orderBy(fn.col(BATCH_ID).desc())
    columns = list(silver_columns(contract))
    latest = rows.withColumn("__rank", fn.row_number().over(newest)).where("__rank = 1")
    latest.select(*columns, OP).localCheckpoint().createOrReplaceTempView("latest_rows")
    values = ", ".join(f"s.`{name}`" for name in columns)
    names = ", ".join(f"`{name}`" for name in columns)
    assignments = ", ".join(f"t.`{name}` = s.`{name}`" for name in columns)
    newer = f"s.{BATCH_ID} > t.{BATCH_ID}"
    spark.sql(
        f"MERGE INTO {table} t USING latest_rows s ON {same('t', 's', contract.key)} "
        f"WHEN MATCHED AND s.{OP} = 'D' AND {newer} THEN DELETE "
        f"WHEN MATCHED AND {newer} THEN UPDATE SET {assignments} "
        f"WHEN NOT MATCHED AND s.{OP} <> 'D' THEN INSERT ({names}) VALUES ({values})"
    )


def _merge_transitions(
    spark: SparkSession, contract: TableContract, rows: DataFrame, table: str
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
    held = _of_the_same_keys(contract, spark.table(table), rows)
    events = arrived.unionByName(held.withColumn("__known", fn.lit(True)))
    key = [fn.col(name) for name in contract.key]
    once = Window.partitionBy(*key, fn.col(BATCH_ID)).orderBy(fn.col("__known").desc())
    by_batch = Window.partitionBy(*key).orderBy(fn.col(BATCH_ID))
    unique = events.withColumn("__once", fn.row_number().over(once)).where("__once = 1")
    before = unique.withColumn("__before", fn.lag(fn.struct(value)).over(by_batch))
    moved = before.where(~fn.col("__before").eqNullSafe(fn.struct(value)) & ~fn.col("__known"))
    moved.select(*columns).localCheckpoint().createOrReplaceTempView("transitions")
    spark.sql(
        f"MERGE INTO {table} t USING transitions s ON {same('t', 's', (*contract.key, BATCH_ID))} "
        "WHEN NOT MATCHED THEN INSERT *"
    )
