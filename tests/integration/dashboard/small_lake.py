"""Rows of a small lake: silver as a shop might have it, and gold counted from it in Python."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

CITIES = (
    ("São Paulo", "Brazil", 190, 61), ("Mumbai", "India", 171, 12), ("Tokyo", "Japan", 160, 90),
    ("London", "United Kingdom", 97, 97), ("Lagos", "Nigeria", 83, 0), ("Ghent", "Belgium", 4, 1),
    ("UNKNOWN", "UNKNOWN", 3, 1),
)  # fmt: skip
"""City, country, orders, premium ones among them. `UNKNOWN` is on no map."""
CATEGORIES = ("Home", "Sport", "Kitchen")
STATUSES = {"PENDING": 121, "SHIPPED": 79, "CANCELLED": 58}
"""All others are delivered."""
DAYS = 20
LONG_AGO = timedelta(days=100)
"""When the orders of Ghent were placed: the views tell them by month."""
PRODUCTS = 15
RULE = '"quantity" > 0'


def silver(now: datetime) -> dict[str, list[Row]]:
    """The rows of silver's tables, with times counted back from `now`."""
    sales, users = [], []
    rest = sum(orders for *_, orders, _ in CITIES) - sum(STATUSES.values())
    status = [name for name, many in STATUSES.items() for _ in range(many)] + ["DELIVERED"] * rest
    for number, (city, country, orders, premium) in enumerate(CITIES, 1):
        is_known = city != "UNKNOWN"
        if is_known:
            # Everybody moved to Ghent today: the orders count where they were placed.
            users += [
                _user(number, city, country, now - timedelta(days=2), now),
                _user(number, "Ghent", "Belgium", now, None),
            ]
        for place in range(orders):
            sale = len(sales)
            # A step that shares no factor with the number of statuses: each city has some of each.
            own = status[sale * 101 % len(status)]
            back = timedelta(days=sale % DAYS, hours=1) if city != "Ghent" else LONG_AGO
            back = min(back, timedelta(hours=27, minutes=12)) if own == "PENDING" else back
            sales.append(
                {
                    "sale_id": sale + 1,
                    "user_id": number if is_known else 99,
                    "product_id": 10_000_000_000 + sale % PRODUCTS,
                    "quantity": 1 + sale % 3,
                    "unit_price": Decimal("10.00"),
                    "total_amount": Decimal("731.35" if place < premium else "143.21"),
                    "status": own,
                    "created_at": now - back,
                    "updated_at": now - back + timedelta(minutes=5),
                    **_captured(1),
                }
            )
    return {
        "fact_sales": sales,
        "fact_sales_status": [change for sale in sales for change in _changes(sale)],
        "dim_users": users,
        "dim_products": [version for place in range(PRODUCTS) for version in _prices(place, now)],
        "quarantine": [
            {
                "source_table": "fact_sales",
                "batch_id": "000000000041",
                "row_key": f'{{"sale_id": {sale}}}',
                "raw_row": "{}",
                "failed_rules": f"ColumnValues {RULE}",
                "quarantined_at": now - timedelta(minutes=40),
                "superseded_by": superseded,
            }
            for sale, superseded in ((7, None), (8, None), (9, "000000000042"))
        ],
    }


