"""Data health: how current each table is, which rules fail, what is held back and why."""

from datetime import datetime

import streamlit

from dashboard import definitions, figures, markup, shell
from dashboard.screens.parts import tables
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.views import FRESHNESS, QUALITY, QUARANTINE

SUBTITLE = "Data health"


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, (QUARANTINE,), _body)


def _body(data: Snapshot, _: DashboardEnvironment, now: datetime) -> None:
    tables(data[FRESHNESS], now)
    _rules(data, now)
    _quarantine(data, now)


def _rules(data: Snapshot, now: datetime) -> None:
    quality = data[QUALITY]
    failing = len(figures.failed(quality))
    with streamlit.container(border=True):
        streamlit.subheader("Quality rules", help=definitions.FAILING_RULES, anchor=False)
        if quality.empty:
            streamlit.caption("No rule has been checked yet; the first merge does it.")
            return
        streamlit.caption(f"{len(quality) - failing} of {len(quality)} passed.")
        failed_first = quality.sort_values(
            ["outcome", "source_table", "rule"], kind="stable", ignore_index=True
        )
        streamlit.html(
            markup.table(
                ("Outcome", "Table", "Rule", "Why", "Checked"),
                [
                    (
                        ("✓ " if rule["outcome"] == "Passed" else "✗ ") + rule["outcome"],
                        rule["source_table"],
                        rule["rule"],
                        figures.optional(rule["failure_reason"]) or "",
                        figures.ago(rule["evaluated_at"], now),
                    )
                    for rule in failed_first.to_dict("records")
                ],
                numeric=(4,),
            )
        )


def _quarantine(data: Snapshot, now: datetime) -> None:
    quarantine = data[QUARANTINE]
    with streamlit.container(border=True):
        streamlit.subheader("Rows held back", help=definitions.QUARANTINED, anchor=False)
        if quarantine.empty:
            streamlit.caption("None: every row passed its rules.")
            return
        streamlit.html(
            markup.table(
                ("Table", "Broken rules", "Rows", "Last seen"),
                [
                    (
                        group["source_table"],
                        group["failed_rules"],
                        figures.count(group["rows"]),
                        figures.ago(group["last_seen"], now),
                    )
                    for group in quarantine.to_dict("records")
                ],
                numeric=(2, 3),
            )
        )
