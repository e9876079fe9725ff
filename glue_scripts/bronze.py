"""Which batches wait in bronze, and their rows: exactly the files that the ledger names."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as fn

from lakehouse import ledger
from lakehouse.columns import BATCH_ID, INGESTED_AT, OP, ROW_HASH
from lakehouse.contract import TableContract
from lakehouse.errors import LedgerError
from lakehouse.gold import bronze_columns

_INTEGERS = ("smallint", "int", "bigint")


def pending_batches(
    source_table: str, batches: Sequence[ledger.Batch], merged: int
) -> list[ledger.Batch]:
    """The committed batches of those after `merged`, up to the first that is not committed yet.

    Raises LedgerError when a batch id is missing in between: its rows would never be merged.
    """
    ready: list[ledger.Batch] = []
    for batch in batches:
        if batch.state is not ledger.State.COMMITTED:
            break
        expected = merged + 1 + len(ready)
        if batch.batch_id != expected:
            raise LedgerError(
                f"{source_table}: batch {ledger.batch_name(expected)} is missing in the ledger "
                f"before {batch.name}; restore its item, or its rows would never be merged"
            )
        ready.append(batch)
    return ready


def read_files(
    spark: SparkSession, contract: TableContract, batches: Sequence[ledger.Batch], bucket: str
) -> DataFrame:
    """Rows of the batches as they were landed."""
    columns = bronze_columns(contract)
    schema = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
    paths = [f"s3://{bucket}/{file.key}" for batch in batches for file in batch.files]
    if not paths:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).parquet(*paths)


def read_quarantine(
    spark: SparkSession, contract: TableContract, batches: Sequence[ledger.Batch], bucket: str
) -> DataFrame | None:
    """Rows that the ingest held back, with the columns of silver's quarantine but `superseded_by`.

    The key is written as the job itself writes it, so that later versions are known as the same.
    None where nothing was held back.
    """
    paths = [f"s3://{bucket}/{file.key}" for batch in batches for file in batch.quarantine_files]
    if not paths:
        return None
    schema = (
        "source_table string, row_key string, raw_row string, failed_rules string, "
        f"{BATCH_ID} string, {INGESTED_AT} timestamp"
    )
    rows = spark.read.schema(schema).parquet(*paths)
    key = ", ".join(f"`{name}` {contract.types[name].spark}" for name in contract.key)
    read = fn.from_json("row_key", key)
    # a key that itself can't be carried is read as NULL; it stays as PostgreSQL printed it
    is_carried = reduce(and_, [read[name].isNotNull() for name in contract.key])
    same = fn.when(is_carried, as_json(read))
    return rows.select(
        "source_table",
        fn.col(BATCH_ID).alias("batch_id"),
        fn.coalesce(same, "row_key").alias("row_key"),
        "raw_row",
        "failed_rules",
        fn.col(INGESTED_AT).alias("quarantined_at"),
    )


def deduplicate(contract: TableContract, rows: DataFrame) -> DataFrame:
    """One row per key and batch.

    A key that was deleted and inserted again within one window has a tombstone and a living row:
    the living row is what the source held. Between two living rows the newer change wins.
    """
    best = Window.partitionBy(*[fn.col(name) for name in (*contract.key, BATCH_ID)]).orderBy(
        (fn.col(OP) == "D").asc(),
        # a snapshot has each key once
        *([fn.col(contract.cursor).desc_nulls_last()] if contract.cursor else []),
        fn.col(ROW_HASH).asc_nulls_last(),
    )
    ranked = rows.withColumn("__rank", fn.row_number().over(best))
    return ranked.where("__rank = 1").drop("__rank")


def has_each_key_once(
    contract: TableContract, batches: Sequence[ledger.Batch], rows: DataFrame, count: int
) -> bool:
    """Whether the batches are a first load in which no row moved from one to the next.

    Within a batch of a load each key is there once: it is one statement over a unique key.
    """
    if any(batch.kind is not ledger.Kind.LOAD for batch in batches):
        return False
    return len(batches) == 1 or _distinct_keys(contract, rows) == count


def _distinct_keys(contract: TableContract, rows: DataFrame) -> int:
    """How many keys there are.

    Of integers 64 neighbours are the bits of one number: keys that count up, as most do, come
    together by number in a hundredth of the memory.
    """
    if len(contract.key) > 1 or contract.types[contract.key[0]].spark not in _INTEGERS:
        return rows.select(*contract.key).distinct().count()
    key = f"`{contract.key[0]}`"
    bits = fn.expr(f"bit_or(shiftleft(1L, cast({key} & 63 as int)))").alias("bits")
    numbers = rows.groupBy(fn.expr(f"shiftright({key}, 6)").alias("of")).agg(bits)
    row = numbers.agg(fn.coalesce(fn.sum(fn.bit_count("bits")), fn.lit(0))).first()
    assert row is not None
    return int(row[0])


def newest(contract: TableContract, rows: DataFrame) -> DataFrame:
    """The living rows of each key's newest batch: two for a key are two rows that contradict."""
    order = Window.partitionBy(*contract.key).orderBy(fn.col(BATCH_ID).desc())
    ranked = rows.dropDuplicates().withColumn("__rank", fn.rank().over(order))
    return ranked.where((fn.col("__rank") == 1) & (fn.col(OP) != "D")).drop("__rank")


def row_key(contract: TableContract) -> Column:
    """A row's key as text: a JSON object of the key columns, also of those that are NULL."""
    return as_json(fn.struct(*contract.key))


def as_json(columns: Column) -> Column:
    """A struct as a JSON object that names its NULLs too."""
    return fn.to_json(columns, {"ignoreNullFields": "false"})


def change_time(contract: TableContract) -> Column:
    """When the source changed the row; a tombstone without a time counts from its batch."""
    return fn.coalesce(fn.col(contract.change_column), fn.col(INGESTED_AT))
