"""Overview: what was sold, where, whether orders are stuck, and how fresh all that is."""

from datetime import datetime, timedelta
from typing import Any

import pandas
import streamlit

from dashboard import charts, definitions, figures, markup, shell
from dashboard.charts import Measure
from dashboard.failures import EmptyLakeError
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.views import (
    CITIES,
    DAILY_SALES,
    FRESHNESS,
    ORDER_STATUS,
    OVERVIEW,
    PRODUCTS,
    SALES,
    TRUST,
)

SUBTITLE = "Sales overview"
NOTHING = "Nothing here yet: the next run fills it."


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, (SALES, TRUST), _body)


def _body(data: Snapshot, settings: DashboardEnvironment, now: datetime) -> None:
    overview = data[OVERVIEW]
    if overview.empty or not figures.optional(overview.at[0, "total_orders"]):
        raise EmptyLakeError(f"{OVERVIEW.name} in {settings.gold_database} counts no orders")
    _key_figures(overview.iloc[0], data[DAILY_SALES], settings.currency, now)
    left, right = streamlit.columns([2, 1])
    with left:
        _revenue(data[DAILY_SALES], settings.currency, now)
    with right:
        _statuses(data[ORDER_STATUS], settings.currency, now)
    left, right = streamlit.columns(2)
    with left:
        _cities(data[CITIES], settings.currency)
    with right:
        _products(data[PRODUCTS], settings.currency)
    tables(data[FRESHNESS], now)


def _key_figures(
    row: "pandas.Series[Any]", daily: pandas.DataFrame, currency: str, now: datetime
) -> None:
    today = figures.sales(daily, now.date(), now.date() + timedelta(days=1))
    tiles = (
        ("Total revenue", figures.money(row["total_revenue"], currency),
         f"{figures.money(today.total_revenue, currency)} today", definitions.TOTAL_REVENUE),
        ("Net revenue", figures.money(row["net_revenue"], currency),
         f"{figures.money(today.net_revenue, currency)} today", definitions.NET_REVENUE),
        ("Orders", figures.count(row["total_orders"]),
         f"{figures.count(today.orders)} today", definitions.ORDERS),
        ("Average order value", figures.money(row["average_order_value"], currency),
         f"{figures.money(today.average, currency)} today", definitions.AVERAGE_ORDER_VALUE),
        ("Premium market share", figures.percent(row["premium_market_share"]),
         f"over {figures.count(row['cities'])} cities", definitions.PREMIUM_MARKET_SHARE),
    )  # fmt: skip
    for column, (label, value, context, meaning) in zip(
        streamlit.columns(len(tiles)), tiles, strict=True
    ):
        column.metric(
            label,
            _markdown(value),
            _markdown(context),
            delta_color="off",
            delta_arrow="off",
            help=meaning,
            border=True,
        )


def _revenue(daily: pandas.DataFrame, currency: str, now: datetime) -> None:
    with streamlit.container(border=True, height="stretch"):
        streamlit.subheader("Revenue over time", help=definitions.REVENUE_OVER_TIME, anchor=False)
        if daily.empty:
            streamlit.caption(NOTHING)
            return
        if week := figures.week_on_week(daily, now.date()):
            last, change = week
            streamlit.caption(
                f"{_markdown(figures.money(last.total_revenue, currency))} in the last 7 days, "
                f"**{change:+.1f}%** against the 7 days before"
            )
        streamlit.altair_chart(
            charts.revenue_over_time(daily, currency),
            key="revenue",
            alt="Revenue of each day, net and cancelled",
        )


def _statuses(statuses: pandas.DataFrame, currency: str, now: datetime) -> None:
    with streamlit.container(border=True, height="stretch"):
        streamlit.subheader("Order status", help=definitions.ORDER_STATUS, anchor=False)
        if statuses.empty:
            streamlit.caption(NOTHING)
            return
        streamlit.altair_chart(
            charts.order_status(statuses, currency, shell.theme()),
            key="statuses",
            alt="Number and share of orders by status",
        )
        pending = statuses[statuses["status"] == "PENDING"]
        oldest = figures.latest(pending["oldest_created_at"])
        streamlit.html(
            markup.callout(
                "Oldest pending order",
                figures.age(oldest, now) if oldest else "none",
                f"{definitions.OLDEST_PENDING} {figures.instant(oldest)}",
            )
        )


def _cities(cities: pandas.DataFrame, currency: str) -> None:
    with streamlit.container(border=True, height="stretch"):
        head, choice = streamlit.columns([3, 2], vertical_alignment="center")
        head.subheader("Cities", help=definitions.CITIES, anchor=False)
        if cities.empty:
            streamlit.caption(NOTHING)
            return
        measure = choice.segmented_control(
            "Rank cities by",
            list(Measure),
            default=Measure.REVENUE,
            format_func=lambda option: option.value,
            required=True,
            key="cities_by",
            label_visibility="collapsed",
            width="stretch",
        )
        streamlit.altair_chart(
            charts.city_ranking(cities, Measure(measure), currency, shell.theme()),
            key="cities",
            alt="Leading cities, premium against standard",
        )
        if len(cities) > charts.TOP_CITIES:
            streamlit.caption(f"The first {charts.TOP_CITIES} of {len(cities):,} cities.")


def _products(products: pandas.DataFrame, currency: str) -> None:
    with streamlit.container(border=True, height="stretch"):
        streamlit.subheader("Top products", help=definitions.PRODUCTS, anchor=False)
        if products.empty:
            streamlit.caption(NOTHING)
            return
        streamlit.altair_chart(
            charts.top_products(products, currency, shell.theme()),
            key="products",
            alt="Products with the most revenue, net and cancelled",
        )


def tables(freshness: pandas.DataFrame, now: datetime) -> None:
    """Draws how current each source table is."""
    with streamlit.container(border=True):
        streamlit.subheader("Where the figures come from", help=definitions.TABLES, anchor=False)
        streamlit.html(
            markup.table(
                ("Table", "Rows", "Last change", "Last ingest", "Rows held back"),
                [
                    (
                        table["source_table"],
                        figures.count(table["rows"]),
                        figures.ago(table["last_change_at"], now),
                        figures.ago(table["last_ingested_at"], now),
                        figures.count(table["quarantined_keys"]),
                    )
                    for table in freshness.to_dict("records")
                ],
                numeric=(1, 2, 3, 4),
            )
        )


def _markdown(text: str) -> str:
    """`text` as it is, where Streamlit would read dollars as mathematics."""
    return text.replace("$", "\\$")
