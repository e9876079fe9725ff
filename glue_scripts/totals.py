"""Gold's totals against each other and against silver's number of rows."""

from collections import Counter
from collections.abc import Hashable, Mapping
from decimal import Decimal

from pyspark.sql import SparkSession

from lakehouse.errors import ReconciliationError
from lakehouse.gold import identifier
from lakehouse.reconciliation import recompute

_SALES = "fact_sales"
_ORDERS: Mapping[str, tuple[str, str]] = {
    # gold table: (its orders, its gross revenue)
    "city_performance": ("total_orders", "total_revenue"),
    "daily_sales": ("total_orders", "total_revenue"),
    "order_status": ("orders", "revenue"),
    "product_performance": ("total_orders", "total_revenue"),
}


def check_gold(spark: SparkSession, silver: str, gold: str) -> None:
    """Compares the orders and the revenue of the tables over sales, and silver's number of rows.

    Iceberg knows that number without reading. Raises ReconciliationError naming the table.
    """
    parts = [
        f"SELECT '{table}' AS t, coalesce(sum({orders}), 0) AS n, "
        f"coalesce(sum({revenue}), 0) AS r FROM {identifier(gold, table)}"
        for table, (orders, revenue) in _ORDERS.items()
    ]
    found = {
        row["t"]: (row["n"], row["r"]) for row in spark.sql(" UNION ALL ".join(parts)).collect()
    }
    rows = spark.table(identifier(silver, _SALES)).count()
    faults = [
        *odd_ones({table: orders for table, (orders, _) in found.items()}, rows, "orders"),
        *odd_ones({table: revenue for table, (_, revenue) in found.items()}, None, "revenue"),
    ]
    if faults:
        raise ReconciliationError(f"gold: {'; '.join(faults)}; {recompute()}")


def odd_ones(
    totals: Mapping[str, int | Decimal], truth: int | Decimal | None, what: str
) -> list[str]:
    """What contradicts `truth`, or, where it is not known, what most of the tables say."""
    votes: Counter[Hashable] = Counter(totals.values())
    (common, most), *_ = votes.most_common()
    if truth is None and most * 2 <= len(totals):
        listed = ", ".join(f"{table} {total}" for table, total in totals.items())
        return [f"{what} disagree: {listed}"] if len(votes) > 1 else []
    wanted = common if truth is None else truth
    source = "the others have" if truth is None else "silver has"
    return [
        f"{table} has {total} {what}, {source} {wanted}"
        for table, total in totals.items()
        if total != wanted
    ]
