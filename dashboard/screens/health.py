"""Data health: whether the runs ran, whether the layers agree, which rows are held back and why."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

import pandas
import streamlit

from dashboard import definitions, figures, markup, receipts, shell
from dashboard.meter import METER, Usage
from dashboard.screens import parts
from dashboard.screens.parts import Tile
from dashboard.settings import DashboardEnvironment
from dashboard.source import Snapshot
from dashboard.views import FRESHNESS, QUALITY, QUARANTINE, RECONCILIATION, RUNS

SUBTITLE = "Data health"
VIEWS = (QUARANTINE, RUNS)
LISTED_RUNS: Final = 10


def draw(settings: DashboardEnvironment) -> None:
    """Draws the page."""
    shell.page(settings, SUBTITLE, VIEWS, _body)


def _body(data: Snapshot, _: DashboardEnvironment, now: datetime) -> None:
    runs = data[RUNS]
    parts.tiles(_key_figures(runs, data[QUALITY], now))
    parts.tables(data[FRESHNESS], now)
    _reconciliation(data[RECONCILIATION], now)
    _runs(runs, now)
    _watermarks(runs, now)
    _rules(data[QUALITY], now)
    parts.side_by_side((1, 1), partial(_quarantine, data[QUARANTINE], now), _queries)


def _key_figures(runs: pandas.DataFrame, quality: pandas.DataFrame, now: datetime) -> list[Tile]:
    last = runs.iloc[0] if len(runs) else None
    failed = int((runs["outcome"] != "SUCCEEDED").sum())
    evaluations, passes = int(quality["evaluations"].sum()), int(quality["passes"].sum())
    asked = _together(METER.by_view())
    return [
        Tile(
            "Last run",
            "none" if last is None else receipts.OUTCOMES.get(last["outcome"], "Failed"),
            "nothing has run yet" if last is None else figures.ago(last["ended_at"], now),
            definitions.LAST_RUN,
        ),
        Tile(
            "Runs that failed",
            f"{failed:,} of {len(runs):,}",
            "among the newest",
            definitions.FAILED_RUNS,
        ),
        Tile(
            "Runs of today",
            receipts.dollars(receipts.spent(runs, now.date())),
            f"{receipts.seconds(runs['seconds'].median() if len(runs) else None)} in the median",
            definitions.RUN_COST,
        ),
        Tile(
            "Rules passed",
            figures.percent(Decimal(passes) * 100 / evaluations if evaluations else None),
            f"of {evaluations:,} checks",
            definitions.CHECKS_PASSED,
        ),
        Tile(
            "This dashboard",
            receipts.dollars(asked.dollars),
            f"{asked.queries:,} {'query' if asked.queries == 1 else 'queries'}",
            definitions.DASHBOARD_QUERIES,
        ),
    ]


def _reconciliation(found: pandas.DataFrame, now: datetime) -> None:
    with parts.card("Reconciliation", definitions.RECONCILIATION, found):
        if found.empty:
            streamlit.caption("Nothing has been compared yet; the first merge does it.")
            return
        ordered = found.sort_values(["is_reconciled", "source_table"], kind="stable")
        streamlit.html(
            markup.table(
                ("Agrees", "Table", "Shop", "Bronze rows", "Bronze keys", "Silver", "Deleted",
                 "Held back", "Compared"),
                [_comparison(row, now) for row in ordered.to_dict("records")],
                numeric=(2, 3, 4, 5, 6, 7, 8),
            )
        )  # fmt: skip
        for row in ordered[~ordered["is_reconciled"]].to_dict("records"):
            streamlit.code(
                f"{row['source_table']}: {figures.optional(row['detail']) or 'differs'}",
                language=None,
                wrap_lines=True,
            )


def _comparison(row: dict[str, Any], now: datetime) -> tuple[str, ...]:
    # The totals of gold are compared as sums, not as rows.
    of_gold = row["source_table"] == "gold"
    counts = ("source_rows", "bronze_rows", "bronze_keys", "silver_keys", "deleted_keys",
              "quarantined_keys")  # fmt: skip
    return (
        "✓ Yes" if row["is_reconciled"] else "✗ No",
        "totals of gold" if of_gold else row["source_table"],
        *["" if of_gold or figures.optional(row[n]) is None else figures.count(row[n])
          for n in counts],
        figures.ago(row["checked_at"], now),
    )  # fmt: skip


def _runs(runs: pandas.DataFrame, now: datetime) -> None:
    with parts.card("Runs", definitions.RUNS, runs):
        if runs.empty:
            streamlit.caption("No run has left a receipt yet.")
            return
        streamlit.altair_chart(
            receipts.duration_chart(runs), key="runs", alt="Seconds of each run, oldest first"
        )
        streamlit.html(
            markup.table(
                ("Ended", "Outcome", "What it did", "Took", "Longest state", "Rows", "Held back",
                 "Glue", "Athena", "Cost"),
                [_run(run, now) for run in runs.head(LISTED_RUNS).to_dict("records")],
                numeric=(3, 5, 6, 7, 8, 9),
            )
        )  # fmt: skip
        for run in runs[runs["outcome"] != "SUCCEEDED"].head(3).to_dict("records"):
            streamlit.code(
                f"{run['run_id']} failed at {figures.optional(run['failed_state']) or '?'}: "
                f"{figures.optional(run['cause']) or 'no cause given'}",
                language=None,
                wrap_lines=True,
            )
        streamlit.caption(
            f"The newest {min(len(runs), LISTED_RUNS)} of {len(runs)} receipts. "
            "A run that found nothing to do leaves none."
        )


def _run(run: dict[str, Any], now: datetime) -> tuple[str, ...]:
    succeeded = run["outcome"] == "SUCCEEDED"
    return (
        figures.ago(run["ended_at"], now),
        ("✓ " if succeeded else "✗ ") + receipts.OUTCOMES.get(run["outcome"], run["outcome"]),
        "merged" if run["is_merged"] else "took changes",
        receipts.seconds(run["seconds"]),
        receipts.slowest_state(run),
        figures.count(run["rows_ingested"]),
        figures.count(run["rows_quarantined"]),
        receipts.seconds(run["glue_seconds"]),
        receipts.size(run["bytes_scanned"]),
        receipts.dollars(run["dollars"]),
    )


def _watermarks(runs: pandas.DataFrame, now: datetime) -> None:
    found = receipts.watermarks(runs)
    with parts.card("Read up to", definitions.WATERMARKS, found):
        if found.empty:
            streamlit.caption("Nothing has been read yet.")
            return
        streamlit.html(
            markup.table(
                ("Table", "Everything before", "Horizon behind", "Rows", "Deletes", "Held back",
                 "Last looked at"),
                [
                    (
                        row["source_table"],
                        row["read_to"],
                        receipts.seconds(None if behind is None else behind.total_seconds()),
                        figures.count(row["rows"]),
                        figures.count(row["deletes"]),
                        figures.count(row["quarantined"]),
                        figures.ago(row["seen_at"], now),
                    )
                    for row in found.to_dict("records")
                    for behind in [figures.optional(row["behind"])]
                ],
                numeric=(2, 3, 4, 5, 6),
            )
        )  # fmt: skip


def _rules(quality: pandas.DataFrame, now: datetime) -> None:
    failing = len(figures.failed(quality))
    with parts.card("Quality rules", definitions.FAILING_RULES, quality):
        if quality.empty:
            streamlit.caption("No rule has been checked yet; the first merge does it.")
            return
        streamlit.caption(f"{len(quality) - failing} of {len(quality)} passed.")
        failed_first = quality.sort_values(
            ["outcome", "source_table", "rule"], kind="stable", ignore_index=True
        )
        streamlit.html(
            markup.table(
                ("Outcome", "Table", "Rule", "Why", "Pass rate", "Checked"),
                [
                    (
                        ("✓ " if rule["outcome"] == "Passed" else "✗ ") + rule["outcome"],
                        rule["source_table"],
                        rule["rule"],
                        figures.optional(rule["failure_reason"]) or "",
                        figures.percent(Decimal(rule["passes"]) * 100 / rule["evaluations"])
                        + f" of {rule['evaluations']:,}",
                        figures.ago(rule["evaluated_at"], now),
                    )
                    for rule in failed_first.to_dict("records")
                ],
                numeric=(4, 5),
            )
        )


def _quarantine(quarantine: pandas.DataFrame, now: datetime) -> None:
    with parts.card("Rows held back", definitions.QUARANTINED, quarantine):
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


def _queries() -> None:
    used = METER.by_view()
    frame = pandas.DataFrame(
        [
            {
                "view": view,
                "queries": usage.queries,
                "failures": usage.failures,
                "bytes_scanned": usage.bytes_scanned,
                "dollars": usage.dollars,
            }
            for view, usage in used.items()
        ]
    )
    with parts.card("This dashboard's own queries", definitions.DASHBOARD_QUERIES, frame):
        streamlit.html(
            markup.table(
                ("View", "Queries", "Failed", "Scanned", "Cost"),
                [
                    (
                        view,
                        figures.count(usage.queries),
                        figures.count(usage.failures),
                        receipts.size(usage.bytes_scanned),
                        receipts.dollars(usage.dollars),
                    )
                    for view, usage in [*used.items(), ("All", _together(used))]
                ],
                numeric=(1, 2, 3, 4),
            )
        )
        streamlit.caption(f"Since {figures.instant(METER.since)}, of all readers together.")


def _together(used: dict[str, Usage]) -> Usage:
    return Usage(
        sum(one.queries for one in used.values()),
        sum(one.failures for one in used.values()),
        sum(one.bytes_scanned for one in used.values()),
        sum(one.bytes_billed for one in used.values()),
    )
