"""What the page says when it has no figures, or old ones: one message per cause, and the remedy."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import streamlit

from dashboard import figures, filters, markup
from dashboard.failures import (
    EmptyLakeError,
    OutdatedViewError,
    PermissionRefusedError,
    QueryServiceError,
)
from dashboard.figures import Level
from lakehouse.errors import ConfigurationError, LakehouseError


@dataclass(frozen=True)
class State:
    """A message without figures."""

    level: Level
    title: str
    text: str
    remedies: tuple[str, ...]


STATES: Final[dict[type[LakehouseError], State]] = {
    EmptyLakeError: State(
        Level.ATTENTION,
        "The first run has not finished",
        "There are no figures yet. They appear here by themselves when the first run of the "
        "pipeline has ended, usually within a few minutes.",
        (
            "Nothing after ten minutes? Look at the latest execution of the state machine: "
            "it names the step that failed and why.",
            "Tables of your own, not the shop's? These figures need the shop's; Data health tells "
            "of yours.",
        ),
    ),
    OutdatedViewError: State(
        Level.ATTENTION,
        "The views don't fit this version of the dashboard",
        "A view of the gold database was made by another version, or its table has changed since.",
        (
            "Run the pipeline once: it creates the views anew.",
            "If that does not help, deploy the pipeline and the dashboard from the same version.",
        ),
    ),
    PermissionRefusedError: State(
        Level.STALE,
        "The dashboard may not read the figures",
        "AWS refused the dashboard's role, or its credentials are missing or have expired.",
        (
            "The role must be allowed to use the Athena workgroup, to read the gold database in "
            "Glue, and to read the gold bucket and the workgroup's result location in S3.",
            "The details below name what was refused.",
        ),
    ),
    QueryServiceError: State(
        Level.STALE,
        "Athena does not answer",
        "The figures could not be read. Nothing is lost: the data is safe in the lake, and this "
        "page tries again by itself.",
        (
            "If it lasts, look at the failed query in the workgroup's history in Athena.",
            "On a local AWS, check that it is still running.",
        ),
    ),
    ConfigurationError: State(
        Level.STALE,
        "The dashboard is not set up",
        "A setting that the dashboard needs is missing or malformed.",
        ("Set the environment variable named below, then start the dashboard again.",),
    ),
}


def show(failure: LakehouseError) -> None:
    """Draws the state that stands for `failure`, in place of the figures."""
    state = next(state for kind, state in STATES.items() if isinstance(failure, kind))
    streamlit.html(markup.notice(state.level, state.title, state.text, state.remedies))
    with streamlit.expander("Details"):
        streamlit.code(str(failure), language=None, wrap_lines=True)


def show_above_old_figures(failure: LakehouseError, read_at: datetime, now: datetime) -> None:
    """Draws a warning for figures that were read before `failure`."""
    state = next(state for kind, state in STATES.items() if isinstance(failure, kind))
    streamlit.html(
        markup.notice(
            Level.STALE,
            state.title,
            f"You see the figures as they were {figures.ago(read_at, now)}. The page goes on "
            "trying; no need to reload.",
        )
    )
    with streamlit.expander("Details"):
        streamlit.code(str(failure), language=None, wrap_lines=True)


def show_stale(newest: datetime | None, now: datetime) -> None:
    """Draws a warning for a lake that has not taken in anything for too long."""
    streamlit.html(
        markup.notice(
            Level.STALE,
            "Nothing new has arrived for a while",
            f"The last changes were taken over {figures.ago(newest, now)}. Either the shop has "
            "been quiet since, or the pipeline stands still.",
            ("Look at the latest execution of the state machine, and whether its schedule is on.",),
        )
    )


def show_nothing(choice: str) -> None:
    """Draws the message for filters that leave no order, with the way back."""
    streamlit.html(
        markup.notice(
            Level.ATTENTION,
            "No orders match these filters",
            f"Nothing was ordered for: {choice}.",
            ("Take a longer period, or clear the filters.",),
        )
    )
    streamlit.button("Show everything", on_click=filters.clear, icon=":material/restart_alt:")
