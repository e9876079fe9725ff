"""Data frames of the views to Altair charts.

A chart's lengths are floats, since a browser has nothing else; every text on it is made from the
exact value.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import altair
import pandas

from dashboard import figures
from dashboard.drawing import PADDING, color, money_axis, ranking, texts, utc_day, zero
from lakehouse.gold import UNKNOWN

LIFECYCLE: Final = ("PENDING", "SHIPPED", "DELIVERED", "CANCELLED")
"""Statuses in the order in which an order goes through them."""
TOP_CITIES: Final = 12
TOP_PRODUCTS: Final = 12
LONG_HISTORY_DAYS: Final = 62
SHORT_HISTORY_DAYS: Final = 7


class Measure(StrEnum):
    """What the city ranking compares."""

    REVENUE = "Revenue"
    ORDERS = "Orders"


def revenue_over_time(
    daily: pandas.DataFrame,
    currency: str,
    days: tuple[date, date] | None = None,
    *,
    by_month: bool = False,
) -> altair.Chart:
    """Daily revenue, stacked into net and cancelled: bars, or an area for a long history.

    `days` are the first and last day to show, sold or not; by default those that are there. With
    `by_month` a long history is told by month.
    """
    first, last = days or (min(daily["sale_date"]), max(daily["sale_date"]))
    long = (last - first).days > LONG_HISTORY_DAYS
    if long and by_month:
        daily = _months(daily)
        first, last = (
            first.replace(day=1),
            (last.replace(day=1) + timedelta(days=31)).replace(day=1),
        )
    unit = "utcyearmonth" if long and by_month else "utcyearmonthdate"
    rows = []
    for day in daily.itertuples():
        net, gross = zero(day.net_revenue), zero(day.total_revenue)
        shown = {
            "Gross": figures.money(gross, currency),
            "Net": figures.money(net, currency),
            "Orders": figures.count(day.total_orders),
        }
        for rank, (series, amount) in enumerate((("Net", net), ("Cancelled", gross - net))):
            rows.append(
                {
                    "day": str(day.sale_date),
                    "series": series,
                    "rank": rank,
                    "amount": float(amount),
                    **shown,
                }
            )
    frame = pandas.DataFrame(rows)
    start = min(first, last - pandas.Timedelta(days=SHORT_HISTORY_DAYS - 1))
    end = last if long else last + pandas.Timedelta(days=1)
    chart = altair.Chart(frame)
    marked = (
        chart.mark_area(line=False, opacity=0.9)
        if long and not by_month
        else chart.mark_bar(cornerRadiusEnd=2, binSpacing=3)
    )
    drawn: altair.Chart = marked.encode(
        x=altair.X(
            f"{unit}(day):T",
            title=None,
            scale=altair.Scale(type="utc", domain=[utc_day(start), utc_day(end)], nice=False),
            axis=altair.Axis(format="%b %-d", grid=False, tickCount=8, labelFlush=False),
        ),
        y=altair.Y("amount:Q", title=None, axis=money_axis(currency)),
        color=color(("Net", "Cancelled")),
        order="rank:Q",
        tooltip=[
            altair.Tooltip(f"{unit}(day):T", title="Day", format="%Y-%m-%d"),
            *texts("Gross", "Net", "Orders"),
        ],
    ).properties(height=300, padding=PADDING)
    return drawn


def _months(daily: pandas.DataFrame) -> pandas.DataFrame:
    months = daily["sale_date"].map(lambda day: day.replace(day=1))
    sums = ["total_orders", "total_revenue", "net_revenue"]
    return daily[sums].groupby(months.rename("sale_date")).sum().reset_index()


def city_ranking(
    cities: pandas.DataFrame, measure: Measure, currency: str, theme: str = "light"
) -> altair.LayerChart:
    """The leading cities, premium against standard, each with its premium market share."""
    total, premium, standard = {
        Measure.REVENUE: ("total_revenue", "premium_revenue", "standard_revenue"),
        Measure.ORDERS: ("total_orders", "premium_orders", "standard_orders"),
    }[measure]
    leading = cities.sort_values(total, ascending=False, kind="stable").head(TOP_CITIES)
    shared = set(leading.loc[leading["city"].duplicated(keep=False), "city"])
    rows = []
    for city in leading.to_dict("records"):
        amount = zero(city[total])
        text = (
            figures.short_money(amount, currency)
            if measure is Measure.REVENUE
            else (figures.count(city[total]))
        )
        name = known(city["city"])
        if city["city"] in shared:
            name = f"{name}, {city['country']}"
        shown = {
            "name": name,
            "total": float(amount),
            "label": f"{text}  ·  {figures.percent(city['premium_market_share'])} premium",
            "Country": city["country"],
            "Revenue": figures.money(city["total_revenue"], currency),
            "Premium revenue": figures.money(city["premium_revenue"], currency),
            "Standard revenue": figures.money(city["standard_revenue"], currency),
            "Premium share": figures.percent(city["premium_market_share"]),
            "Orders": figures.count(city["total_orders"]),
            "Premium orders": figures.count(city["premium_orders"]),
        }
        for rank, (series, column) in enumerate((("Premium", premium), ("Standard", standard))):
            rows.append(
                {**shown, "series": series, "rank": rank, "amount": float(zero(city[column]))}
            )
    return ranking(
        rows,
        ("Premium", "Standard"),
        (
            "Country",
            "Revenue",
            "Premium revenue",
            "Standard revenue",
            "Premium share",
            "Orders",
            "Premium orders",
        ),
        theme=theme,
        title="City",
        room=0.8,
    )


def known(name: str) -> str:
    """A name as people read it."""
    return "Unknown" if name == UNKNOWN else name


def top_products(
    products: pandas.DataFrame, currency: str, theme: str = "light", *, worst_first: bool = False
) -> altair.LayerChart:
    """The first products, stacked into net and cancelled; in order of revenue, most or least."""
    rows = []
    shown_products = products.head(TOP_PRODUCTS)
    shared = set(shown_products.loc[shown_products["name"].duplicated(keep=False), "name"])
    for product in shown_products.to_dict("records"):
        gross, net = zero(product["total_revenue"]), zero(product["net_revenue"])
        shown = {
            "name": known(product["name"])
            + (f" (no. {product['product_id']})" if product["name"] in shared else ""),
            "total": float(gross),
            "label": f"{figures.short_money(gross, currency)}  ·  "
            f"{figures.count(product['units_sold'])} sold",
            "Category": product["category"],
            "Revenue": figures.money(gross, currency),
            "Net revenue": figures.money(net, currency),
            "Units": figures.count(product["units_sold"]),
            "Orders": figures.count(product["total_orders"]),
        }
        for rank, (series, amount) in enumerate((("Net", net), ("Cancelled", gross - net))):
            rows.append({**shown, "series": series, "rank": rank, "amount": float(amount)})
    return ranking(
        rows,
        ("Net", "Cancelled"),
        ("Category", "Revenue", "Net revenue", "Units", "Orders"),
        theme=theme,
        title="Product",
        room=0.85,
        sort=altair.EncodingSortField("total", op="max", order="ascending")
        if worst_first
        else None,
    )


def category_ranking(
    categories: pandas.DataFrame, currency: str, theme: str = "light"
) -> altair.LayerChart:
    """All categories by revenue, stacked into net and cancelled."""
    rows = []
    for category in categories.to_dict("records"):
        gross, net = zero(category["total_revenue"]), zero(category["net_revenue"])
        shown = {
            "name": known(category["category"]),
            "total": float(gross),
            "label": f"{figures.short_money(gross, currency)}  ·  "
            f"{figures.count(category['units_sold'])} sold",
            "Revenue": figures.money(gross, currency),
            "Net revenue": figures.money(net, currency),
            "Units": figures.count(category["units_sold"]),
            "Orders": figures.count(category["total_orders"]),
        }
        for rank, (series, amount) in enumerate((("Net", net), ("Cancelled", gross - net))):
            rows.append({**shown, "series": series, "rank": rank, "amount": float(amount)})
    return ranking(
        rows,
        ("Net", "Cancelled"),
        ("Revenue", "Net revenue", "Units", "Orders"),
        theme=theme,
        title="Category",
        room=0.6,
    )


def order_status(
    statuses: pandas.DataFrame, currency: str, theme: str = "light"
) -> altair.LayerChart:
    """Orders by status in the order of their life, with counts and shares."""
    rank = {status: place for place, status in enumerate(LIFECYCLE)}
    rows: list[dict[str, Any]] = []
    for status in statuses.to_dict("records"):
        label = str(status["status"]).capitalize()
        orders = int(zero(status["orders"]))
        rows.append(
            {
                "name": label,
                "series": label,
                "rank": rank.get(status["status"], len(rank)),
                "amount": orders,
                "total": orders,
                "label": f"{figures.count(orders)}  ·  {figures.percent(status['share'])}",
                "Orders": figures.count(orders),
                "Share": figures.percent(status["share"]),
                **(
                    {"Revenue": figures.money(status["revenue"], currency)}
                    if "revenue" in status
                    else {}
                ),
            }
        )
    return ranking(
        rows,
        [row["series"] for row in sorted(rows, key=lambda row: row["rank"])],
        ("Orders", "Share", *(["Revenue"] if "revenue" in statuses else [])),
        theme=theme,
        title="Status",
        room=0.45,
        sort=altair.EncodingSortField("rank", op="min", order="ascending"),
        legend=False,
        row_height=46,
    )
