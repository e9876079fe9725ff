"""Sums by group that can be made from all rows, or from those that appeared and vanished."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from glue_scripts.snapshots import WEIGHT
from lakehouse.gold import COUNT, MONEY
from lakehouse.reconciliation import recompute


def whole(rows: DataFrame) -> DataFrame:
    """Each row once: the weights of a full computation."""
    return rows.withColumn(WEIGHT, fn.lit(1).cast(COUNT))


def weight() -> Column:
    """The weight of a row."""
    return fn.col(WEIGHT)


def orders() -> Column:
    """Number of rows."""
    return fn.sum(weight())


def units() -> Column:
    """Sum of the quantities."""
    return fn.sum(fn.coalesce(fn.col("quantity"), fn.lit(0)) * weight())


def is_cancelled() -> Column:
    """Whether the sale was called off."""
    return fn.col("status").eqNullSafe("CANCELLED")


def cancelled() -> Column:
    """Number of the cancelled rows."""
    return fn.sum(fn.when(is_cancelled(), weight()).otherwise(0))


def gross() -> Column:
    """Sum of all amounts."""
    return _money(_cents())


def net() -> Column:
    """Sum of the amounts that are not cancelled."""
    return _money(fn.when(is_cancelled(), 0).otherwise(_cents()))


def _cents() -> Column:
    """The row's amount as a whole number: a sum of decimals makes objects of each row."""
    amount = fn.coalesce(fn.col("total_amount"), fn.lit(0)).cast(MONEY)
    return (amount * 100).cast("bigint") * weight()


def _money(cents: Column) -> Column:
    """The sum of `cents`; Spark refuses one that does not fit."""
    return (fn.sum(cents).cast("decimal(19,0)") * fn.lit(Decimal("0.01"))).cast(MONEY)


def add(
    held: DataFrame,
    change: DataFrame,
    keys: Sequence[str],
    sums: Mapping[str, str],
    count: str,
    table: str,
) -> DataFrame:
    """The sums of `held` and `change` together; groups without rows (`count` = 0) are gone.

    Raises in the query, naming `table`, where more rows vanished than it ever counted.
    """
    both = held.select(*keys, *sums).unionByName(change.select(*keys, *sums))
    summed = both.groupBy(*keys).agg(*[fn.sum(n).cast(kind).alias(n) for n, kind in sums.items()])
    broken = fn.raise_error(
        fn.concat(
            fn.lit(f"gold table {table} lacks rows that silver gave up, in the group "),
            fn.to_json(fn.struct(*keys)),
            fn.lit(f"; somebody else wrote to it: {recompute()}"),
        )
    )
    checked = fn.when(fn.col(count) < 0, broken.cast(COUNT)).otherwise(fn.col(count))
    return summed.withColumn(count, checked).where(fn.col(count) != 0)
