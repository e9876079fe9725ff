"""The tables that the Glue job writes beside the copies of the source: names and columns.

Each value maps column to Spark SQL type, in the table's order. Money is a decimal, times are UTC.
"""

from collections.abc import Mapping
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
RECONCILIATION: Final = "reconciliation"
PIPELINE_RUNS: Final = "pipeline_runs"

SHOP: Final[dict[str, tuple[str, ...]]] = {
    "fact_sales": ("user_id", "product_id", "quantity", "total_amount", "status", "created_at"),
    "dim_users": ("user_id", "city", "country"),
    "dim_products": ("product_id", "name", "category"),
}
"""Tables and columns of the shop that its gold is made from."""

SHOP_GOLD: Final[dict[str, Columns]] = {
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
}
"""Gold tables of the shop by name; they are made where its tables are."""

GOLD: Final[dict[str, Columns]] = {
    **SHOP_GOLD,
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
    RECONCILIATION: {
        "run_id": "string",
        "source_table": "string",  # `gold` for the totals of gold
        "first_batch_id": "string",
        "last_batch_id": "string",
        "source_rows": COUNT,  # as PostgreSQL counted them; NULL: it was not asked
        "bronze_rows": COUNT,  # landed, and held back by the ingest
        "bronze_keys": COUNT,  # = silver_keys + deleted_keys + quarantined_keys
        "silver_keys": COUNT,
        "deleted_keys": COUNT,
        "quarantined_keys": COUNT,
        "is_reconciled": "boolean",
        "detail": "string",  # what does not agree, and the command that mends it
        "checked_at": "timestamp",
    },
    PIPELINE_RUNS: {  # written by the state machine; an idle run writes none
        "run_id": "string",
        "started_at": "timestamp",
        "ended_at": "timestamp",
        "outcome": "string",  # SUCCEEDED or FAILED
        "failed_state": "string",
        "cause": "string",
        "is_merged": "boolean",
        "batches": COUNT,
        "rows_ingested": COUNT,
        "rows_quarantined": COUNT,  # by the ingest
        "objects_written": COUNT,  # to bronze and quarantine
        "bytes_written": COUNT,
        "bytes_scanned": COUNT,  # by Athena
        "glue_seconds": "double",
        "freshness_seconds": "double",  # age of the oldest table's window at the end of a merge
        "dollars": "decimal(12,6)",
        "dollars_by_service": "string",  # JSON object
        "seconds_by_state": "string",  # JSON object
        "tables": "string",  # JSON array: window, batches, rows, deletes, files, bytes of each
    },
}
"""Gold tables by name."""


def is_shop(contracts: Mapping[str, TableContract]) -> bool:
    """Whether the shop's gold can be made from these tables."""
    return all(
        table in contracts
        and set(columns) <= set(contracts[table].columns)
        and (contracts[table].history is History.SCD2) == table.startswith("dim_")
        for table, columns in SHOP.items()
    )


def gold_tables(contracts: Mapping[str, TableContract]) -> dict[str, Columns]:
    """The gold tables that follow from these contracts, by name."""
    left_out = () if is_shop(contracts) else SHOP_GOLD
    return {name: columns for name, columns in GOLD.items() if name not in left_out}


def tables_of_views(contracts: Mapping[str, TableContract]) -> set[str]:
    """The tables that views of these contracts may read: gold's, the quarantine, the shop's."""
    found = {*gold_tables(contracts), QUARANTINE}
    if is_shop(contracts):
        found |= {name for contract in contracts.values() for name in silver_tables(contract)}
    return found


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


def silver_tables(contract: TableContract) -> dict[str, Columns]:
    """The contract's silver tables by name, its own first."""
    tables = {contract.table: silver_columns(contract)}
    if contract.transitions_table:
        tables[contract.transitions_table] = transition_columns(contract)
    return tables


def namespace(database: str) -> str:
    """A database's full name in the job's SQL."""
    return f"{CATALOG}.{database}"


def identifier(database: str, table: str) -> str:
    """A table's full name in the job's SQL."""
    return f"{namespace(database)}.{table}"
