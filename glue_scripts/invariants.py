"""What must hold of the history of every key of a run, asked of silver after the merge.

Exactly one current version of a living key, none of a deleted one; versions neither overlap nor
leave a gap inside a life; each is valid for some time.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as fn

from glue_scripts.bronze import row_key
from glue_scripts.ranges import Keys
from lakehouse.columns import BATCH_ID, DELETED_BATCH_ID, IS_CURRENT, OP, VALID_FROM, VALID_TO
from lakehouse.contract import History, TableContract
from lakehouse.errors import ReconciliationError
from lakehouse.gold import identifier
from lakehouse.ledger import Batch
from lakehouse.reconciliation import named, remerge, span

_DEAD = "__dead"


def of_keys(
    spark: SparkSession,
    contract: TableContract,
    batches: Sequence[Batch],
    good: DataFrame,
    silver: str,
) -> None:
    """Raises ReconciliationError with the broken invariant and the keys that break it.

    Of a table without history only deleted keys are looked for: there can be no second row of a
    key that the merge matched, and the living ones were compared row by row.
    """
    newest = good.groupBy(*contract.key).agg(
        (fn.max_by(OP, BATCH_ID) == "D").alias(_DEAD), fn.max(BATCH_ID).alias("__batch")
    )
    if contract.history is History.CURRENT:
        newest = newest.where(_DEAD)
    near = spark.table(identifier(silver, contract.table))
    if (found := Keys.of(newest, contract.key[0])) is not None:
        if not found.values:
            return
        near = near.where(found.condition())
    # a version from beyond these batches says nothing of them
    held = near.join(newest, [*contract.key]).where(fn.col(BATCH_ID) <= fn.col("__batch"))
    keys = fn.array_sort(fn.collect_set("key"))
    broken = _broken(contract, held).groupBy("rule").agg(keys.alias("keys"))
    faults = sorted(f"{row['rule']}: {named(row['keys'])}" for row in broken.collect())
    if faults:
        raise ReconciliationError(
            f"{contract.table}: {span(batches)}: {'; '.join(faults)}; {remerge(contract.table)}"
        )


def _broken(contract: TableContract, held: DataFrame) -> DataFrame:
    """`key`, `rule` of every broken invariant."""
    key = row_key(contract).alias("key")
    if contract.history is History.CURRENT:
        return held.select(key, fn.lit("silver still holds deleted rows").alias("rule"))
    currents = fn.count_if(IS_CURRENT).over(Window.partitionBy(*contract.key))
    dead = fn.col(_DEAD)
    wrong_life = fn.when(dead & (currents > 0), "a deleted key has a current version").when(
        ~dead & (currents != 1), "a living key has not exactly one current version"
    )
    judged = _with_fault(contract, held).withColumn("__life", wrong_life)
    both = fn.array_compact(fn.array("fault", "__life"))
    return judged.select(key, fn.explode(both).alias("rule"))


def broken_history(contract: TableContract, versions: DataFrame) -> DataFrame:
    """The versions that contradict themselves or the next of their key: key, valid_from, `fault`.

    Of a sound history nothing is returned: at most one version is current, the last; none ends
    before it begins or after the next begins; within a life the next begins where one ends.
    """
    judged = _with_fault(contract, versions).where(fn.col("fault").isNotNull())
    return judged.select(*contract.key, VALID_FROM, "fault")


def _with_fault(contract: TableContract, versions: DataFrame) -> DataFrame:
    """The versions with what `broken_history` says of each, NULL of a sound one."""
    key = [fn.col(name) for name in contract.key]
    following = fn.lead(VALID_FROM).over(Window.partitionBy(*key).orderBy(VALID_FROM, VALID_TO))
    start, end, after = fn.col(VALID_FROM), fn.col(VALID_TO), fn.col("__following")
    deleted = fn.col(DELETED_BATCH_ID).isNotNull()
    rules: dict[str, Column] = {
        "valid_from is missing": start.isNull(),
        "valid_to is not after valid_from": end <= start,
        "is_current does not agree with valid_to": fn.col(IS_CURRENT) != end.isNull(),
        "a current version was deleted": end.isNull() & deleted,
        "two versions begin at once": after == start,
        "an older version is current": end.isNull() & after.isNotNull(),
        "two versions overlap": end > after,
        "a gap inside a life": (end < after) & ~deleted,
        "it ended without a delete": end.isNotNull() & after.isNull() & ~deleted,
    }
    faults = [fn.when(broken, name) for name, broken in rules.items()]
    dated = versions.withColumn("__following", following)
    return dated.withColumn("fault", fn.coalesce(*faults))
