"""Cities on the map of the world, by the coordinates that ship with the project."""

import json
from pathlib import Path
from typing import Any, Final

import altair
import pandas

from dashboard import figures
from dashboard.drawing import texts, zero
from dashboard.filters import place
from lakehouse import geography

SELECTION: Final = "picked"
"""Name of the selection that a click makes; it holds the city's name by `filters.place`."""
HEIGHT: Final = 390
_LAND: Final = json.loads((Path(__file__).parent / "data" / "land.json").read_text("utf-8"))
_GROUND: Final = {"light": "#E4E9EF", "dark": "#243040"}
_COAST: Final = {"light": "#FFFFFF", "dark": "#0F151D"}
_SHARES: Final = {"light": ["#B9D3EA", "#0B3F73"], "dark": ["#35506B", "#A9DBFF"]}
_RING: Final = {"light": "#D55E00", "dark": "#F0803C"}


def city_map(
    cities: pandas.DataFrame, currency: str, chosen: str | None, theme: str = "light"
) -> altair.LayerChart:
    """Circles as large as a city's revenue, as dark as its premium share; `chosen` has a ring."""
    rows = [row for row in map(_row(currency), cities.to_dict("records")) if row]
    land = altair.Data(values=_LAND, format={"type": "topojson", "feature": "land"})
    ground = altair.Chart(land).mark_geoshape(
        fill=_GROUND[theme], stroke=_COAST[theme], strokeWidth=0.6, aria=False
    )
    picked = altair.selection_point(name=SELECTION, fields=["name"], on="click", empty=True)
    frame = pandas.DataFrame(rows, columns=[*_COLUMNS])
    circles = (
        altair.Chart(frame)
        .mark_circle(opacity=0.85, strokeWidth=1, stroke=_COAST[theme], cursor="pointer")
        .encode(
            longitude="longitude:Q",
            latitude="latitude:Q",
            size=altair.Size(
                "amount:Q", scale=altair.Scale(range=[14, 700], zero=True), legend=None
            ),
            color=altair.Color(
                "share:Q",
                scale=altair.Scale(domain=[0, 100], range=_SHARES[theme]),
                legend=altair.Legend(
                    title="Premium share, %", orient="bottom-left", gradientLength=120,
                    direction="horizontal", tickCount=3,
                ),
            ),
            tooltip=[altair.Tooltip("name:N", title="City"), *texts(*_TOLD)],
            description="aloud:N",
            order=altair.Order("amount:Q", sort="descending"),
        )
        .add_params(picked)
    )  # fmt: skip
    around = frame[frame["name"] == (chosen or "")]
    ring = (
        altair.Chart(around)
        .mark_point(size=900, color=_RING[theme], strokeWidth=2.5, filled=False)
        .encode(longitude="longitude:Q", latitude="latitude:Q")
    )
    layers = [ground, circles] if around.empty else [ground, circles, ring]
    layered: altair.LayerChart = (
        altair.layer(*layers)
        .project("equalEarth")
        .properties(height=HEIGHT, padding=0)
        .configure_view(stroke=None)
    )
    return layered


def unplaced(cities: pandas.DataFrame) -> int:
    """Number of cities whose coordinates are not known."""
    return sum(_found(city) is None for city in cities.to_dict("records"))


_TOLD: Final = ("Revenue", "Premium share", "Orders", "Premium orders", "Standard orders")
_COLUMNS: Final = ("name", "latitude", "longitude", "amount", "share", "aloud", *_TOLD)


def _found(city: dict[str, Any]) -> geography.City | None:
    known = geography.cities().get(city["city"])
    if known is None or city["country"] not in (known.country, known.country_code):
        return None
    return known


def _row(currency: str) -> Any:
    def row(city: dict[str, Any]) -> dict[str, Any] | None:
        where = _found(city)
        if where is None:
            return None
        return {
            "name": place(city["city"], city["country"]),
            "latitude": where.latitude,
            "longitude": where.longitude,
            "amount": float(zero(city["total_revenue"])),
            "share": float(zero(city["premium_market_share"])),
            "aloud": f"{place(city['city'], city['country'])}: "
            f"{figures.money(city['total_revenue'], currency)} revenue, "
            f"{figures.percent(city['premium_market_share'])} premium, "
            f"{figures.count(city['total_orders'])} orders",
            "Revenue": figures.money(city["total_revenue"], currency),
            "Premium share": figures.percent(city["premium_market_share"]),
            "Orders": figures.count(city["total_orders"]),
            "Premium orders": figures.count(city["premium_orders"]),
            "Standard orders": figures.count(city["standard_orders"]),
        }

    return row
