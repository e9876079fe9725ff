"""The prices of products over time."""

from datetime import datetime
from typing import Final

import altair
import pandas

from dashboard import figures
from dashboard.drawing import PADDING, money_axis, texts

_LINE: Final = {"light": "#0B5FA5", "dark": "#5CB3F0"}


def price_steps(
    prices: pandas.DataFrame, currency: str, now: datetime, theme: str = "light"
) -> altair.LayerChart:
    """One product's price as steps, from its first to now; `prices` are its `v_price_history`."""
    ordered = prices.sort_values("valid_from", kind="stable")
    rows = [
        {
            "at": row["valid_from"].isoformat(),
            "price": float(row["price"]),
            "Price": figures.money(row["price"], currency),
            "Before": figures.money(row["previous_price"], currency),
            "From": figures.instant(row["valid_from"]),
        }
        for row in ordered.to_dict("records")
    ]
    until = {**rows[-1], "at": now.isoformat()}
    top = max(row["price"] for row in rows)
    x = altair.X(
        "at:T", title=None, scale=altair.Scale(type="utc"),
        axis=altair.Axis(grid=False, tickCount=6, labelOverlap=True),
    )  # fmt: skip
    y = altair.Y(
        "price:Q",
        title=None,
        scale=altair.Scale(domain=[0, top * 1.15], nice=False),
        axis=money_axis(currency),
    )
    line = (
        altair.Chart(pandas.DataFrame([*rows, until]))
        .mark_line(interpolate="step-after", color=_LINE[theme], strokeWidth=2.5)
        .encode(x=x, y=y)
    )
    points = (
        altair.Chart(pandas.DataFrame(rows))
        .mark_circle(size=70, color=_LINE[theme], opacity=1)
        .encode(x=x, y=y, tooltip=texts("Price", "Before", "From"))
    )
    layered: altair.LayerChart = altair.layer(line, points).properties(height=250, padding=PADDING)
    return layered
