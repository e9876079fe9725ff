"""Bronze = silver + quarantine over the batches of a run, after their merge.

Silver is read for the rows that carry one of these batches, and for deleted keys: what the merge
has just written, never the whole table.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from glue_scripts.bronze import row_key
from glue_scripts.invariants import of_keys
from lakehouse.columns import BATCH_ID, IS_CURRENT, OP, ROW_HASH
from lakehouse.contract import History, TableContract
from lakehouse.errors import ReconciliationError
from lakehouse.gold import QUARANTINE, identifier
from lakehouse.ledger import Batch, Kind
from lakehouse.reconciliation import SAMPLE, Outcome, named, remerge, span
from lakehouse.rowhash import content, row_hash

_WRONG = {
    "missing": "silver lacks the row of",
    "stale": "silver holds another version than the newest good one of",
    "altered": "silver holds other values than were landed of",
    "unknown": "silver holds rows that these batches have not, of",
}
"""What may be wrong with a key, in words; `right`, `deleted` and `held` are as they should be."""


def reconcile(
    spark: SparkSession,
    contract: TableContract,
    batches: Sequence[Batch],
    good: DataFrame,
    bad: DataFrame | None,
    silver: str,
) -> Outcome:
    """Compares the merged `batches` with silver and its quarantine; raises ReconciliationError.

    `good` are their rows that passed the rules, one per key and batch; `bad` those that the job set
    aside. `contract` is the one that `_row_hash` is made from, without added columns.
    """
    entries = None
    if bad is not None or any(batch.quarantined for batch in batches):
        entries = spark.table(identifier(silver, QUARANTINE)).where(
            (fn.col("source_table") == contract.table)
            & fn.col("batch_id").between(batches[0].name, batches[-1].name)
        )
        _check_quarantine(contract, batches, bad, entries)
    outcome = Outcome(
        contract.table,
        batches[0].name,
        batches[-1].name,
        source_rows=sum_or_none([batch.source_rows for batch in batches]),
        bronze_rows=sum(batch.rows + batch.quarantined for batch in batches),
    )
    current = _current(contract, spark.table(identifier(silver, contract.table)), batches)
    if bad is None and _is_whole_load(batches, current):
        rows = sum(batch.rows for batch in batches)
        held = sum(batch.quarantined for batch in batches)
        return _counted(outcome, {"right": rows, "held": held})
    judged = _judged(contract, good, current, entries)
    counts = {row[0]: row[1] for row in judged.groupBy("state").count().collect()}
    for state, words in _WRONG.items():
        if counts.get(state):
            keys = judged.where(fn.col("state") == state).select("key").limit(SAMPLE).collect()
            _refuse(contract, batches, words, [row[0] for row in keys], counts[state])
    if contract.history is History.SCD2 or any(batch.deletes for batch in batches):
        of_keys(spark, contract, batches, good, silver)
    return _counted(outcome, counts)


def sum_or_none(numbers: Sequence[int | None]) -> int | None:
    """The sum, None where a number is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _counted(outcome: Outcome, counts: dict[str, int]) -> Outcome:
    return Outcome(
        outcome.source_table,
        outcome.first_batch_id,
        outcome.last_batch_id,
        outcome.source_rows,
        outcome.bronze_rows,
        bronze_keys=sum(counts.values()),
        silver_keys=counts.get("right", 0),
        deleted_keys=counts.get("deleted", 0),
        quarantined_keys=counts.get("held", 0),
    )


def _refuse(
    contract: TableContract, batches: Sequence[Batch], words: str, keys: list[str], count: int
) -> None:
    what = f"{span(batches)}: {words} {named(keys, count)}"
    raise ReconciliationError(f"{contract.table}: {what}; {remerge(contract.table)}")


def _current(contract: TableContract, table: DataFrame, batches: Sequence[Batch]) -> DataFrame:
    """Silver's current rows that carry one of the batches: key, batch, stored and new hash.

    The bounds are met by a file's statistics, so that files without such rows are not read.
    """
    rows = table.where(fn.col(BATCH_ID).between(batches[0].name, batches[-1].name))
    if contract.history is History.SCD2:
        rows = rows.where(IS_CURRENT)
    return rows.select(
        row_key(contract).alias("key"),
        fn.col(BATCH_ID).alias("silver_batch"),
        fn.col(ROW_HASH).alias("stored"),
        fn.expr(row_hash(contract, "spark")).alias("anew"),
    )


def _is_whole_load(batches: Sequence[Batch], current: DataFrame) -> bool:
    """Whether the batches are a first load that silver holds row by row, by count and content.

    A load has each key once, so nothing needs to be brought together by key. The hash is made anew
    from what silver holds: of a first load nothing else has looked at the values that Spark read.
    """
    if batches[0].batch_id != 1 or any(batch.kind is not Kind.LOAD for batch in batches):
        return False
    row = current.agg(fn.count(fn.lit(1)), fn.expr(content("anew", "spark"))).first()
    assert row is not None
    wanted = sum(batch.rows for batch in batches), sum(batch.content for batch in batches)
    return (row[0], int(row[1])) == wanted


def _judged(
    contract: TableContract, good: DataFrame, current: DataFrame, entries: DataFrame | None
) -> DataFrame:
    """`key`, `state` of every key of the batches, by its newest version."""
    newest = good.groupBy(row_key(contract).alias("key")).agg(
        fn.max(BATCH_ID).alias("batch"),
        fn.max_by(fn.struct(OP, ROW_HASH), BATCH_ID).alias("row"),
    )
    joined = newest.join(current, "key", "full_outer")
    if entries is None:
        joined = joined.withColumn("held_batch", fn.lit(None).cast("string"))
    else:
        held = entries.groupBy(fn.col("row_key").alias("key"))
        joined = joined.join(held.agg(fn.max("batch_id").alias("held_batch")), "key", "full_outer")
    is_dead = fn.col(f"row.{OP}") == "D"
    state = (
        fn.when(fn.col("batch").isNull() & fn.col("silver_batch").isNull(), "held")
        .when(fn.col("batch").isNull(), "unknown")
        .when(~is_dead & fn.col("silver_batch").isNull(), "missing")
        .when(is_dead & fn.col("silver_batch").isNotNull(), "unknown")
        .when(~is_dead & (fn.col("silver_batch") != fn.col("batch")), "stale")
        .when(~is_dead & ~_same(fn.col("stored")), "altered")
        .when(~is_dead & ~_same(fn.col("anew")), "altered")
        .when(fn.col("held_batch") > fn.col("batch"), "held")
        .when(is_dead, "deleted")
        .otherwise("right")
    )
    return joined.select("key", state.alias("state"))


def _same(value: Column) -> Column:
    return value.eqNullSafe(fn.col(f"row.{ROW_HASH}"))


def _check_quarantine(
    contract: TableContract, batches: Sequence[Batch], bad: DataFrame | None, entries: DataFrame
) -> None:
    """Each held-back row of the batches has its entry."""
    wanted = {batch.name: batch.quarantined for batch in batches if batch.quarantined}
    if bad is not None:
        for row in bad.groupBy(BATCH_ID).count().collect():
            wanted[row[0]] = wanted.get(row[0], 0) + row[1]
    found = {row[0]: row[1] for row in entries.groupBy("batch_id").count().collect()}
    for batch in sorted(wanted.keys() | found.keys()):
        if wanted.get(batch, 0) != found.get(batch, 0):
            raise ReconciliationError(
                f"{contract.table}: batch {batch} has {wanted.get(batch, 0)} rows held back, "
                f"silver's quarantine has {found.get(batch, 0)} of them; {remerge(contract.table)}"
            )
