"""The gold views that the dashboard reads: their columns, kinds and order."""

from dashboard.view import Kind, View

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
        "rank": Kind.COUNT,
        "products": Kind.COUNT,
    },
    # The best and the worst of a catalogue of any size.
    where='"rank" <= 900 OR products - "rank" < 100',
    order_by='"rank"',
)
CATEGORIES = View(
    "v_category_performance",
    {
        "category": Kind.TEXT,
        "products": Kind.COUNT,
        "total_orders": Kind.COUNT,
        "units_sold": Kind.COUNT,
        "total_revenue": Kind.DECIMAL,
        "net_revenue": Kind.DECIMAL,
    },
    order_by="total_revenue DESC, category",
)
PRICES = View(
    "v_price_history",
    {
        "product_id": Kind.COUNT,
        "price": Kind.DECIMAL,
        "previous_price": Kind.DECIMAL,
        "valid_from": Kind.TIMESTAMP,
    },
    order_by="valid_from DESC, product_id",
    limit=20_000,
)
SALES = View(
    "v_sales",
    {
        "sale_date": Kind.DATE,
        "pending_since": Kind.TIMESTAMP,
        "city": Kind.LABEL,
        "country": Kind.LABEL,
        "category": Kind.LABEL,
        "is_premium": Kind.FLAG,
        "total_orders": Kind.COUNT,
        "units_sold": Kind.COUNT,
        "total_revenue": Kind.CENTS,
        "net_revenue": Kind.CENTS,
        "pending_orders": Kind.COUNT,
        "shipped_orders": Kind.COUNT,
        "delivered_orders": Kind.COUNT,
        "cancelled_orders": Kind.COUNT,
    },
)
PRODUCT_SALES = View(
    "v_product_sales",
    {
        "sale_date": Kind.DATE,
        "product_id": Kind.COUNT,
        "is_premium": Kind.FLAG,
        "total_orders": Kind.COUNT,
        "units_sold": Kind.COUNT,
        "total_revenue": Kind.CENTS,
        "net_revenue": Kind.CENTS,
    },
)
STATUS_TIMES = View(
    "v_status_times",
    {
        "changed_on": Kind.DATE,
        "from_status": Kind.TEXT,
        "to_status": Kind.TEXT,
        "minutes": Kind.COUNT,
        "orders": Kind.COUNT,
    },
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
    is_timed=True,  # it says that something is new
)
QUALITY = View(
    "v_quality",
    {
        "run_id": Kind.TEXT,
        "source_table": Kind.TEXT,
        "rule": Kind.TEXT,
        "outcome": Kind.TEXT,
        "failure_reason": Kind.TEXT,
        "evaluations": Kind.COUNT,
        "passes": Kind.COUNT,
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

RECONCILIATION = View(
    "v_reconciliation",
    {
        "source_table": Kind.TEXT,
        "run_id": Kind.TEXT,
        "source_rows": Kind.COUNT,
        "bronze_rows": Kind.COUNT,
        "bronze_keys": Kind.COUNT,
        "silver_keys": Kind.COUNT,
        "deleted_keys": Kind.COUNT,
        "quarantined_keys": Kind.COUNT,
        "is_reconciled": Kind.FLAG,
        "detail": Kind.TEXT,
        "checked_at": Kind.TIMESTAMP,
    },
    order_by="source_table",
)
RUNS = View(
    "v_pipeline_runs",
    {
        "run_id": Kind.TEXT,
        "outcome": Kind.TEXT,
        "failed_state": Kind.TEXT,
        "cause": Kind.TEXT,
        "is_merged": Kind.FLAG,
        "batches": Kind.COUNT,
        "rows_ingested": Kind.COUNT,
        "rows_quarantined": Kind.COUNT,
        "bytes_scanned": Kind.COUNT,
        "glue_seconds": Kind.NUMBER,
        "freshness_seconds": Kind.NUMBER,
        "dollars": Kind.DECIMAL,
        "seconds_by_state": Kind.TEXT,
        "tables": Kind.TEXT,
        "seconds": Kind.NUMBER,
        "started_at": Kind.TIMESTAMP,
        "ended_at": Kind.TIMESTAMP,
    },
    order_by="ended_at DESC, run_id",
    limit=50,
    is_timed=True,
)

TRUST = (QUALITY, RECONCILIATION)
"""What every page's trust bar rests on, beside `FRESHNESS`."""
ALL = (
    OVERVIEW, CITIES, CATEGORIES, DAILY_SALES, ORDER_STATUS, PRODUCTS, PRICES, SALES,
    PRODUCT_SALES, STATUS_TIMES, FRESHNESS, QUALITY, RECONCILIATION, QUARANTINE, RUNS,
)  # fmt: skip
