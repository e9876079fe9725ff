"""Frames as awswrangler returns them for each view: decimals, naive UTC timestamps, Int64."""

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
             "net_revenue": Decimal(46000 - 3800 * place)}
            for place, (name, category) in enumerate(PRODUCTS, 1)
        ]),
        "v_freshness": pandas.DataFrame([
            {"source_table": table, "rows": rows, "quarantined_keys": held,
             "last_change_at": naive - age - timedelta(seconds=50),
             "last_ingested_at": naive - age, "merged_batch_id": "000000000042"}
            for table, rows, held in zip(TABLES, (120, 1480, orders), (0, 0, 3), strict=True)
        ]),
        "v_quality": pandas.DataFrame([
            {"run_id": "run-7", "source_table": "fact_sales", "rule": rule, "outcome": outcome,
             "failure_reason": reason, "evaluated_at": naive - age}
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
    }  # fmt: skip


def reader(frames: Mapping[str, pandas.DataFrame]) -> Callable[..., pandas.DataFrame]:
    """A stand-in for `awswrangler.athena.read_sql_query` that answers by the view's name."""

    def read_sql_query(sql: str, **_: Any) -> pandas.DataFrame:
        match = re.search(r"FROM (\w+)", sql)
        assert match, sql
        return frames[match[1]].copy()

    return read_sql_query
