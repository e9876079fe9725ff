from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold import GOLD

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SALES = (
    "sale_id bigint, user_id bigint, product_id bigint, quantity int, total_amount decimal(12,2), "
    "status string, created_at timestamp, updated_at timestamp"
)
USERS = "user_id bigint, city string, country string, valid_from timestamp, valid_to timestamp"
PRODUCTS = (
    "product_id bigint, name string, category string, valid_from timestamp, is_current boolean"
)


def _sales(spark: SparkSession, *rows: tuple[int, str, str, int]) -> DataFrame:
    """Rows of user, amount, status and hours after noon."""
    data = [
        (n, user, 1, 2, Decimal(amount), status, NOON + timedelta(hours=hours), NOON)
        for n, (user, amount, status, hours) in enumerate(rows)
    ]
    return spark.createDataFrame(data, SALES)


def _users(spark: SparkSession, *rows: tuple[int, str | None, int, int | None]) -> DataFrame:
    """Rows of user, city and the hours from and to which they lived there."""
    at = [None if hours is None else NOON + timedelta(hours=hours) for *_, hours in rows]
    data = [
        (user, city, "DE", NOON + timedelta(hours=since), upto)
        for (user, city, since, _), upto in zip(rows, at, strict=True)
    ]
    return spark.createDataFrame(data, USERS)


def _cities(sales: DataFrame, users: DataFrame) -> dict[str, Any]:
    from glue_scripts.city_performance import city_performance

    result = city_performance(sales, users)
    assert dict(result.dtypes) == GOLD["city_performance"]
    return {row["city"]: row for row in result.collect()}


def test_the_limit_belongs_to_premium(spark: SparkSession) -> None:
    sales = _sales(
        spark,
        (1, "500.00", "PENDING", 0),
        (1, "499.99", "PENDING", 0),
        (1, "0.01", "CANCELLED", 0),
    )
    (row,) = _cities(sales, _users(spark, (1, "Bonn", -1, None))).values()
    assert (row["premium_orders"], row["standard_orders"], row["total_orders"]) == (1, 2, 3)
    assert row["premium_revenue"] == Decimal("500.00")
    assert row["standard_revenue"] == Decimal("500.00")
    assert row["premium_market_share"] == Decimal("50.00")
    assert row["net_revenue"] == Decimal("999.99")
    assert row["cancelled_orders"] == 1


def test_cities_with_one_kind_of_order_stay(spark: SparkSession) -> None:
    sales = _sales(spark, (1, "600.00", "PENDING", 0), (2, "6.00", "PENDING", 0))
    users = _users(spark, (1, "Bonn", -1, None), (2, "Essen", -1, None))
    found = _cities(sales, users)
    assert found["Bonn"]["premium_market_share"] == Decimal("100.00")
    assert found["Bonn"]["standard_orders"] == 0
    assert found["Essen"]["premium_market_share"] == Decimal("0.00")
    assert found["Essen"]["premium_revenue"] == Decimal("0.00")


def test_no_revenue_is_a_share_of_zero(spark: SparkSession) -> None:
    found = _cities(_sales(spark, (1, "0.00", "PENDING", 0)), _users(spark, (1, "Bonn", -1, None)))
    assert found["Bonn"]["premium_market_share"] == Decimal("0.00")
    assert found["Bonn"]["total_orders"] == 1


@pytest.mark.parametrize(
    ("hours", "city"),
    [(-9, "Bonn"), (-2, "Bonn"), (-1, "Essen"), (0, "Essen"), (2, "Essen"), (5, "Kiel")],
)
def test_an_order_counts_where_its_user_lived(spark: SparkSession, hours: int, city: str) -> None:
    # Older than the history: the earliest city. Between a delete and the return: the last one.
    users = _users(spark, (1, "Kiel", 4, None), (1, "Bonn", -3, -1), (1, "Essen", -1, 1))
    assert list(_cities(_sales(spark, (1, "1.00", "PENDING", hours)), users)) == [city]


def test_unknown_users_and_cities_keep_their_orders(spark: SparkSession) -> None:
    sales = _sales(spark, (1, "1.00", "PENDING", 0), (9, "2.00", "PENDING", 0))
    from glue_scripts.city_performance import city_performance

    found = city_performance(sales, _users(spark, (1, None, -1, None))).collect()
    assert {(row["city"], row["country"], row["total_revenue"]) for row in found} == {
        ("UNKNOWN", "DE", Decimal("1.00")),
        ("UNKNOWN", "UNKNOWN", Decimal("2.00")),
    }


def test_rounding_is_half_up_and_sums_are_exact(spark: SparkSession) -> None:
    rows = [(1, "0.10", "PENDING", 0)] * 9 + [(1, "700.00", "PENDING", 0)]
    (row,) = _cities(_sales(spark, *rows), _users(spark, (1, "Bonn", -1, None))).values()
    assert row["total_revenue"] == Decimal("700.90")
    assert row["premium_market_share"] == Decimal("99.87")


def test_other_gold_tables(spark: SparkSession) -> None:
    from glue_scripts.order_measures import daily_sales, order_status
    from glue_scripts.product_performance import product_performance

    sales = _sales(
        spark,
        (1, "10.00", "PENDING", 0),
        (1, "5.50", "CANCELLED", 11),
        (1, "1.00", "PENDING", 12),
    )
    days = {row["sale_date"]: row for row in daily_sales(sales).collect()}
    assert set(days) == {date(2026, 5, 1), date(2026, 5, 2)}
    first = days[date(2026, 5, 1)]
    assert (first["total_revenue"], first["net_revenue"]) == (Decimal("15.50"), Decimal("10.00"))
    assert (first["units_sold"], first["cancelled_orders"]) == (4, 1)
    status = {row["status"]: row for row in order_status(sales).collect()}
    assert (status["PENDING"]["orders"], status["PENDING"]["revenue"]) == (2, Decimal("11.00"))
    assert status["PENDING"]["oldest_created_at"].astimezone(UTC) == NOON
    versions = [
        (1, "old", "c", NOON, False),
        (1, "new", "d", NOON + timedelta(hours=1), True),
        (2, "unsold", "c", NOON, True),
        (3, "gone", "c", NOON, False),
    ]
    found = product_performance(sales, spark.createDataFrame(versions, PRODUCTS)).collect()
    assert {(row["product_id"], row["name"], row["total_orders"]) for row in found} == {
        (1, "new", 3),
        (2, "unsold", 0),
    }
