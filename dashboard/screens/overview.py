"""Overview: what was sold, where, whether orders are stuck, and how fresh all that is."""

from datetime import datetime, timedelta
from functools import partial

import pandas
import streamlit

from dashboard import charts, definitions, figures, flow, markup, shell, states
from dashboard.charts import Measure
from dashboard.filters import Field
from dashboard.screens import parts
from dashboard.screens.parts import Tile
from dashboard.selection import Selection, Totals
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.views import (
    CATEGORIES,
    CITIES,
    DAILY_SALES,
    FRESHNESS,
    ORDER_STATUS,
    OVERVIEW,
    PRODUCTS,
)

SUBTITLE = "Sales overview"
VIEWS = (OVERVIEW, CITIES, DAILY_SALES, ORDER_STATUS, PRODUCTS, CATEGORIES)


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, VIEWS, _body)


def _body(data: Snapshot, settings: DashboardEnvironment, now: datetime) -> None:
    currency = settings.currency
    selection = Selection(data, parts.bar(data, list(Field)), now.date())
    totals = selection.totals()
    if not totals.orders:
        states.show_nothing(str(selection.choice))
        parts.tables(data[FRESHNESS], now)
        return
    parts.tiles(key_figures(selection, totals, currency))
    parts.side_by_side(
        (2, 1),
        partial(parts.revenue, selection, currency),
        partial(statuses, selection.statuses(), currency, now),
    )
    second = (
        partial(_products, data[PRODUCTS], currency)
        if selection.choice.is_everything
        else partial(categories, selection.categories(), currency)
    )
    parts.side_by_side((1, 1), partial(_cities, selection.cities(), currency), second)
    parts.tables(data[FRESHNESS], now)


def key_figures(selection: Selection, totals: Totals, currency: str) -> list[Tile]:
    """The five figures of the choice, against the period before where it has one."""
    before = selection.before()
    if before is not None:
        told = f"vs {selection.choice.period.before.removeprefix('the ')}"
        context = [told if before.orders else f"nothing in {selection.choice.period.before}"] * 5
    else:
        first = selection.today
        today = figures.sales(selection.daily(), first, first + timedelta(days=1))
        context = [
            f"{figures.money(today.total_revenue, currency)} today",
            f"{figures.money(today.net_revenue, currency)} today",
            f"{figures.count(today.orders)} today",
            f"{figures.money(today.average, currency)} today",
            f"over {figures.count(totals.cities)} {'city' if totals.cities == 1 else 'cities'}",
        ]
    rows = (
        ("Total revenue", figures.money(totals.total_revenue, currency), definitions.TOTAL_REVENUE,
         totals.total_revenue, before and before.total_revenue),
        ("Net revenue", figures.money(totals.net_revenue, currency), definitions.NET_REVENUE,
         totals.net_revenue, before and before.net_revenue),
        ("Orders", figures.count(totals.orders), definitions.ORDERS,
         totals.orders, before and before.orders),
        ("Average order value", figures.money(totals.average, currency),
         definitions.AVERAGE_ORDER_VALUE, totals.average, before and before.average),
        ("Premium market share", figures.percent(totals.premium_share),
         definitions.PREMIUM_MARKET_SHARE, totals.premium_share, before and before.premium_share),
    )  # fmt: skip
    return [
        Tile(label, value, told, meaning, figures.change(new, old))
        for (label, value, meaning, new, old), told in zip(rows, context, strict=True)
    ]


def statuses(found: pandas.DataFrame, currency: str, now: datetime) -> None:
    """Draws where the orders stand and how long the oldest pending one has waited."""
    with parts.card("Order status", definitions.ORDER_STATUS, found):
        if found.empty:
            streamlit.caption(parts.NOTHING)
            return
        streamlit.altair_chart(
            charts.order_status(found, currency, shell.theme()),
            key="statuses",
            alt="Number and share of orders by status",
        )
        pending = found[found["status"] == "PENDING"]
        oldest = figures.latest(pending["oldest_created_at"])
        streamlit.html(
            markup.callout(
                "Oldest pending order",
                _waiting(oldest, now),
                f"{definitions.OLDEST_PENDING} {figures.instant(oldest)}",
            )
        )


def _waiting(oldest: datetime | None, now: datetime) -> str:
    if oldest is None:
        return "none"
    verdict = "over a day: stuck" if now - oldest > flow.STUCK_AFTER else "none over a day"
    return f"{figures.age(oldest, now)}, {verdict}"


def categories(found: pandas.DataFrame, currency: str) -> None:
    """Draws the categories, the greatest revenue first."""
    with parts.card("Categories", definitions.CATEGORIES, found):
        if found.empty:
            streamlit.caption(parts.NOTHING)
            return
        streamlit.altair_chart(
            charts.category_ranking(found, currency, shell.theme()),
            key="categories",
            alt="Categories by revenue, net and cancelled",
        )


def _cities(cities: pandas.DataFrame, currency: str) -> None:
    with parts.card("Cities", definitions.CITIES, cities):
        if cities.empty:
            streamlit.caption(parts.NOTHING)
            return
        ranking(cities, currency, "cities")


def ranking(cities: pandas.DataFrame, currency: str, key: str) -> None:
    """Draws the leading cities by revenue or orders, as the reader likes."""
    measure = streamlit.segmented_control(
        "Rank cities by",
        [measure.value for measure in Measure],
        default=Measure.REVENUE.value,
        required=True,
        key="cities_by",
        label_visibility="collapsed",
    )
    streamlit.altair_chart(
        charts.city_ranking(cities, Measure(measure), currency, shell.theme()),
        key=key,
        alt="Leading cities, premium against standard",
    )
    if len(cities) > charts.TOP_CITIES:
        streamlit.caption(f"The top {charts.TOP_CITIES} of {len(cities):,} cities.")


def _products(products: pandas.DataFrame, currency: str) -> None:
    best = products[products["rank"] <= charts.TOP_PRODUCTS]
    with parts.card("Top products", definitions.PRODUCTS, best):
        if products.empty:
            streamlit.caption(parts.NOTHING)
            return
        streamlit.altair_chart(
            charts.top_products(best, currency, shell.theme()),
            key="products",
            alt="Products with the most revenue, net and cancelled",
        )
