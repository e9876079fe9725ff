"""What several pages are made of: cards, tiles, the revenue chart, the tables' freshness."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas
import streamlit

from dashboard import charts, definitions, exports, figures, filters, markup
from dashboard.filters import Choice, Field, place
from dashboard.selection import Selection
from dashboard.source import Snapshot
from dashboard.views import CATEGORIES, CITIES

NOTHING: Final = "Nothing here yet: the next run fills it."
NO_ORDERS: Final = "No orders here."


@dataclass(frozen=True)
class Tile:
    """One key figure: what it is, its value, and what puts it in proportion."""

    label: str
    value: str
    context: str
    meaning: str
    change: float | None = None
    """In percent against the period before; more is better."""


def tiles(shown: Sequence[Tile]) -> None:
    """Draws the key figures side by side."""
    for column, tile in zip(streamlit.columns(len(shown)), shown, strict=True):
        has_change = tile.change is not None
        column.metric(
            tile.label,
            markdown(tile.value),
            f"{tile.change:+.1f}%" if has_change else markdown(tile.context),
            delta_color="normal" if has_change else "off",
            delta_arrow="auto" if has_change else "off",
            delta_description=markdown(tile.context) if has_change else None,
            help=tile.meaning,
            border=True,
        )


@contextmanager
def card(title: str, meaning: str, shown: pandas.DataFrame | None = None) -> Iterator[None]:
    """A frame with a heading, its definition, and what is `shown` as a file."""
    with streamlit.container(border=True, height="stretch"):
        with streamlit.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            streamlit.header(title, help=meaning, anchor=False, width="content")
            if shown is not None and not shown.empty:
                exports.button(shown, title.lower().replace(" ", "-"))
        yield


def bar(data: Snapshot, fields: Sequence[Field]) -> Choice:
    """Draws the filters of a page with the cities and categories that there are."""
    cities, categories = data[CITIES], data[CATEGORIES]
    places = [place(*pair) for pair in cities[["city", "country"]].itertuples(index=False)]
    return filters.bar(fields, places, categories["category"])


def revenue(selection: Selection, currency: str, title: str = "Revenue over time") -> None:
    """Draws revenue by day, or by month where a filter bears on a long history."""
    daily = selection.daily()
    with card(title, definitions.REVENUE_OVER_TIME, daily):
        if daily.empty:
            streamlit.caption(NOTHING if selection.choice.is_everything else NO_ORDERS)
            return
        week = figures.week_on_week(daily, selection.today)
        if week and selection.choice.is_everything:
            last, change = week
            streamlit.caption(
                f"{markdown(figures.money(last.total_revenue, currency))} in the last 7 days, "
                f"**{change:+.1f}%** against the 7 days before"
            )
        first, last = selection.days or (daily["sale_date"].min(), daily["sale_date"].max())
        is_by_day = (last - first).days <= charts.LONG_HISTORY_DAYS
        if is_by_day and daily["sale_date"].max() == selection.today:
            streamlit.caption("The last bar is today so far (UTC).")
        streamlit.altair_chart(
            charts.revenue_over_time(
                daily, currency, selection.days, by_month=not selection.choice.is_everything
            ),
            key=f"revenue of {title}",
            alt="Revenue of each day, net and cancelled",
        )


def tables(freshness: pandas.DataFrame, now: datetime) -> None:
    """Draws how current each source table is."""
    with card("Where the figures come from", definitions.TABLES, freshness):
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


def side_by_side(widths: Sequence[float], *draw: Callable[[], None]) -> None:
    """Draws each of `draw` in a column of its own."""
    for column, one in zip(streamlit.columns(list(widths)), draw, strict=True):
        with column:
            one()


def markdown(text: str) -> str:
    """`text` as it is, where Streamlit would read dollars as mathematics."""
    return text.replace("$", "\\$")
