"""The gold tables: computed from silver, replaced in one commit each, only when silver changed."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from glue_scripts.city_performance import city_performance
from glue_scripts.tables import mark, read_mark, replace_rows
from lakehouse.columns import INGESTED_AT
from lakehouse.contract import History, TableContract
from lakehouse.gold import GOLD, MONEY, QUARANTINE, TABLE_HEALTH, UNKNOWN, identifier
from lakehouse.ledger import batch_name

logger = logging.getLogger(__name__)

INPUTS = "lakehouse.inputs"
"""Property of a gold table: the definition's revision and the silver batches it was computed from.
Written after the rows, so that a job killed in between computes them again."""

REVISION = 1
"""Raise it when a definition here or in city_performance changes: gold is then computed again."""


def refresh(
    spark: SparkSession,
    contracts: Mapping[str, TableContract],
    merged: Mapping[str, int],
    run_id: str,
    silver: str,
    gold: str,
) -> list[str]:
    """Computes the tables whose silver inputs changed since their rows; returns their names."""

    def table(name: str) -> DataFrame:
        return spark.table(identifier(silver, name))

    sales, users, products = "fact_sales", "dim_users", "dim_products"
    definitions: dict[str, tuple[tuple[str, ...], Callable[[], DataFrame]]] = {
        "city_performance": (
            (sales, users),
            lambda: city_performance(table(sales), table(users)),
        ),
        "daily_sales": ((sales,), lambda: daily_sales(table(sales))),
        "order_status": ((sales,), lambda: order_status(table(sales))),
        "product_performance": (
            (sales, products),
            lambda: product_performance(table(sales), table(products)),
        ),
        TABLE_HEALTH: (
            tuple(contracts),
            lambda: table_health(spark, contracts, merged, run_id, silver),
        ),
    }

    def one(name: str) -> str | None:
        inputs, build = definitions[name]
        target = identifier(gold, name)
        state = ",".join([f"revision={REVISION}", *(f"{i}={merged[i]}" for i in inputs)])
        if read_mark(spark, target, INPUTS) == state:
            return None
        replace_rows(build(), target, GOLD[name])
        mark(spark, target, INPUTS, state)
        logger.info("gold: %s computed", name)
        return name

    with ThreadPoolExecutor(max_workers=3) as pool:
        done = list(pool.map(one, [name for name in definitions if name != TABLE_HEALTH]))
    # Last: its change tells readers that all figures are new.
    return [name for name in [*done, one(TABLE_HEALTH)] if name]


def _gross() -> Column:
    return fn.coalesce(fn.sum("total_amount"), fn.lit(0)).cast(MONEY)


def _cancelled() -> Column:
    return fn.col("status").eqNullSafe("CANCELLED")


def _net() -> Column:
    return fn.coalesce(fn.sum(fn.when(~_cancelled(), fn.col("total_amount"))), fn.lit(0)).cast(
        MONEY
    )


def daily_sales(sales: DataFrame) -> DataFrame:
    """One row per UTC day on which a sale was placed."""
    return sales.groupBy(fn.to_date("created_at").alias("sale_date")).agg(
        fn.count(fn.lit(1)).alias("total_orders"),
        fn.sum("quantity").alias("units_sold"),
        _gross().alias("total_revenue"),
        _net().alias("net_revenue"),
        fn.count_if(_cancelled()).alias("cancelled_orders"),
    )


def order_status(sales: DataFrame) -> DataFrame:
    """One row per status; `oldest_created_at` tells how long the oldest such order waits."""
    return sales.groupBy("status").agg(
        fn.count(fn.lit(1)).alias("orders"),
        _gross().alias("revenue"),
        fn.min("created_at").alias("oldest_created_at"),
        fn.max("updated_at").alias("newest_change_at"),
    )


def product_performance(sales: DataFrame, products: DataFrame) -> DataFrame:
    """One row per product that exists or was ever sold, with its newest known name and category."""
    newest = products.groupBy("product_id").agg(
        fn.max_by(fn.struct("name", "category"), "valid_from").alias("__newest"),
        fn.max("is_current").alias("__exists"),
    )
    sold = sales.groupBy("product_id").agg(
        fn.count(fn.lit(1)).alias("total_orders"),
        fn.sum("quantity").alias("units_sold"),
        _gross().alias("total_revenue"),
        _net().alias("net_revenue"),
    )
    both = newest.join(sold, "product_id", "full_outer")
    listed = both.where(fn.col("total_orders").isNotNull() | fn.col("__exists"))
    measures = ("total_orders", "units_sold", "total_revenue", "net_revenue")
    return listed.select(
        "product_id",
        fn.coalesce("__newest.name", fn.lit(UNKNOWN)).alias("name"),
        fn.coalesce("__newest.category", fn.lit(UNKNOWN)).alias("category"),
        *[fn.coalesce(fn.col(name), fn.lit(0)).alias(name) for name in measures],
    )


def table_health(
    spark: SparkSession,
    contracts: Mapping[str, TableContract],
    merged: Mapping[str, int],
    run_id: str,
    silver: str,
) -> DataFrame:
    """One row per source table: rows now, keys whose newest version is in quarantine, freshness."""
    waiting = (
        spark.table(identifier(silver, QUARANTINE))
        .where(fn.col("superseded_by").isNull())
        .groupBy("source_table")
        .agg(fn.count_distinct("row_key").alias("quarantined_keys"))
    )
    measured: DataFrame | None = None
    for contract in contracts.values():
        current = fn.col("is_current") if contract.history is History.SCD2 else fn.lit(True)
        row = spark.table(identifier(silver, contract.table)).agg(
            fn.lit(contract.table).alias("source_table"),
            fn.count_if(current).alias("rows"),
            fn.max(contract.change_column).alias("last_change_at"),
            fn.max(INGESTED_AT).alias("last_ingested_at"),
            fn.lit(batch_name(merged[contract.table])).alias("merged_batch_id"),
            fn.lit(run_id).alias("run_id"),
        )
        measured = row if measured is None else measured.unionByName(row)
    assert measured is not None
    zero = fn.coalesce("quarantined_keys", fn.lit(0))
    return measured.join(waiting, "source_table", "left").withColumn("quarantined_keys", zero)
