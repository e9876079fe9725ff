"""The frame that all pages share: style, header, skeleton, refresh, and what happens on failure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import streamlit

from dashboard import figures, filters, markup, source, states
from dashboard.figures import Level
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.view import View
from dashboard.views import FRESHNESS, QUALITY, RECONCILIATION, TRUST
from lakehouse.errors import LakehouseError

Body = Callable[[Snapshot, DashboardEnvironment, datetime], None]
"""Draws a page's content from a snapshot, as of a moment in UTC."""


def page(
    settings: DashboardEnvironment, subtitle: str, views: tuple[View, ...], body: Body
) -> None:
    """Draws a whole page, and its content again every `refresh_seconds` without losing state.

    `views` are read together before anything is drawn; `body` may ask for more.
    """
    filters.arrive(subtitle)
    streamlit.html(markup.STYLE)
    streamlit.html(
        markup.header(
            settings.title,
            settings.stage,
            subtitle,
            f"Amounts in {settings.currency}, days in UTC. "
            f"Refreshes every {settings.refresh_seconds} s.",
        )
    )
    memory = f"snapshot of {subtitle}"

    def board() -> None:
        # Only ever the skeleton: to empty what holds the content would throw the reader to the top.
        waiting = streamlit.empty()
        if memory not in streamlit.session_state:
            waiting.html(markup.SKELETON)
        old: Snapshot | None = streamlit.session_state.get(memory)
        failure: LakehouseError | None = None
        current = old
        try:
            current = source.snapshot(settings, (*views, *TRUST), old)
        except LakehouseError as failed:
            failure = failed
        waiting.empty()
        _content(settings, current, failure, body)
        if current is not None:
            streamlit.session_state[memory] = current

    streamlit.fragment(board, run_every=timedelta(seconds=settings.refresh_seconds))()


def theme() -> str:
    """The reader's theme: `light` or `dark`."""
    return streamlit.context.theme.type or "light"


def _content(
    settings: DashboardEnvironment,
    current: Snapshot | None,
    failure: LakehouseError | None,
    body: Body,
) -> None:
    now = datetime.now(UTC)
    if current is None:
        assert failure is not None
        states.show(failure)
        return
    if failure is not None:
        states.show_above_old_figures(failure, current.read_at, now)
    stale_after = timedelta(minutes=settings.stale_after_minutes)
    trust = figures.trust(
        current[FRESHNESS], current[QUALITY], current[RECONCILIATION], now, stale_after
    )
    if failure is not None:
        since = figures.instant(current.read_at)
        trust = replace(trust, level=Level.STALE, headline=f"Not confirmed since {since}")
    elif trust.level is Level.STALE:
        states.show_stale(trust.last_ingested_at, now)
    streamlit.html(markup.trust_bar(trust, now))
    try:
        body(current, settings, now)
    except LakehouseError as failed:
        states.show(failed)
