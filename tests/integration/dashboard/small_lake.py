"""Rows of a small gold layer that agree with each other, by table."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

CITIES = (
    ("São Paulo", "Brazil", 190, 61), ("Mumbai", "India", 171, 12), ("Tokyo", "Japan", 160, 90),
    ("London", "United Kingdom", 97, 97), ("Lagos", "Nigeria", 83, 0), ("Ghent", "Belgium", 4, 1),
    ("UNKNOWN", "UNKNOWN", 3, 1),
)  # fmt: skip
RULE = '"quantity" > 0'


def rows() -> dict[str, list[Row]]:
    """The rows, with times counted back from now."""
    now = datetime.now(UTC)
    cities = [_city(*city) for city in CITIES]
    orders = sum(city["total_orders"] for city in cities)
    total = sum(city["total_revenue"] for city in cities)
    return {
        "city_performance": cities,
        "daily_sales": _days(now, orders, total),
        "order_status": [
            _status("PENDING", 121, now - timedelta(hours=27, minutes=12), now),
            _status("SHIPPED", 79, now - timedelta(days=3), now),
            _status("DELIVERED", orders - 258, now - timedelta(days=30), now),
            _status("CANCELLED", 58, now - timedelta(days=20), now),
        ],
        "product_performance": [
            {
                "product_id": 10_000_000_000 + place,
                "name": f"Product {place}",
                "category": "Home" if place % 2 else "Sport",
                "total_orders": 50 - place,
                "units_sold": 90 - place,
                "total_revenue": Decimal("18000.35") - 900 * place,
                "net_revenue": Decimal("17500.30") - 900 * place,
            }
            for place in range(15)
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
                ("dim_products", 300, 0),
                ("dim_users", 1480, 0),
                ("fact_sales", orders, 2),
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


def _city(city: str, country: str, orders: int, premium: int) -> Row:
    premium_revenue = premium * Decimal("731.35")
    standard_revenue = (orders - premium) * Decimal("143.21")
    total = premium_revenue + standard_revenue
    return {
        "city": city,
        "country": country,
        "total_orders": orders,
        "premium_orders": premium,
        "standard_orders": orders - premium,
        "total_revenue": total,
        "premium_revenue": premium_revenue,
        "standard_revenue": standard_revenue,
        "premium_market_share": round(premium_revenue * 100 / total, 2),
        "net_revenue": round(total * Decimal("0.94"), 2),
        "cancelled_orders": orders // 17,
    }


def _days(now: datetime, orders: int, total: Decimal) -> list[Row]:
    count = 20
    return [
        {
            "sale_date": (now - timedelta(days=count - 1 - day)).date(),
            "total_orders": orders // count + day,
            "units_sold": orders // count + 2 * day,
            "total_revenue": round(total / count, 2) + 100 * day,
            "net_revenue": round(total / count, 2) + 90 * day,
            "cancelled_orders": day % 3,
        }
        for day in range(count)
    ]


def _status(status: str, orders: int, oldest: datetime, now: datetime) -> Row:
    return {
        "status": status,
        "orders": orders,
        "revenue": orders * Decimal("99.95"),
        "oldest_created_at": oldest,
    }


def _rule(run: str, rule: str, outcome: str, evaluated_at: datetime) -> Row:
    return {
        "run_id": run,
        "source_table": "fact_sales",
        "rule": rule,
        "outcome": outcome,
        "failure_reason": "2 rows did not meet the rule" if outcome == "Failed" else None,
        "evaluated_at": evaluated_at,
    }
