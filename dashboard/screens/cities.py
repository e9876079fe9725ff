"""Cities: where the orders come from, what premium orders bring there, and one city in depth."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

import pandas
import streamlit

from dashboard import definitions, figures, maps, markup, shell, states
from dashboard.filters import EVERY_CITY, Field, choose, place
from dashboard.screens import overview, parts
from dashboard.screens.parts import Tile
from dashboard.selection import Selection
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.views import CATEGORIES, CITIES, OVERVIEW
from lakehouse.gold import UNKNOWN

SUBTITLE = "Cities"
VIEWS = (OVERVIEW, CITIES, CATEGORIES)
LISTED: Final = 15
_MAP: Final = "map"


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, VIEWS, _body)


def _body(data: Snapshot, settings: DashboardEnvironment, now: datetime) -> None:
    currency = settings.currency
    choice = parts.bar(data, list(Field))
    everywhere = Selection(data, replace(choice, city=None), now.date())
    totals, cities = everywhere.totals(), everywhere.cities()
    if not totals.orders:
        states.show_nothing(str(everywhere.choice))
        return
    if cities.empty:
        streamlit.caption(parts.NOTHING)
        return
    if choice.city:
        _one_city(Selection(data, choice, now.date()), cities, currency)
    else:
        parts.tiles(_key_figures(cities, totals.total_revenue, currency))
    parts.side_by_side(
        (2, 1),
        partial(_map, cities, currency, choice.city),
        partial(_kinds, cities, currency),
    )
    with parts.card("Leading cities", definitions.CITIES, cities):
        overview.ranking(cities, currency, "ranking")
    _table(cities, currency)


def _key_figures(cities: pandas.DataFrame, total: Decimal, currency: str) -> list[Tile]:
    known = cities[cities["city"] != UNKNOWN]
    leading = known.sort_values("total_revenue", ascending=False, kind="stable")
    first = leading.iloc[0] if len(leading) else None
    ten = sum(leading.head(10)["total_revenue"], Decimal(0))
    premium = sum(cities["premium_revenue"], Decimal(0))
    countries = known["country"].nunique()
    return [
        Tile(
            "Cities",
            figures.count(len(known)),
            f"in {figures.count(countries)} {'country' if countries == 1 else 'countries'}",
            definitions.CITIES_COUNTED,
        ),
        Tile(
            "Leading city",
            figures.MISSING if first is None else str(first["city"]),
            "" if first is None else figures.money(first["total_revenue"], currency),
            definitions.LEADING_CITY,
        ),
        Tile(
            "Ten leading cities",
            figures.percent(ten * 100 / total if total else None),
            f"{figures.money(ten, currency)} of revenue",
            definitions.TEN_CITIES,
        ),
        Tile(
            "Premium market share",
            figures.percent(premium * 100 / total if total else Decimal(0)),
            f"{figures.money(premium, currency)} of revenue",
            definitions.PREMIUM_MARKET_SHARE,
        ),
    ]


def _map(cities: pandas.DataFrame, currency: str, chosen: str | None) -> None:
    with parts.card("Map", definitions.MAP, cities):
        streamlit.altair_chart(
            maps.city_map(cities, currency, chosen, shell.theme()),
            key=_MAP,
            on_select=_picked,
            selection_mode=maps.SELECTION,
            alt="World map: revenue and premium share of each city; the table below lists them",
        )
        missing = maps.unplaced(cities)
        left_out = f" {missing:,} without known coordinates left out." if missing else ""
        streamlit.caption(f"Click on a city, or choose it above, to look into it.{left_out}")


def _picked() -> None:
    state: Mapping[str, Any] = streamlit.session_state.get(_MAP, {})
    points = state.get("selection", {}).get(maps.SELECTION, [])
    choose(Field.CITY, str(points[0]["name"]) if points else EVERY_CITY)


def _kinds(cities: pandas.DataFrame, currency: str) -> None:
    kinds = pandas.DataFrame(
        [
            {
                "kind": kind.capitalize(),
                "orders": int(cities[f"{kind}_orders"].sum()),
                "revenue": sum(cities[f"{kind}_revenue"], Decimal(0)),
            }
            for kind in ("premium", "standard")
        ]
    )
    orders, revenue = int(kinds["orders"].sum()), sum(kinds["revenue"], Decimal(0))
    with parts.card("Premium against standard", definitions.PREMIUM_AGAINST_STANDARD, kinds):
        streamlit.html(
            markup.table(
                ("Figure", *kinds["kind"]),
                [
                    ("Orders", *map(figures.count, kinds["orders"])),
                    (
                        "of all orders",
                        *[figures.percent(Decimal(n) * 100 / orders) for n in kinds["orders"]],
                    ),
                    (
                        "Revenue",
                        *[figures.short_money(sum_, currency) for sum_ in kinds["revenue"]],
                    ),
                    (
                        "of all revenue",
                        *[
                            figures.percent(sum_ * 100 / revenue if revenue else None)
                            for sum_ in kinds["revenue"]
                        ],
                    ),
                    (
                        "Average order",
                        *[
                            figures.money(sum_ / n if n else None, currency)
                            for sum_, n in kinds[["revenue", "orders"]].itertuples(index=False)
                        ],
                    ),
                ],
                numeric=(1, 2),
            )
        )
        known = cities[(cities["city"] != UNKNOWN) & (cities["total_orders"] >= 5)]
        if len(known) > 1:
            ordered = known.sort_values("premium_market_share", kind="stable")
            for label, row in (
                ("Highest premium share", ordered.iloc[-1]),
                ("Lowest premium share", ordered.iloc[0]),
            ):
                streamlit.html(
                    markup.callout(
                        f"{label}: {row['city']}",
                        figures.percent(row["premium_market_share"]),
                        "Among the cities with five orders or more.",
                    )
                )


def _one_city(selection: Selection, cities: pandas.DataFrame, currency: str) -> None:
    city = str(selection.choice.city)
    totals = selection.totals()
    if not totals.orders:
        states.show_nothing(str(selection.choice))
        return
    ranked = cities.sort_values("total_revenue", ascending=False, kind="stable")
    names = [place(*pair) for pair in ranked[["city", "country"]].itertuples(index=False)]
    streamlit.html(
        markup.heading(city, f"No. {names.index(city) + 1} of {len(names):,} by revenue")
    )
    parts.tiles(overview.key_figures(selection, totals, currency))
    parts.side_by_side(
        (2, 1),
        partial(parts.revenue, selection, currency, "Revenue of this city"),
        partial(overview.categories, selection.categories(), currency),
    )


def _table(cities: pandas.DataFrame, currency: str) -> None:
    with parts.card("All cities", definitions.CITIES, cities):
        streamlit.html(
            markup.table(
                ("Rank", "City", "Orders", "Revenue", "Net revenue", "Premium revenue",
                 "Standard revenue", "Premium share", "Cancelled"),
                [
                    (
                        f"{rank:,}",
                        place(city["city"], city["country"]),
                        figures.count(city["total_orders"]),
                        figures.money(city["total_revenue"], currency),
                        figures.money(city["net_revenue"], currency),
                        figures.money(city["premium_revenue"], currency),
                        figures.money(city["standard_revenue"], currency),
                        figures.percent(city["premium_market_share"]),
                        figures.count(city["cancelled_orders"]),
                    )
                    for rank, city in enumerate(cities.head(LISTED).to_dict("records"), 1)
                ],
                numeric=(0, 2, 3, 4, 5, 6, 7, 8),
            )
        )  # fmt: skip
        if len(cities) > LISTED:
            streamlit.caption(f"The first {LISTED} of {len(cities):,}; the CSV has all.")