def gold(tables: dict[str, list[Row]], now: datetime) -> dict[str, list[Row]]:
    """The rows of gold's tables over the silver rows `tables`."""
    sales = tables["fact_sales"]
    places = {number: CITIES[number - 1][:2] for number in range(1, len(CITIES))}
    of_city = _grouped(sales, lambda sale: places.get(sale["user_id"], ("UNKNOWN", "UNKNOWN")))
    return {
        "city_performance": [_city(place, rows) for place, rows in of_city.items()],
        "daily_sales": [
            {"sale_date": day, **_sums(rows, "units_sold", "cancelled_orders")}
            for day, rows in _grouped(sales, lambda sale: sale["created_at"].date()).items()
        ],
        "order_status": [
            {
                "status": status,
                "orders": len(rows),
                "revenue": sum(row["total_amount"] for row in rows),
                "oldest_created_at": min(row["created_at"] for row in rows),
            }
            for status, rows in _grouped(sales, lambda sale: sale["status"]).items()
        ],
        "product_performance": [
            {"product_id": product, "name": f"Product {product % 100}",
             "category": _category(product % 100), **_sums(rows, "units_sold")}
            for product, rows in _grouped(sales, lambda sale: sale["product_id"]).items()
        ],
        "table_health": [
            {
                "source_table": table,
                "rows": count,
                "quarantined_keys": held,
                "last_change_at": now - timedelta(minutes=6),
                "last_ingested_at": now - timedelta(minutes=4),
                "merged_batch_id": "000000000042",
                "run_id": "run-2",
            }
            for table, count, held in (
                ("dim_products", PRODUCTS, 0),
                ("dim_users", len(CITIES) - 1, 0),
                ("fact_sales", len(sales), 2),
            )
        ],
        "quality_results": [
            _rule(run, rule, outcome, now - back)
            for run, back in (("run-1", timedelta(hours=1)), ("run-2", timedelta(minutes=3)))
            for rule, outcome in (
                (f"ColumnValues {RULE}", "Failed" if run == "run-2" else "Passed"),
                ('IsComplete "sale_id"', "Passed"),
            )
        ],
        "reconciliation": [
            _comparison(table, run, now - back)
            for run, back in (("run-1", timedelta(hours=1)), ("run-2", timedelta(minutes=3)))
            for table in ("dim_products", "dim_users", "fact_sales", "gold")
        ],
        "pipeline_runs": [
            _run("run-1", now - timedelta(hours=1), "SUCCEEDED"),
            _run("run-f", now - timedelta(minutes=30), "FAILED"),
            _run("run-2", now - timedelta(minutes=3), "SUCCEEDED"),
        ],
    }  # fmt: skip


def rows() -> dict[str, list[Row]]:
    """The rows of all tables of silver and gold, by table."""
    # whole seconds: the views cut times off at milliseconds
    now = datetime.now(UTC).replace(microsecond=0)
    tables = silver(now)
    return tables | gold(tables, now)


def _user(number: int, city: str, country: str, since: datetime, until: datetime | None) -> Row:
    return {
        "user_id": number, "name": f"User {number}", "email": "a@b.example", "address": "Road 1",
        "city": city, "country": country, "created_at": since, "updated_at": since,
        **_captured(1), "valid_from": since, "valid_to": until, "is_current": until is None,
        "_deleted_batch_id": None,
    }  # fmt: skip


def _prices(place: int, now: datetime) -> list[Row]:
    """Three versions of a product; the second has another name, the third another price."""
    since = [now - timedelta(days=back) for back in (30, 10, 3)]
    values = [("Old name", Decimal("20.00")), (f"Product {place}", Decimal("20.00")),
              (f"Product {place}", Decimal("25.00"))]  # fmt: skip
    return [
        {
            "product_id": 10_000_000_000 + place, "name": name, "category": _category(place),
            "price": price, "created_at": since[0], "updated_at": begun, **_captured(version),
            "valid_from": begun, "valid_to": ended, "is_current": ended is None,
            "_deleted_batch_id": None,
        }
        for version, ((name, price), begun, ended) in enumerate(
            zip(values, since, [*since[1:], None], strict=True), 1
        )
    ]  # fmt: skip


def _category(place: int) -> str:
    return CATEGORIES[place % len(CATEGORIES)]


def _changes(sale: Row) -> Iterable[Row]:
    """PENDING first; shipped after 5 minutes to 3 days; delivered a day later."""
    steps = {"PENDING": [], "SHIPPED": ["SHIPPED"], "CANCELLED": ["CANCELLED"]}
    at = sale["created_at"]
    for batch, status in enumerate(
        ["PENDING", *steps.get(sale["status"], ["SHIPPED", "DELIVERED"])], 1
    ):
        yield {"sale_id": sale["sale_id"], "status": status, "changed_at": at, **_captured(batch)}
        waits = (5, 50, 300, 4320)[sale["sale_id"] % 4] if status == "PENDING" else 1440
        at += timedelta(minutes=waits, seconds=30)


