"""SCD2 version chains as a pure function of a key's events, so that any repetition is harmless.

Events of a key are ordered by batch: that is the order in which the source was observed, while its
own change times may go backwards. The chain of a key is rebuilt from what silver has and what
arrived; events that silver has already give the same chain again.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as fn

from glue_scripts.bronze import change_time
from glue_scripts.tables import all_of
from lakehouse.columns import (
    BATCH_ID,
    DELETED_BATCH_ID,
    INGESTED_AT,
    IS_CURRENT,
    OP,
    ROW_HASH,
    VALID_FROM,
    VALID_TO,
)
from lakehouse.contract import TableContract
from lakehouse.gold import silver_columns

_TIME, _KNOWN, _DELETED, _RUN = "__time", "__known", "__deleted", "__run"


def events_of_versions(contract: TableContract, versions: DataFrame) -> DataFrame:
    """What must have happened for silver to hold these versions."""
    carried = [*contract.columns, INGESTED_AT, ROW_HASH]
    written = versions.select(
        *carried,
        fn.col(BATCH_ID),
        fn.col(VALID_FROM).alias(_TIME),
        fn.lit(False).alias(_DELETED),
        fn.lit(True).alias(_KNOWN),
    )
    deleted = versions.where(fn.col(DELETED_BATCH_ID).isNotNull()).select(
        *carried,
        fn.col(DELETED_BATCH_ID).alias(BATCH_ID),
        fn.col(VALID_TO).alias(_TIME),
        fn.lit(True).alias(_DELETED),
        fn.lit(True).alias(_KNOWN),
    )
    return written.unionByName(deleted)


def events_of_rows(contract: TableContract, rows: DataFrame) -> DataFrame:
    """Bronze rows as events."""
    return rows.select(
        *contract.columns,
        INGESTED_AT,
        ROW_HASH,
        BATCH_ID,
        change_time(contract).alias(_TIME),
        (fn.col(OP) == "D").alias(_DELETED),
        fn.lit(False).alias(_KNOWN),
    )


def first_versions(contract: TableContract, rows: DataFrame) -> DataFrame:
    """What `build_chain` makes of living rows, one per key, of which nothing was known before."""
    return rows.select(
        *contract.columns,
        BATCH_ID,
        INGESTED_AT,
        ROW_HASH,
        change_time(contract).alias(VALID_FROM),
        fn.lit(None).cast("timestamp").alias(VALID_TO),
        fn.lit(True).alias(IS_CURRENT),
        fn.lit(None).cast("string").alias(DELETED_BATCH_ID),
    ).select(*silver_columns(contract))


def build_chain(contract: TableContract, events: DataFrame) -> DataFrame:
    """The versions that the events make, with the columns of the silver table.

    - Consecutive events with the same content, the cursor apart, are one version: it begins with
      the first and carries the columns of the last, so that it equals the source's row.
    - `valid_from` is the change time, moved by the microseconds it takes to grow along the chain.
    - A delete ends the version before it; what comes after it begins a new one.
    """
    key = [fn.col(name) for name in contract.key]
    by_batch = Window.partitionBy(*key).orderBy(fn.col(BATCH_ID))
    once = Window.partitionBy(*key, fn.col(BATCH_ID)).orderBy(fn.col(_KNOWN).desc())
    stamps = (contract.cursor, contract.change_column)
    content = [n for n in contract.columns if n not in (*contract.key, *stamps)]
    state = fn.struct(
        fn.col(_DELETED), *[fn.when(~fn.col(_DELETED), fn.col(n)).alias(n) for n in content]
    )
    unique = (
        events.withColumn("__once", fn.row_number().over(once)).where("__once = 1").drop("__once")
    )
    compared = unique.withColumn("__state", state).withColumn(
        "__before", fn.lag("__state").over(by_batch)
    )
    begins = fn.when(fn.col("__before").isNull(), ~fn.col(_DELETED)).otherwise(
        ~fn.col("__state").eqNullSafe(fn.col("__before"))
    )
    runs = (
        compared.withColumn(_RUN, fn.sum(fn.when(begins, 1).otherwise(0)).over(by_batch))
        .where(fn.col(_RUN) > 0)  # a delete of a key that was never seen
        .withColumn("__carried", fn.struct(*contract.columns, BATCH_ID, INGESTED_AT, ROW_HASH))
        .groupBy(*contract.key, _RUN)
        .agg(
            fn.max_by("__carried", BATCH_ID).alias("__carried"),
            # A held version has forgotten the batches that changed nothing: when those arrive
            # again, it still knows when it began.
            fn.coalesce(
                fn.min(fn.when(fn.col(_KNOWN), fn.col(_TIME))), fn.min_by(_TIME, BATCH_ID)
            ).alias(_TIME),
            fn.min(BATCH_ID).alias("__first_batch"),
            fn.first(_DELETED).alias(_DELETED),
        )
    )
    by_run = Window.partitionBy(*key).orderBy(fn.col(_RUN))
    # Strictly growing with the least delay: t[i] = i + max over j <= i of (time[j] - j).
    ahead = fn.unix_micros(_TIME) - fn.col(_RUN)
    start = fn.timestamp_micros(fn.max(ahead).over(by_run) + fn.col(_RUN))
    dated = runs.withColumn(VALID_FROM, start)
    closed = dated.withColumns(
        {
            VALID_TO: fn.lead(VALID_FROM).over(by_run),
            DELETED_BATCH_ID: fn.when(
                fn.lead(_DELETED).over(by_run), fn.lead("__first_batch").over(by_run)
            ),
        }
    ).where(~fn.col(_DELETED))
    return closed.select(
        "__carried.*",
        VALID_FROM,
        VALID_TO,
        fn.col(VALID_TO).isNull().alias(IS_CURRENT),
        DELETED_BATCH_ID,
    ).select(*silver_columns(contract))


def changed_versions(contract: TableContract, chain: DataFrame, versions: DataFrame) -> DataFrame:
    """The versions of `chain` that silver lacks or holds differently."""
    held = versions.select(
        *[fn.col(name).alias(f"__{name}") for name in contract.key],
        fn.col(VALID_FROM).alias("__from"),
        fn.col(VALID_TO).alias("__to"),
        fn.col(BATCH_ID).alias("__batch"),
    )
    same = [fn.col(name) == fn.col(f"__{name}") for name in contract.key]
    equal = fn.col(BATCH_ID).eqNullSafe(fn.col("__batch")) & fn.col(VALID_TO).eqNullSafe(
        fn.col("__to")
    )
    joined = chain.join(held, all_of([*same, fn.col(VALID_FROM) == fn.col("__from")]), "left")
    return joined.where(~equal).select(*chain.columns)
