"""Fulfilment: where the orders stand, which ones are stuck, how long each step takes."""

from datetime import datetime, timedelta
from functools import partial

import pandas
import streamlit

from dashboard import definitions, figures, flow, markup, shell, states
from dashboard.filters import Choice, Field
from dashboard.screens import overview, parts
from dashboard.screens.parts import Tile
from dashboard.selection import Selection, by_category
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.views import CATEGORIES, CITIES, ORDER_STATUS, OVERVIEW, SALES, STATUS_TIMES

SUBTITLE = "Fulfilment"
VIEWS = (OVERVIEW, CITIES, CATEGORIES, ORDER_STATUS, SALES, STATUS_TIMES)


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, VIEWS, _body)


def _body(data: Snapshot, settings: DashboardEnvironment, now: datetime) -> None:
    choice = parts.bar(data, list(Field))
    selection = Selection(data, choice, now.date())
    if not selection.totals().orders:
        states.show_nothing(str(choice))
        return
    found, rows = selection.statuses(), selection.rows()
    start, end = choice.period.span(now.date())
    times = data[STATUS_TIMES]
    times = times[(times["changed_on"] >= start) & (times["changed_on"] < end)]
    parts.tiles(_key_figures(selection, found, flow.step_times(times), now))
    parts.side_by_side(
        (1, 1),
        partial(overview.statuses, found, settings.currency, now),
        partial(_waiting, rows, now),
    )
    _times(times, choice)
    parts.side_by_side((3, 2), partial(_rate, selection), partial(_by_category, rows))


def _key_figures(
    selection: Selection, found: pandas.DataFrame, steps: pandas.DataFrame, now: datetime
) -> list[Tile]:
    totals, before = selection.totals(), selection.before()
    orders = {str(row["status"]): int(row["orders"]) for row in found.to_dict("records")}
    pending, shipped = orders.get("PENDING", 0), orders.get("SHIPPED", 0)
    oldest = figures.latest(found.loc[found["status"] == "PENDING", "oldest_created_at"])
    to_ship = steps[(steps["from_status"] == "PENDING") & (steps["to_status"] == "SHIPPED")]
    rate_before = before.cancel_rate if before else None
    return [
        Tile(
            "Open orders",
            figures.count(pending + shipped),
            f"of {figures.count(totals.orders)} orders",
            definitions.OPEN_ORDERS,
        ),
        Tile(
            "Pending",
            figures.count(pending),
            f"{figures.count(flow.stuck(selection.rows(), now))} for over a day",
            definitions.PENDING,
        ),
        Tile(
            "Oldest pending",
            figures.age(oldest, now) if oldest else "none",
            figures.instant(oldest) if oldest else "nothing waits",
            definitions.OLDEST_PENDING,
        ),
        Tile(
            "Until shipped",
            _minutes(int(to_ship["half"].iloc[0])) if len(to_ship) else figures.MISSING,
            f"nine of ten in {_minutes(int(to_ship['most'].iloc[0]))}"
            if len(to_ship)
            else "none was shipped",
            definitions.UNTIL_SHIPPED,
        ),
        Tile(
            "Cancel rate",
            figures.percent(totals.cancel_rate),
            f"{figures.percent(rate_before)} in {selection.choice.period.before}"
            if rate_before is not None
            else f"{figures.count(totals.cancelled)} orders",
            definitions.CANCEL_RATE,
        ),
    ]


def _waiting(rows: pandas.DataFrame, now: datetime) -> None:
    ages = flow.pending_by_age(rows, now)
    with parts.card("Pending by age", definitions.PENDING_BY_AGE, ages):
        if not ages["orders"].sum():
            streamlit.caption("No order is pending.")
            return
        streamlit.altair_chart(
            flow.waiting_chart(ages, shell.theme()),
            key="waiting",
            alt="Pending orders by how long they have waited",
        )
        waiting = flow.stuck(rows, now)
        streamlit.html(
            markup.callout(
                "Pending for over a day",
                figures.count(waiting) if waiting else "none",
                definitions.STUCK,
            )
        )


def _times(times: pandas.DataFrame, choice: Choice) -> None:
    steps = flow.step_times(times)
    with parts.card("Time between states", definitions.STEP_TIMES, steps):
        if steps.empty:
            streamlit.caption("No order has changed its state here yet.")
            return
        if choice.city or choice.category or choice.orders != Choice().orders:
            streamlit.caption("Of all orders: these times follow the period alone.")
        parts.side_by_side((1, 1), partial(_steps, steps), partial(_taking, times))


def _steps(steps: pandas.DataFrame) -> None:
    streamlit.html(
        markup.table(
            ("Step", "Orders", "Half within", "Nine of ten within"),
            [
                (
                    f"{step['from_status'].capitalize()} → {step['to_status'].capitalize()}",
                    figures.count(step["orders"]),
                    _minutes(step["half"]),
                    _minutes(step["most"]),
                )
                for step in steps.to_dict("records")
            ],
            numeric=(1, 2, 3),
        )
    )


def _taking(times: pandas.DataFrame) -> None:
    streamlit.altair_chart(
        flow.taking_chart(times), key="taking", alt="Orders by how long each step took"
    )


def _rate(selection: Selection) -> None:
    daily = selection.daily()
    with parts.card("Cancel rate by day", definitions.CANCEL_RATE_BY_DAY, daily):
        if daily.empty:
            streamlit.caption(parts.NOTHING)
            return
        streamlit.altair_chart(
            flow.cancel_rate(daily, selection.days),
            key="cancel rate",
            alt="Cancelled orders of each day in percent",
        )


def _by_category(rows: pandas.DataFrame) -> None:
    categories = by_category(rows)
    with parts.card("Cancel rate by category", definitions.CANCEL_RATE, categories):
        if categories.empty:
            streamlit.caption(parts.NOTHING)
            return
        streamlit.altair_chart(
            flow.cancelled_by_category(categories, shell.theme()),
            key="cancelled by category",
            alt="Cancelled orders of each category in percent",
        )


def _minutes(minutes: int) -> str:
    # The view keeps whole minutes, hours or days: the end of that span is what was not exceeded.
    unit = 1 if minutes < 60 else 60 if minutes < 2880 else 1440
    return figures.duration(timedelta(minutes=minutes + unit))
