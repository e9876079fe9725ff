"""Your figures: the tables and views of gold that SQL files beside the contracts make."""

from datetime import datetime
from functools import partial
from typing import Final

import pandas
import streamlit

from dashboard import filters, markup, own_charts, queries, shell, states
from dashboard.failures import EmptyLakeError
from dashboard.own_charts import text, words
from dashboard.screens import parts
from dashboard.settings import DashboardEnvironment, OwnFigures
from dashboard.source import Snapshot
from dashboard.view import View
from dashboard.views import FRESHNESS
from lakehouse.errors import LakehouseError
from lakehouse.own_gold import Chart

SUBTITLE = "Your figures"
MOST_ROWS: Final = 10_000
Read = tuple[pandas.DataFrame | None, LakehouseError | None]
"""The rows, or why there are none: one that fails leaves the others."""
_TABLE_ROWS: Final = 20


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, (), _body)


def view_of(own: OwnFigures) -> View:
    """How the figures are read: all columns, in the order of the grain."""
    order = ", ".join(f'"{name}"' for name in own.grain)
    return View(own.name, {}, order_by=order, limit=MOST_ROWS, is_timed=own.is_timed)


def _body(data: Snapshot, settings: DashboardEnvironment, now: datetime) -> None:
    found = queries.load(map(view_of, settings.own_gold), partial(_read, data))
    for own in settings.own_gold:
        _card(own, *found[own.name])
    parts.tables(data[FRESHNESS], now)


def _read(data: Snapshot, view: View) -> Read:
    try:
        return data[view], None
    except LakehouseError as failed:
        return None, failed


def _card(own: OwnFigures, rows: pandas.DataFrame | None, failure: LakehouseError | None) -> None:
    grain = ", ".join(map(words, own.grain))
    with parts.card(words(own.name), f"One row for each {grain}.", rows):
        streamlit.caption(parts.markdown(own.title))
        if isinstance(failure, EmptyLakeError):
            streamlit.caption("Not computed yet: the next run that brings news makes it.")
        elif failure is not None:
            states.show(failure)
        elif rows is None or rows.empty:
            streamlit.caption("No rows.")
        else:
            _chart(own, rows)
            _table(own, rows)


def _chart(own: OwnFigures, rows: pandas.DataFrame) -> None:
    drawable = own_charts.measures(own, rows)
    if own.chart == Chart.NONE or not drawable:
        return
    by_words = {words(name): name for name in drawable}
    measure = drawable[0]
    if len(by_words) > 1:
        measure = by_words[filters.pick("Figure", f"figure_{own.name}", list(by_words))]
    if own_charts.is_line(own, rows):
        chart = own_charts.over_time(own, rows, measure)
    else:
        chart = own_charts.bars(own, rows, measure, shell.theme())
    if chart is None:
        return
    streamlit.altair_chart(
        chart,
        key=f"chart of {own.name}",
        alt=f"{words(measure)} by {', '.join(map(words, own.grain))}",
    )
    if left_out := own_charts.remark(own, rows):
        streamlit.caption(left_out)


def _table(own: OwnFigures, rows: pandas.DataFrame) -> None:
    names = [str(name) for name in rows.columns]
    numeric = [names.index(name) for name in own_charts.measures(own, rows)]
    with streamlit.expander("Rows"):
        streamlit.html(
            markup.table(
                [words(name) for name in names],
                [
                    [text(value) for value in row]
                    for row in rows.head(_TABLE_ROWS).itertuples(index=False)
                ],
                numeric=numeric,
            )
        )
        more = "or more; these are the first" if len(rows) == MOST_ROWS else "in all"
        streamlit.caption(f"{len(rows):,} rows {more}. The file has them all.")