def _captured(batch: int) -> Row:
    return {"_batch_id": f"{batch:012}", "_ingested_at": datetime.now(UTC), "_row_hash": 1}


def _grouped(sales: list[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for sale in sales:
        groups[key(sale)].append(sale)
    return dict(groups)


def _sums(sales: list[Row], *more: str) -> Row:
    living = [sale for sale in sales if sale["status"] != "CANCELLED"]
    found = {
        "total_orders": len(sales),
        "total_revenue": sum((sale["total_amount"] for sale in sales), Decimal(0)),
        "net_revenue": sum((sale["total_amount"] for sale in living), Decimal(0)),
    }
    extra = {
        "units_sold": sum(sale["quantity"] for sale in sales),
        "cancelled_orders": len(sales) - len(living),
    }
    return found | {name: extra[name] for name in more}


def _city(place: tuple[str, str], sales: list[Row]) -> Row:
    found = {"city": place[0], "country": place[1], **_sums(sales, "cancelled_orders")}
    for kind, is_premium in (("premium", True), ("standard", False)):
        own = [sale for sale in sales if (sale["total_amount"] >= 500) == is_premium]
        sums = _sums(own)
        found |= {f"{kind}_orders": len(own), f"{kind}_revenue": sums["total_revenue"]}
    share = found["premium_revenue"] * 100 / found["total_revenue"]
    return found | {"premium_market_share": round(share, 2)}


def _rule(run: str, rule: str, outcome: str, evaluated_at: datetime) -> Row:
    return {
        "run_id": run,
        "source_table": "fact_sales",
        "rule": rule,
        "outcome": outcome,
        "failure_reason": "2 rows did not meet the rule" if outcome == "Failed" else None,
        "evaluated_at": evaluated_at,
    }


def _comparison(table: str, run: str, checked_at: datetime) -> Row:
    is_gold = table == "gold"
    return {
        "run_id": run, "source_table": table, "first_batch_id": "000000000041",
        "last_batch_id": "000000000042", "source_rows": None if is_gold else 12,
        "bronze_rows": 0 if is_gold else 12, "bronze_keys": 0 if is_gold else 11,
        "silver_keys": 0 if is_gold else 8, "deleted_keys": 0 if is_gold else 1,
        "quarantined_keys": 0 if is_gold else 2, "is_reconciled": True, "detail": None,
        "checked_at": checked_at,
    }  # fmt: skip


def _run(run: str, ended_at: datetime, outcome: str) -> Row:
    window = (ended_at - timedelta(seconds=54)).isoformat()
    has_failed = outcome == "FAILED"
    table = {"window_from": window, "window_to": window, "batches": 1, "rows": 150, "deletes": 2,
             "quarantined": 1, "files": 1, "bytes": 4096}  # fmt: skip
    return {
        "run_id": run, "started_at": ended_at - timedelta(seconds=51), "ended_at": ended_at,
        "outcome": outcome, "failed_state": "Merge into silver and gold" if has_failed else None,
        "cause": "States.TaskFailed: out of disk" if has_failed else None,
        "is_merged": not has_failed, "batches": 3, "rows_ingested": 162, "rows_quarantined": 2,
        "objects_written": 3, "bytes_written": 12_288, "bytes_scanned": 5_400_000,
        "glue_seconds": 22.0, "freshness_seconds": 53.0, "dollars": Decimal("0.073100"),
        "dollars_by_service": "{}", "seconds_by_state": '{"Ingest":4.0,"Merge":41.2}',
        "tables": json.dumps(
            [{"table": name, **table} for name in ("dim_products", "dim_users", "fact_sales")]
        ),
    }  # fmt: skip
