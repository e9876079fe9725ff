"""The gold views that the dashboard reads: their columns, kinds and order."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the values of a column are once loaded."""

    TEXT = "text"
    COUNT = "count"
    """Nullable integer."""
    DECIMAL = "decimal"
    """`decimal.Decimal`, exact."""
    TIMESTAMP = "timestamp"
    """UTC, to the microsecond."""
    DATE = "date"
    """`datetime.date`."""


@dataclass(frozen=True)
class View:
    """One view of the gold database and the columns that the dashboard needs of it."""

    name: str
    columns: Mapping[str, Kind]
    order_by: str = ""
    limit: int | None = None

    @property
    def sql(self) -> str:
        """The query: columns by name, so that a missing one is an error and not a blank."""
        columns = ", ".join(f'"{name}"' for name in self.columns)
        parts = [f"SELECT {columns}", f"FROM {self.name}"]
        if self.order_by:
            parts.append(f"ORDER BY {self.order_by}")
        if self.limit is not None:
            parts.append(f"LIMIT {self.limit}")
        return "\n".join(parts)


OVERVIEW = View(
    "v_overview",
    {
        "total_revenue": Kind.DECIMAL,
        "net_revenue": Kind.DECIMAL,
        "total_orders": Kind.COUNT,
        "average_order_value": Kind.DECIMAL,
        "premium_market_share": Kind.DECIMAL,
        "cancelled_orders": Kind.COUNT,
        "cities": Kind.COUNT,
    },
)
CITIES = View(
    "v_city_performance",
    {
        "city": Kind.TEXT,
        "country": Kind.TEXT,
        "total_orders": Kind.COUNT,
        "premium_orders": Kind.COUNT,
        "standard_orders": Kind.COUNT,
        "total_revenue": Kind.DECIMAL,
        "premium_revenue": Kind.DECIMAL,
        "standard_revenue": Kind.DECIMAL,
        "premium_market_share": Kind.DECIMAL,
        "net_revenue": Kind.DECIMAL,
        "cancelled_orders": Kind.COUNT,
    },
    order_by="total_revenue DESC, city, country",
)
DAILY_SALES = View(
    "v_daily_sales",
    {
        "sale_date": Kind.DATE,
        "total_orders": Kind.COUNT,
        "units_sold": Kind.COUNT,
        "total_revenue": Kind.DECIMAL,
        "net_revenue": Kind.DECIMAL,
        "cancelled_orders": Kind.COUNT,
    },
    order_by="sale_date",
)
ORDER_STATUS = View(
    "v_order_status",
    {
        "status": Kind.TEXT,
        "orders": Kind.COUNT,
        "revenue": Kind.DECIMAL,
        "share": Kind.DECIMAL,
        "oldest_created_at": Kind.TIMESTAMP,
    },
    order_by="status",
)
PRODUCTS = View(
    "v_product_performance",
    {
        "product_id": Kind.COUNT,
        "name": Kind.TEXT,
        "category": Kind.TEXT,
        "total_orders": Kind.COUNT,
        "units_sold": Kind.COUNT,
        "total_revenue": Kind.DECIMAL,
        "net_revenue": Kind.DECIMAL,
    },
    order_by="total_revenue DESC, product_id",
    limit=100,
)
FRESHNESS = View(
    "v_freshness",
    {
        "source_table": Kind.TEXT,
        "rows": Kind.COUNT,
        "quarantined_keys": Kind.COUNT,
        "last_change_at": Kind.TIMESTAMP,
        "last_ingested_at": Kind.TIMESTAMP,
        "merged_batch_id": Kind.TEXT,
    },
    order_by="source_table",
)
QUALITY = View(
    "v_quality",
    {
        "run_id": Kind.TEXT,
        "source_table": Kind.TEXT,
        "rule": Kind.TEXT,
        "outcome": Kind.TEXT,
        "failure_reason": Kind.TEXT,
        "evaluated_at": Kind.TIMESTAMP,
    },
    order_by="evaluated_at DESC, source_table, rule",
    limit=500,
)
QUARANTINE = View(
    "v_quarantine",
    {
        "source_table": Kind.TEXT,
        "failed_rules": Kind.TEXT,
        "rows": Kind.COUNT,
        "last_seen": Kind.TIMESTAMP,
    },
    order_by='"rows" DESC, source_table, failed_rules',
    limit=100,
)

SALES = (OVERVIEW, CITIES, DAILY_SALES, ORDER_STATUS, PRODUCTS)
"""What the overview draws."""
TRUST = (QUALITY, QUARANTINE)
"""What tells, beside `FRESHNESS`, how far the figures can be relied upon."""
ALL = (*SALES, FRESHNESS, *TRUST)
