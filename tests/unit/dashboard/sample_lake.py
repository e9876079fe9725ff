"""Frames as awswrangler returns them for each view: decimals, naive UTC timestamps, Int64."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas

CITIES = (
    ("São Paulo", "Brazil", 190), ("Mumbai", "India", 171), ("Tokyo", "Japan", 160),
    ("Mexico City", "Mexico", 132), ("London", "United Kingdom", 97), ("Lagos", "Nigeria", 83),
    ("Paris", "France", 70), ("Berlin", "Germany", 44), ("Chicago", "United States", 39),
    ("Melbourne", "Australia", 31), ("Toronto", "Canada", 29), ("Lisbon", "Portugal", 18),
    ("Springfield", "United States", 9), ("Ghent", "Belgium", 4),
)  # fmt: skip
PRODUCTS = (
    ("Walnut Desk", "Furniture"), ("Noise-cancelling Headphones", "Electronics"),
    ("Espresso Machine", "Kitchen"), ("Trail Running Shoes", "Sport"), ("Linen Sheets", "Home"),
    ("Mechanical Keyboard", "Electronics"), ("Cast-iron Pan", "Kitchen"),
    ("Tent, 3 persons", "Sport"), ("Reading Lamp", "Home"), ("Leather Satchel", "Fashion"),
    ("Wool Scarf", "Fashion"),
)  # fmt: skip
TABLES = ("dim_products", "dim_users", "fact_sales")


def views(now: datetime, days: int = 40, age: timedelta = timedelta(minutes=2)) -> dict[str, Any]:
    """All views of one consistent small lake, whose newest ingest was `age` before `now` (UTC)."""
    naive = now.replace(tzinfo=None)
    cities = []
    for rank, (city, country, orders) in enumerate(CITIES, 1):
        premium = orders * (3 + rank % 4) // 12
        premium_revenue = premium * Decimal("731.35")
        standard_revenue = (orders - premium) * Decimal("143.20")
        total = premium_revenue + standard_revenue
        cities.append({
            "city": city, "country": country, "total_orders": orders, "premium_orders": premium,
            "standard_orders": orders - premium, "total_revenue": total,
            "premium_revenue": premium_revenue, "standard_revenue": standard_revenue,
            "premium_market_share": round(premium_revenue * 100 / total, 2),
            "net_revenue": round(total * Decimal("0.94"), 2), "cancelled_orders": orders // 17,
            "rank": rank,
        })  # fmt: skip
    frame = pandas.DataFrame(cities)
    orders, total = int(frame["total_orders"].sum()), sum(frame["total_revenue"])
    net = sum(frame["net_revenue"])
    daily = [
        {
            "sale_date": (naive - timedelta(days=days - 1 - day)).date(),
            "total_orders": 20 + day, "units_sold": 40 + 2 * day,
            "total_revenue": Decimal(4000 + 90 * day + 700 * (day % 5)) + Decimal("0.37"),
            "net_revenue": Decimal(3800 + 85 * day + 640 * (day % 5)) + Decimal("0.37"),
            "cancelled_orders": day % 3,
        }
        for day in range(days)
    ]  # fmt: skip
    statuses = [
        {"status": "CANCELLED", "orders": 58}, {"status": "DELIVERED", "orders": orders - 258},
        {"status": "PENDING", "orders": 121}, {"status": "SHIPPED", "orders": 79},
    ]  # fmt: skip
    for status in statuses:
        status |= {
            "revenue": round(total * int(status["orders"]) / orders, 2),
            "share": round(Decimal(int(status["orders"]) * 100) / orders, 2),
            "oldest_created_at": naive - timedelta(hours=27, minutes=12),
        }  # fmt: skip
    return {
        "v_overview": pandas.DataFrame([{
            "total_revenue": total, "net_revenue": net, "total_orders": orders,
            "average_order_value": round(total / orders, 2),
            "premium_market_share": Decimal("61.37"), "cancelled_orders": 58,
            "cities": len(cities),
        }]),
        "v_city_performance": frame,
        "v_daily_sales": pandas.DataFrame(daily),
        "v_order_status": pandas.DataFrame(statuses),
        "v_product_performance": pandas.DataFrame([
            {"product_id": place, "name": name, "category": category, "total_orders": 90 - place,
             "units_sold": 160 - 9 * place, "total_revenue": Decimal(48000 - 3700 * place),
             "net_revenue": Decimal(46000 - 3800 * place), "rank": place,
             "products": len(PRODUCTS)}
            for place, (name, category) in enumerate(PRODUCTS, 1)
        ]),
        "v_category_performance": pandas.DataFrame([
            {"category": category, "products": 2, "total_orders": 40, "units_sold": 90,
             "total_revenue": Decimal(90000 - 9000 * place),
             "net_revenue": Decimal(88000 - 9000 * place)}
            for place, category in enumerate(sorted({category for _, category in PRODUCTS}))
        ]),
        "v_price_history": pandas.DataFrame([
            {"product_id": 1, "price": Decimal("499.00"), "previous_price": Decimal("450.00"),
             "valid_from": naive - timedelta(days=2)},
            {"product_id": 2, "price": Decimal("199.00"), "previous_price": None,
             "valid_from": naive - timedelta(days=30)},
            {"product_id": 1, "price": Decimal("450.00"), "previous_price": None,
             "valid_from": naive - timedelta(days=30)},
        ]),
        "v_sales": sales(naive),
        "v_product_sales": pandas.DataFrame([
            {"sale_date": (naive - timedelta(days=back)).date(), "product_id": product,
             "is_premium": premium, "total_orders": 2, "units_sold": 5,
             "total_revenue": Decimal(1300 if premium else 400) + product,
             "net_revenue": Decimal(1200 if premium else 300) + product}
            for back in (0, 8) for product in (1, 2, 3) for premium in (True, False)
        ]),
        "v_status_times": pandas.DataFrame([
            {"changed_on": naive.date(), "from_status": before, "to_status": after,
             "minutes": minutes, "orders": orders}
            for before, after, minutes, orders in (
                ("PENDING", "SHIPPED", 4, 10), ("PENDING", "SHIPPED", 120, 9),
                ("PENDING", "SHIPPED", 4320, 1), ("SHIPPED", "DELIVERED", 1440, 5),
                ("PENDING", "CANCELLED", 30, 2),
            )
        ]),
        "v_freshness": pandas.DataFrame([
            {"source_table": table, "rows": rows, "quarantined_keys": held,
             "last_change_at": naive - age - timedelta(seconds=50),
             "last_ingested_at": naive - age, "merged_batch_id": "000000000042"}
            for table, rows, held in zip(TABLES, (120, 1480, orders), (0, 0, 3), strict=True)
        ]),
        "v_quality": pandas.DataFrame([
            {"run_id": "run-7", "source_table": "fact_sales", "rule": rule, "outcome": outcome,
             "failure_reason": reason, "evaluations": 8, "passes": 8 if outcome == "Passed" else 7,
             "evaluated_at": naive - age}
            for rule, outcome, reason in (
                ('IsComplete "sale_id"', "Passed", None),
                ('ColumnValues "quantity" > 0', "Failed", "3 rows did not meet the rule"),
                ('ColumnValues "status" in ["PENDING", "SHIPPED", "DELIVERED", "CANCELLED"]',
                 "Passed", None),
            )
        ]),
        "v_quarantine": pandas.DataFrame([
            {"source_table": "fact_sales", "failed_rules": 'ColumnValues "quantity" > 0',
             "rows": 3, "last_seen": naive - timedelta(minutes=40)},
        ]),
        "v_reconciliation": pandas.DataFrame([
            {"source_table": table, "run_id": "run-7", "source_rows": rows, "bronze_rows": rows,
             "bronze_keys": rows, "silver_keys": rows, "deleted_keys": 0, "quarantined_keys": 0,
             "is_reconciled": True, "detail": None, "checked_at": naive - age}
            for table, rows in zip(TABLES, (4, 20, 150), strict=True)
        ]),
        "v_pipeline_runs": pandas.DataFrame([run(naive - age, "run-7"), run(
            naive - age - timedelta(minutes=5), "run-6", outcome="FAILED",
            failed_state="Merge into silver and gold", cause="States.TaskFailed: out of disk",
        )]),
    }  # fmt: skip


def sales(now: datetime) -> pandas.DataFrame:
    """Rows of `v_sales`: London and Lagos, two categories, today, eight days ago and long ago."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = []
    for back, scale in ((0, 1), (8, 2), (400, 4)):
        for city, country in (("London", "United Kingdom"), ("Lagos", "Nigeria")):
            for category, premium in (("Kitchen", False), ("Electronics", True)):
                is_pending = back == 8 and city == "Lagos"
                orders = 10 * scale
                gross = Decimal("812.34" if premium else "100.01") * orders
                rows.append({
                    "sale_date": (now - timedelta(days=back)).date(),
                    "pending_since": hour - timedelta(days=back) if is_pending else None,
                    "city": city, "country": country, "category": category,
                    "is_premium": premium, "total_orders": orders, "units_sold": 2 * orders,
                    "total_revenue": gross, "net_revenue": gross * 9 / 10,
                    "pending_orders": orders if is_pending else 0,
                    "shipped_orders": 0, "cancelled_orders": 0 if is_pending else scale,
                    "delivered_orders": 0 if is_pending else orders - scale,
                })  # fmt: skip
    frame = pandas.DataFrame(rows)
    return frame.assign(pending_since=pandas.to_datetime(frame["pending_since"]))


