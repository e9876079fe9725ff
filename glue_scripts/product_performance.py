"""Orders, units and revenue by product."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from glue_scripts import measures
from glue_scripts.change import Change
from glue_scripts.upsert import GONE
from lakehouse.gold import COUNT, GOLD, MONEY, UNKNOWN

_SUMS: Final = {
    "total_orders": COUNT,
    "units_sold": COUNT,
    "total_revenue": MONEY,
    "net_revenue": MONEY,
}


def product_performance(sales: DataFrame, products: DataFrame) -> DataFrame:
    """One row per product that exists or was ever sold, with its newest known name and category."""
    named = _named(_sold(measures.whole(sales)), products)
    return named.where(~fn.col(GONE)).select(*GOLD["product_performance"])


def product_changes(held: DataFrame, sales: Change, products: Change) -> DataFrame:
    """The rows of `product_performance` that are now other than `held`, `__gone` where not listed.

    Those of the products that were sold, unsold, renamed, added or removed.
    """
    sold, renamed = (frame.rows.select("product_id") for frame in (sales, products))
    keys = sold.union(renamed).distinct().localCheckpoint()
    mine = held.join(fn.broadcast(keys), "product_id", "left_semi")
    change = _sold(sales.rows)
    sums = measures.add(mine, change, ("product_id",), _SUMS, "total_orders", "product_performance")
    known = keys.join(sums, "product_id", "left")
    return _named(known, products.after_of(keys)).localCheckpoint()


def _sold(sales: DataFrame) -> DataFrame:
    return sales.groupBy("product_id").agg(
        measures.orders().alias("total_orders"),
        measures.units().alias("units_sold"),
        measures.gross().alias("total_revenue"),
        measures.net().alias("net_revenue"),
    )


def _named(sold: DataFrame, products: DataFrame) -> DataFrame:
    newest = products.groupBy("product_id").agg(
        fn.max_by(fn.struct("name", "category"), "valid_from").alias("__newest"),
        fn.max("is_current").alias("__exists"),
    )
    both = newest.join(sold, "product_id", "full_outer")
    count = fn.coalesce("total_orders", fn.lit(0))
    return both.select(
        "product_id",
        fn.coalesce("__newest.name", fn.lit(UNKNOWN)).alias("name"),
        fn.coalesce("__newest.category", fn.lit(UNKNOWN)).alias("category"),
        *[
            fn.coalesce(fn.col(name), fn.lit(0)).cast(kind).alias(name)
            for name, kind in _SUMS.items()
        ],
        ((count == 0) & ~fn.coalesce("__exists", fn.lit(False))).alias(GONE),
    )
