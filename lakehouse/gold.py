"""The tables that the Glue job writes beside the copies of the source: names and columns.

Each value maps column to Spark SQL type, in the table's order. Money is a decimal, times are UTC.
"""

from typing import Final

from lakehouse.columns import DELETED_BATCH_ID
from lakehouse.contract import History, TableContract
from lakehouse.spark_conf import CATALOG

Columns = dict[str, str]

COUNT: Final = "bigint"
MONEY: Final = "decimal(18,2)"
PERCENT: Final = "decimal(5,2)"

UNKNOWN: Final = "UNKNOWN"
"""City, country, product name or category of a sale whose user or product is not in silver."""

QUARANTINE: Final = "quarantine"
"""Silver table of the rows that broke a row-level rule."""

QUARANTINE_COLUMNS: Final[Columns] = {
    "source_table": "string",
    "batch_id": "string",
    "row_key": "string",  # JSON object of the key columns
    "raw_row": "string",  # JSON object of the whole bronze row
    "failed_rules": "string",  # rules as in the DQDL file, joined by "; "
    "quarantined_at": "timestamp",
    "superseded_by": "string",  # first later batch with this key, in any state; NULL: open
}

QUALITY_RESULTS: Final = "quality_results"
TABLE_HEALTH: Final = "table_health"

GOLD: Final[dict[str, Columns]] = {
    "city_performance": {
        "city": "string",
        "country": "string",
        "total_orders": COUNT,
        "premium_orders": COUNT,
        "standard_orders": COUNT,
        "total_revenue": MONEY,
        "premium_revenue": MONEY,
        "standard_revenue": MONEY,
        "premium_market_share": PERCENT,
        "net_revenue": MONEY,
        "cancelled_orders": COUNT,
    },
    "daily_sales": {
        "sale_date": "date",
        "total_orders": COUNT,
        "units_sold": COUNT,
        "total_revenue": MONEY,
        "net_revenue": MONEY,
        "cancelled_orders": COUNT,
    },
    "order_status": {
        "status": "string",
        "orders": COUNT,
        "revenue": MONEY,
        "oldest_created_at": "timestamp",
    },
    "product_performance": {
        "product_id": "bigint",
        "name": "string",
        "category": "string",
        "total_orders": COUNT,
        "units_sold": COUNT,
        "total_revenue": MONEY,
        "net_revenue": MONEY,
    },
    TABLE_HEALTH: {
        "source_table": "string",
        "rows": COUNT,
        "quarantined_keys": COUNT,
        "last_change_at": "timestamp",
        "last_ingested_at": "timestamp",
        "merged_batch_id": "string",
        "run_id": "string",
    },
    QUALITY_RESULTS: {
        "run_id": "string",
        "source_table": "string",
        "rule": "string",
        "outcome": "string",
        "failure_reason": "string",
        "evaluated_at": "timestamp",
    },
}
"""Gold tables by name."""


def bronze_columns(contract: TableContract) -> Columns:
    """Columns of a bronze file."""
    return {
        **{name: kind.spark for name, kind in contract.types.items()},
        "_op": "string",
        "_batch_id": "string",
        "_ingested_at": "timestamp",
        "_row_hash": "bigint",
    }


def silver_columns(contract: TableContract) -> Columns:
    """Columns of the contract's silver table."""
    columns = {name: kind for name, kind in bronze_columns(contract).items() if name != "_op"}
    if contract.history is History.SCD2:
        columns |= {
            "valid_from": "timestamp",
            "valid_to": "timestamp",
            "is_current": "boolean",
            DELETED_BATCH_ID: "string",
        }
    return columns


def transition_columns(contract: TableContract) -> Columns:
    """Columns of the table of transitions; empty where the contract asks for none."""
    if contract.transitions is None:
        return {}
    types = contract.types
    return {
        **{name: types[name].spark for name in contract.key},
        contract.transitions: types[contract.transitions].spark,
        "changed_at": "timestamp",
        "_batch_id": "string",
        "_ingested_at": "timestamp",
    }


def identifier(database: str, table: str) -> str:
    """A table's full name in the job's SQL."""
    return f"{CATALOG}.{database}.{table}"
