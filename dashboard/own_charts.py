"""Charts of figures that nobody has seen before: every mark is one row, nothing is added up."""

from collections.abc import Sequence
from typing import Any, Final

import altair
import pandas

from dashboard import figures
from dashboard.drawing import PADDING, SERIES, ranking, texts
from dashboard.queries import kind_of
from dashboard.settings import OwnFigures
from dashboard.view import Kind
from lakehouse.own_gold import Chart

TOP_ROWS: Final = 15
COLORS: Final = ("#0B5FA5", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7")
"""Of Okabe and Ito, told apart by colour-blind people too; as many lines are drawn."""
_MEASURES: Final = (Kind.COUNT, Kind.DECIMAL, Kind.NUMBER)
_TIMES: Final = (Kind.DATE, Kind.TIMESTAMP)


def measures(own: OwnFigures, rows: pandas.DataFrame) -> list[str]:
    """The columns that can be drawn."""
    names = [str(name) for name in rows.columns if name not in own.grain]
    return [name for name in names if kind_of(rows[name]) in _MEASURES]


def is_line(own: OwnFigures, rows: pandas.DataFrame) -> bool:
    """Whether the rows are drawn along a time."""
    return own.chart != Chart.BAR and kind_of(rows[own.grain[0]]) in _TIMES


def over_time(own: OwnFigures, rows: pandas.DataFrame, measure: str) -> altair.Chart:
    """A line along the first column of the grain, one for each value of the others."""
    time, *others = own.grain
    shown = rows[rows[measure].notna() & rows[time].notna()]
    points = [
        {
            "at": str(row[time]) if kind_of(rows[time]) is Kind.DATE else row[time].isoformat(),
            "series": name_of(row, others),
            "amount": float(row[measure]),
            words(time): text(row[time]),
            words(measure): text(row[measure]),
        }
        for row in shown.to_dict("records")
    ]
    frame = pandas.DataFrame(points)
    leading = _leading(frame)
    frame = frame[frame["series"].isin(leading)]
    drawn: altair.Chart = (
        altair.Chart(frame)
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=altair.X(
                "at:T", title=None, scale=altair.Scale(type="utc"), axis=altair.Axis(grid=False)
            ),
            y=altair.Y("amount:Q", title=None, axis=altair.Axis(domain=False, ticks=False)),
            color=altair.Color(
                "series:N",
                scale=altair.Scale(domain=leading, range=list(COLORS[: len(leading)])),
                legend=altair.Legend(title=None, orient="top") if others else None,
            ),
            tooltip=[
                *([altair.Tooltip("series:N", title="Of")] if others else []),
                *texts(words(time), words(measure)),
            ],
        )
        .properties(height=280, padding=PADDING)
    )
    return drawn


def _leading(points: pandas.DataFrame) -> list[str]:
    sums = points.groupby("series")["amount"].sum().sort_values(ascending=False, kind="stable")
    return [str(name) for name in sums.head(len(COLORS)).index]


def bars(
    own: OwnFigures, rows: pandas.DataFrame, measure: str, theme: str
) -> altair.LayerChart | None:
    """The rows with the most of `measure`; None where no row has any that is above zero."""
    shown = rows[rows[measure].notna()]
    order = shown[measure].astype("float64").sort_values(ascending=False, kind="stable").index
    leading = shown.loc[order[:TOP_ROWS]]
    if leading.empty or float(leading.iloc[0][measure]) <= 0:
        return None
    drawn = [
        {
            "name": name_of(row, own.grain),
            "series": SERIES[0],
            "rank": 0,
            "amount": float(row[measure]),
            "total": float(row[measure]),
            "label": text(row[measure]),
            words(measure): text(row[measure]),
        }
        for row in leading.to_dict("records")
    ]
    return ranking(
        drawn, [SERIES[0]], (words(measure),), theme=theme, title=words(own.grain[0]), room=0.3,
        legend=False,
    )  # fmt: skip


def remark(own: OwnFigures, rows: pandas.DataFrame) -> str:
    """What a chart leaves out, in a few words; empty where it shows all."""
    if not is_line(own, rows):
        return f"The first {TOP_ROWS} of {len(rows):,}." if len(rows) > TOP_ROWS else ""
    lines = len(rows[list(own.grain[1:])].drop_duplicates()) if own.grain[1:] else 1
    return f"The largest {len(COLORS)} of {lines:,}." if lines > len(COLORS) else ""


def name_of(row: dict[Any, Any], columns: Sequence[str]) -> str:
    """What tells a row apart, in a few words."""
    return " · ".join(text(row[column]) for column in columns)


def words(name: str) -> str:
    """A column's name for people."""
    return name.replace("_", " ").capitalize()


def text(value: Any) -> str:
    """A value for people: thousands separated, times in UTC."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if figures.optional(value) is None:
        return figures.MISSING
    if isinstance(value, pandas.Timestamp):
        return figures.instant(value.to_pydatetime())
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, str) or not hasattr(value, "real"):
        return str(value)
    return f"{value:,}"
