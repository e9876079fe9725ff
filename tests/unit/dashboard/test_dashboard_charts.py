"""Charts: what is on them, in which colour and order."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import altair
import pandas
import pytest
import sample_lake

from dashboard import charts, drawing
from dashboard.charts import Measure
from dashboard.queries import typed
from dashboard.views import CITIES, DAILY_SALES, ORDER_STATUS, PRODUCTS, View

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
CONFIG = Path(charts.__file__).parent / ".streamlit" / "config.toml"


def frame(view: View, **options: Any) -> pandas.DataFrame:
    return typed(sample_lake.views(NOW, **options)[view.name], view)


def rows(chart: altair.TopLevelMixin) -> list[dict[str, Any]]:
    specification = chart.to_dict()
    (data,) = specification["datasets"].values()
    return list(data)


def test_a_citys_bar_is_its_premium_and_standard_revenue() -> None:
    cities = frame(CITIES)
    drawn = rows(charts.city_ranking(cities, Measure.REVENUE, "USD"))
    assert len({row["name"] for row in drawn}) == charts.TOP_CITIES
    tokyo = cities[cities["city"] == "Tokyo"].iloc[0]
    bars = {row["series"]: row for row in drawn if row["name"] == "Tokyo"}
    assert bars["Premium"]["amount"] == float(tokyo["premium_revenue"])
    assert bars["Standard"]["amount"] == float(tokyo["standard_revenue"])
    assert bars["Premium"]["Revenue"] == f"${tokyo['total_revenue']:,.2f}"
    assert f"{tokyo['premium_market_share']:.1f}% premium" in bars["Premium"]["label"]


def test_cities_can_be_ranked_by_orders() -> None:
    drawn = rows(charts.city_ranking(frame(CITIES), Measure.ORDERS, "USD"))
    assert drawn[0]["name"] == "São Paulo"
    assert drawn[0]["label"].startswith("190  ·")


def test_cities_of_one_name_are_told_apart() -> None:
    cities = frame(CITIES).head(2).assign(city="Springfield")
    drawn = rows(charts.city_ranking(cities, Measure.REVENUE, "USD"))
    assert {row["name"] for row in drawn} == {"Springfield, Brazil", "Springfield, India"}


def test_a_one_sided_city_has_a_bar() -> None:
    cities = frame(CITIES).head(1)
    cities["premium_revenue"] = None
    drawn = rows(charts.city_ranking(cities, Measure.REVENUE, "USD"))
    assert {row["series"]: row["amount"] > 0 for row in drawn} == {
        "Premium": False,
        "Standard": True,
    }


def test_statuses_follow_an_orders_life() -> None:
    drawn = rows(charts.order_status(frame(ORDER_STATUS), "USD"))
    order = sorted(drawn, key=lambda row: row["rank"])
    assert [row["name"] for row in order] == ["Pending", "Shipped", "Delivered", "Cancelled"]
    assert order[0]["label"] == "121  ·  11.2%"


def test_an_unknown_status_is_drawn_last() -> None:
    statuses = frame(ORDER_STATUS)
    statuses.loc[0, "status"] = "RETURNED"
    chart = charts.order_status(statuses, "USD")
    assert max(rows(chart), key=lambda row: row["rank"])["name"] == "Returned"
    domain = chart.to_dict()["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert domain == [*drawing.SERIES, "Returned"]


@pytest.mark.parametrize(("days", "mark"), [(1, "bar"), (40, "bar"), (90, "area")])
def test_revenue_of_a_day_is_net_and_cancelled(days: int, mark: str) -> None:
    daily = frame(DAILY_SALES, days=days)
    chart = charts.revenue_over_time(daily, "USD")
    assert chart.to_dict()["mark"]["type"] == mark
    drawn = rows(chart)
    assert len(drawn) == 2 * days
    last = daily.iloc[-1]
    bars = {row["series"]: row for row in drawn if row["day"] == str(last["sale_date"])}
    assert bars["Net"]["amount"] == float(last["net_revenue"])
    assert bars["Cancelled"]["amount"] == float(last["total_revenue"] - last["net_revenue"])
    assert bars["Net"]["Gross"] == f"${last['total_revenue']:,.2f}"


def test_products_without_sales_are_zero_not_an_error() -> None:
    products = frame(PRODUCTS).head(1)
    products["total_revenue"] = products["net_revenue"] = Decimal(0)
    assert {row["amount"] for row in rows(charts.top_products(products, "USD"))} == {0.0}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_has_a_colour_for_every_series(theme: str) -> None:
    colours = tomllib.loads(CONFIG.read_text())["theme"][theme]["chartCategoricalColors"]
    assert len(colours) == len(drawing.SERIES)
    assert theme in drawing.INK
