"""What the charts are made of: colours, axes, tooltips, and the horizontal ranking."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import altair
import pandas

from dashboard import figures

SERIES: Final = (
    "Premium", "Standard", "Net", "Cancelled", "Pending", "Shipped", "Delivered", "Succeeded",
    "Failed",
)  # fmt: skip
"""Every coloured name, in the order of the theme's `chartCategoricalColors`."""
INK: Final = {"light": "#3A4756", "dark": "#C6D0DB"}
"""Colour of the texts inside a chart, by theme; Streamlit's theme leaves them black."""
ROW_HEIGHT: Final = 27
PADDING: Final = {"left": 0, "top": 4, "right": 0, "bottom": 0}


def ranking(
    rows: list[dict[str, Any]],
    series: Sequence[str],
    tooltips: Sequence[str],
    *,
    theme: str,
    title: str,
    room: float,
    sort: Any = None,
    legend: bool = True,
    row_height: int = ROW_HEIGHT,
) -> altair.LayerChart:
    """Horizontal stacked bars, one row per `name`, with `label` behind each; `room` for it."""
    sort = sort or altair.EncodingSortField("total", op="max", order="descending")
    longest = max((row["total"] for row in rows), default=0) or 1
    base = altair.Chart(pandas.DataFrame(rows)).encode(
        y=altair.Y(
            "name:N",
            title=None,
            sort=sort,
            axis=altair.Axis(ticks=False, domain=False, labelLimit=190, labelPadding=8),
        ),
        tooltip=[altair.Tooltip("name:N", title=title), *texts(*tooltips)],
    )
    scale = altair.Scale(domain=[0, longest * (1 + room)], nice=False)
    bars = base.mark_bar(cornerRadiusEnd=2, height={"band": 0.68}).encode(
        x=altair.X("amount:Q", axis=None, scale=scale, stack="zero"),
        color=color(series, legend=legend),
        order="rank:Q",
    )
    first = "datum.rank == 0" if legend else "true"
    labels = (
        base.transform_filter(first)
        .mark_text(align="left", dx=7, fontSize=12, color=INK[theme])
        .encode(x=altair.X("total:Q", scale=scale), text="label:N")
    )
    names = len({row["name"] for row in rows})
    layered: altair.LayerChart = (
        altair.layer(bars, labels)
        .properties(height=max(names, 1) * row_height + (34 if legend else 0), padding=PADDING)
        .configure_view(stroke=None)
    )
    return layered


def color(shown: Sequence[str], legend: bool = True) -> altair.Color:
    """Encodes `series` so that each name keeps its colour; the legend has only those `shown`."""
    unknown = [name for name in shown if name not in SERIES]
    key = altair.Legend(
        title=None, orient="top", values=list(shown), symbolType="square", offset=4, padding=0
    )
    return altair.Color(
        "series:N",
        scale=altair.Scale(domain=[*SERIES, *unknown]),
        legend=key if legend else None,
    )


def money_axis(currency: str) -> altair.Axis:
    """An axis that reads `$10k`, `$1.5M`, `$2B`."""
    sign = figures.SYMBOLS.get(currency, f"{currency} ")
    expression = f"'{sign}' + replace(format(datum.value, '~s'), 'G', 'B')"
    return altair.Axis(labelExpr=expression, tickCount=5, domain=False, ticks=False)


def texts(*names: str) -> list[altair.Tooltip]:
    """Tooltip lines of columns that already hold text."""
    return [altair.Tooltip(f"{name}:N", title=name) for name in names]


def utc_day(day: Any) -> dict[str, Any]:
    """A date as Vega-Lite takes it in a domain, free of the reader's time zone."""
    stamp = pandas.Timestamp(day)
    return altair.DateTime(year=stamp.year, month=stamp.month, date=stamp.day, utc=True).to_dict()


def zero(value: Any) -> Decimal:
    """`value`, exactly; 0 where there is none."""
    return Decimal(0) if figures.optional(value) is None else Decimal(str(value))