def run(ended_at: datetime, run_id: str, **changes: Any) -> dict[str, Any]:
    """A receipt of a merging run of 51 seconds."""
    window = (ended_at - timedelta(seconds=54)).isoformat() + "+00:00"
    table = {"window_from": window, "window_to": window, "batches": 1, "rows": 150, "deletes": 2,
             "quarantined": 1, "files": 1, "bytes": 4096}  # fmt: skip
    return {
        "run_id": run_id, "outcome": "SUCCEEDED", "failed_state": None, "cause": None,
        "is_merged": True, "batches": 3, "rows_ingested": 200, "rows_quarantined": 1,
        "bytes_scanned": 5_400_000, "glue_seconds": 22.0, "freshness_seconds": 53.0,
        "dollars": Decimal("0.073100"), "seconds_by_state": '{"Ingest":4.0,"Merge":41.2}',
        "tables": json.dumps([{"table": name, **table} for name in TABLES]), "seconds": 51.4,
        "started_at": ended_at - timedelta(seconds=51), "ended_at": ended_at, **changes,
    }  # fmt: skip


def reader(frames: Mapping[str, pandas.DataFrame]) -> Callable[..., pandas.DataFrame]:
    """A stand-in for `awswrangler.athena.read_sql_query` that answers by the view's name."""

    def read_sql_query(sql: str, **_: Any) -> pandas.DataFrame:
        match = re.search(r"FROM (\w+)", sql)
        assert match, sql
        return frames[match[1]].copy()

    return read_sql_query
