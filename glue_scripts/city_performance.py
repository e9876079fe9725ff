"""Orders and revenue by city, split into premium and standard orders."""

from decimal import Decimal
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from lakehouse.gold import GOLD, MONEY, PERCENT, UNKNOWN

PREMIUM_FROM: Final = Decimal(500)
"""An order of this total or more is a premium order."""

PLACE: Final = ("city", "country")


def with_city(sales: DataFrame, users: DataFrame) -> DataFrame:
    """Adds `city` and `country` where each sale's user lived when it was placed.

    `users` is the history (`user_id, city, country, valid_from`). A sale older than its user's
    history counts for the earliest known city; one whose user is not known at all for UNKNOWN.
    """
    version = fn.struct("valid_from", *PLACE)
    history = users.groupBy("user_id").agg(
        fn.sort_array(fn.collect_list(version)).alias("__history")
    )
    placed = sales.join(history, "user_id", "left")
    until = fn.filter("__history", lambda known: known["valid_from"] <= fn.col("created_at"))
    home = fn.coalesce(fn.get(until, fn.size(until) - 1), fn.get("__history", fn.lit(0)))
    return placed.withColumns(
        {name: fn.coalesce(home[name], fn.lit(UNKNOWN)) for name in PLACE}
    ).drop("__history")


def city_performance(sales: DataFrame, users: DataFrame) -> DataFrame:
    """One row per city and country with the columns of the gold table.

    Gross figures count every sale; `net_revenue` leaves CANCELLED ones out. Premium and standard
    orders are aggregated apart and joined, and a city with only one kind keeps its row.
    """
    placed = with_city(sales, users)
    amount = fn.coalesce(fn.col("total_amount"), fn.lit(0))
    premium = _aggregate(placed.where(amount >= PREMIUM_FROM), "premium")
    standard = _aggregate(placed.where(amount < PREMIUM_FROM), "standard")
    both = premium.join(standard, [*PLACE], "full_outer")
    total = _sum("premium_revenue", "standard_revenue").cast(MONEY)
    share = fn.when(total == 0, fn.lit(0)).otherwise(_zero("premium_revenue") * 100 / total)
    return both.select(
        *PLACE,
        _sum("premium_orders", "standard_orders").alias("total_orders"),
        _zero("premium_orders").alias("premium_orders"),
        _zero("standard_orders").alias("standard_orders"),
        total.alias("total_revenue"),
        _zero("premium_revenue").alias("premium_revenue"),
        _zero("standard_revenue").alias("standard_revenue"),
        share.cast(PERCENT).alias("premium_market_share"),
        _sum("premium_net_revenue", "standard_net_revenue").cast(MONEY).alias("net_revenue"),
        _sum("premium_cancelled_orders", "standard_cancelled_orders").alias("cancelled_orders"),
    ).select(*GOLD["city_performance"])


def _aggregate(sales: DataFrame, kind: str) -> DataFrame:
    cancelled = fn.col("status").eqNullSafe("CANCELLED")
    amount = fn.coalesce(fn.col("total_amount"), fn.lit(0))
    return sales.groupBy(*PLACE).agg(
        fn.count(fn.lit(1)).alias(f"{kind}_orders"),
        fn.sum(amount).cast(MONEY).alias(f"{kind}_revenue"),
        fn.sum(fn.when(cancelled, 0).otherwise(amount)).cast(MONEY).alias(f"{kind}_net_revenue"),
        fn.count_if(cancelled).alias(f"{kind}_cancelled_orders"),
    )


def _zero(name: str) -> Column:
    return fn.coalesce(fn.col(name), fn.lit(0))


def _sum(left: str, right: str) -> Column:
    return _zero(left) + _zero(right)
