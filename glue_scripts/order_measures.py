"""Sales by day and by status."""

from functools import reduce
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from glue_scripts import measures
from glue_scripts.change import Change
from glue_scripts.snapshots import WEIGHT
from lakehouse.gold import COUNT, GOLD, MONEY

_DAY_SUMS: Final = {
    "total_orders": COUNT,
    "units_sold": COUNT,
    "total_revenue": MONEY,
    "net_revenue": MONEY,
    "cancelled_orders": COUNT,
}
_STATUS_SUMS: Final = {"orders": COUNT, "revenue": MONEY}


def daily_sales(sales: DataFrame) -> DataFrame:
    """One row per UTC day on which a sale was placed."""
    return _days(measures.whole(sales))


def daily_sales_after(held: DataFrame, sales: Change) -> DataFrame:
    """`daily_sales` of now from that of before."""
    change = _days(sales.rows)
    return measures.add(held, change, ("sale_date",), _DAY_SUMS, "total_orders", "daily_sales")


def _days(sales: DataFrame) -> DataFrame:
    return sales.groupBy(fn.to_date("created_at").alias("sale_date")).agg(
        measures.orders().alias("total_orders"),
        measures.units().alias("units_sold"),
        measures.gross().alias("total_revenue"),
        measures.net().alias("net_revenue"),
        measures.cancelled().alias("cancelled_orders"),
    )


def order_status(sales: DataFrame) -> DataFrame:
    """One row per status; `oldest_created_at` tells how long the oldest such order waits."""
    found = _statuses(measures.whole(sales))
    return found.withColumnRenamed("__came", "oldest_created_at").select(*GOLD["order_status"])


def order_status_after(held: DataFrame, sales: Change) -> DataFrame:
    """`order_status` of now from that of before.

    A sum can be taken back, a minimum can't: only where the oldest order of a status left it, and
    none as old came, silver is asked for the next oldest.
    """
    change = _statuses(sales.rows)
    sums = measures.add(held, change, ("status",), _STATUS_SUMS, "orders", "order_status")
    oldest = held.select("status", "oldest_created_at").unionByName(
        change.select("status", fn.col("__came").alias("oldest_created_at"))
    )
    if left := _left_by_the_oldest(held, change):
        names = [name for name, _ in left]
        is_left = reduce(lambda a, b: a | b, [fn.col("status").eqNullSafe(n) for n in names])
        oldest = oldest.where(~is_left).unionByName(_oldest_of(sales.after(), left))
    least = oldest.groupBy(fn.col("status").alias("__status")).agg(
        fn.min("oldest_created_at").alias("oldest_created_at")
    )
    joined = sums.join(least, fn.col("status").eqNullSafe(fn.col("__status")), "left")
    return joined.select(*GOLD["order_status"])


def _statuses(sales: DataFrame) -> DataFrame:
    came, went = fn.col(WEIGHT) > 0, fn.col(WEIGHT) < 0
    return sales.groupBy("status").agg(
        measures.orders().alias("orders"),
        measures.gross().alias("revenue"),
        fn.min(fn.when(came, fn.col("created_at"))).alias("__came"),
        fn.min(fn.when(went, fn.col("created_at"))).alias("__went"),
    )


def _left_by_the_oldest(held: DataFrame, change: DataFrame) -> list[tuple[str | None, int]]:
    """Statuses whose oldest order left, with its moment in microseconds."""
    before = held.select(fn.col("status").alias("__status"), "oldest_created_at")
    both = change.join(before, fn.col("status").eqNullSafe(fn.col("__status")))
    oldest = fn.col("oldest_created_at")
    is_replaced = fn.coalesce(fn.col("__came") <= oldest, fn.lit(False))
    left = both.where((fn.col("__went") <= oldest) & ~is_replaced)
    return [(row[0], row[1]) for row in left.select("status", fn.unix_micros(oldest)).collect()]


def _oldest_of(sales: DataFrame, left: list[tuple[str | None, int]]) -> DataFrame:
    """The oldest orders of these statuses: none is older than the one that left, or it has come."""
    asked = [
        fn.col("status").eqNullSafe(name)
        & (fn.col("created_at") >= fn.timestamp_micros(fn.lit(moment)))
        for name, moment in left
    ]
    wanted = sales.where(reduce(lambda a, b: a | b, asked))
    return wanted.groupBy("status").agg(fn.min("created_at").alias("oldest_created_at"))
