"""What must hold of the history of every key of a run, asked of silver after the merge.

Exactly one current version of a living key, none of a deleted one; versions neither overlap nor
leave a gap inside a life; each is valid for some time.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as fn

from glue_scripts.tables import all_of
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
    near = _near(contract, spark.table(identifier(silver, contract.table)), newest)
    if near is None:
        return
    # a version from beyond these batches says nothing of them
    held = near.join(newest, [*contract.key]).where(fn.col(BATCH_ID) <= fn.col("__batch"))
    keys = fn.array_sort(fn.collect_set("key"))
    broken = _broken(contract, held).groupBy("rule").agg(keys.alias("keys"))
    faults = [f"{row['rule']}: {named(row['keys'])}" for row in broken.orderBy("rule").collect()]
    if faults:
        raise ReconciliationError(
            f"{contract.table}: {span(batches)}: {'; '.join(faults)}; {remerge(contract.table)}"
        )


def _near(contract: TableContract, table: DataFrame, keys: DataFrame) -> DataFrame | None:
    """The rows between the least and the greatest key: files' statistics leave out the others.

    None where there is no key.
    """
    bounds = [bound(name) for name in contract.key for bound in (fn.min, fn.max)]
    row = keys.agg(*bounds).first()
    assert row is not None
    if row[0] is None:
        return None
    lows, highs = row[0::2], row[1::2]
    return table.where(
        all_of(
            [
                fn.col(name).between(fn.lit(low), fn.lit(high))
                for name, low, high in zip(contract.key, lows, highs, strict=True)
            ]
        )
    )


def _broken(contract: TableContract, held: DataFrame) -> DataFrame:
    """`key`, `rule` of every broken invariant."""
    key = fn.to_json(fn.struct(*contract.key), {"ignoreNullFields": "false"}).alias("key")
    if contract.history is History.CURRENT:
        return held.select(key, fn.lit("silver still holds deleted rows").alias("rule"))
    by_key = Window.partitionBy(*contract.key)
    along = by_key.orderBy(VALID_FROM)
    seen = held.withColumns(
        {
            "__next": fn.lead(VALID_FROM).over(along),
            "__currents": fn.count_if(IS_CURRENT).over(by_key),
        }
    )
    return seen.select(key, fn.explode(_rules()).alias("rule")).where("rule IS NOT NULL")


def _rules() -> Column:
    to, following = fn.col(VALID_TO), fn.col("__next")
    rules = {
        "a deleted key has a current version": fn.col(_DEAD) & (fn.col("__currents") > 0),
        "a living key has not exactly one current version": ~fn.col(_DEAD)
        & (fn.col("__currents") != 1),
        "a version is valid for no time": fn.col(VALID_FROM) >= to,
        "is_current contradicts valid_to": fn.col(IS_CURRENT) != to.isNull(),
        "versions overlap": following.isNotNull() & (to.isNull() | (to > following)),
        "a gap inside a life": (to < following) & fn.col(DELETED_BATCH_ID).isNull(),
    }
    return fn.array(*[fn.when(broken, fn.lit(name)) for name, broken in rules.items()])
