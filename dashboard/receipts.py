"""What the receipts of the runs tell: how long, how much, how far the source was read."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import altair
import pandas

from dashboard import figures
from dashboard.drawing import PADDING, color, texts
from dashboard.figures import optional

_TENTH_OF_A_CENT: Final = Decimal("0.001")
_ROOM: Final = 25
"""Bars for which the chart has room at least, so that few runs don't look like walls."""
OUTCOMES: Final = {"SUCCEEDED": "Succeeded", "FAILED": "Failed"}


def spent(runs: pandas.DataFrame, day: date) -> Decimal:
    """Dollars of the runs that ended on `day` (UTC)."""
    ended = runs[runs["ended_at"].map(lambda at: at.date() == day).astype(bool)]
    return sum(ended["dollars"].dropna(), Decimal(0))


def slowest_state(run: dict[str, Any]) -> str:
    """The state in which the run spent most, with its seconds; empty where nothing is known."""
    states: dict[str, float] = _document(run["seconds_by_state"], {})
    if not states:
        return ""
    name = max(states, key=lambda state: states[state])
    return f"{name}, {seconds(states[name])}"


def seconds(amount: float | None) -> str:
    """`51.13` as `51 s`, `84` as `1 min 24 s`."""
    if optional(amount) is None:
        return figures.MISSING
    assert amount is not None
    whole = round(amount)
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes else f"{whole} s"


def size(amount: int | None) -> str:
    """Bytes as `1.2 MB`, or `12 kB`."""
    if optional(amount) is None:
        return figures.MISSING
    whole = int(amount or 0)
    return f"{whole / 10**6:,.1f} MB" if whole >= 10**6 else f"{whole / 1000:,.0f} kB"


def dollars(amount: Decimal | None) -> str:
    """Small sums: `$0.0731`, and below a tenth of a cent `$0.000048`."""
    if optional(amount) is None:
        return figures.MISSING
    assert amount is not None
    return f"${amount:,.6f}" if 0 < amount < _TENTH_OF_A_CENT else f"${amount:,.4f}"


def watermarks(runs: pandas.DataFrame) -> pandas.DataFrame:
    """How far each table was read by the newest run that looked at it, by table.

    `source_table, read_to` (as the source's cursor has it), `behind` (from `read_to` to the start
    of that run, NaT where the cursor is no time), `rows, deletes, quarantined`, `seen_at`. A
    `behind` that grows from run to run means that a transaction of the source holds the horizon.
    """
    found: dict[str, dict[str, Any]] = {}
    for run in runs.sort_values("ended_at", ascending=False).to_dict("records"):
        tables: list[dict[str, Any]] = _document(run["tables"], [])
        for table in tables:
            if table["table"] in found or not table.get("window_to"):
                continue
            moment = _moment(table["window_to"])
            found[table["table"]] = {
                "source_table": table["table"],
                "read_to": figures.instant(moment) if moment else table["window_to"],
                "behind": None if moment is None else max(run["started_at"] - moment, _NONE),
                "rows": table["rows"],
                "deletes": table["deletes"],
                "quarantined": table["quarantined"],
                "seen_at": run["ended_at"],
            }
    columns = ["source_table", "read_to", "behind", "rows", "deletes", "quarantined", "seen_at"]
    return pandas.DataFrame([found[name] for name in sorted(found)], columns=columns)


def duration_chart(runs: pandas.DataFrame) -> altair.Chart:
    """Seconds of each run, the oldest first, failed ones in their colour."""
    rows = [
        {
            "at": figures.instant(run["ended_at"]),
            "place": place,
            "series": OUTCOMES.get(run["outcome"], "Failed"),
            "seconds": run["seconds"],
            "Ended": figures.instant(run["ended_at"]),
            "Took": seconds(run["seconds"]),
            "Cost": dollars(run["dollars"]),
            "Rows": figures.count(run["rows_ingested"]),
        }
        for place, run in enumerate(runs.iloc[::-1].to_dict("records"))
    ]
    shown: Sequence[str] = [name for name in OUTCOMES.values()
                            if any(row["series"] == name for row in rows)]  # fmt: skip
    places = altair.Scale(domain=list(range(max(len(rows), _ROOM))), paddingInner=0.25)
    drawn: altair.Chart = (
        altair.Chart(pandas.DataFrame(rows))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=altair.X("place:O", title=None, axis=None, scale=places),
            y=altair.Y(
                "seconds:Q",
                title=None,
                axis=altair.Axis(
                    labelExpr="datum.value + ' s'", tickCount=4, domain=False, ticks=False
                ),
            ),
            color=color(shown),
            tooltip=[altair.Tooltip("series:N", title="Outcome"),
                     *texts("Ended", "Took", "Cost", "Rows")],
        )
        .properties(height=200, padding=PADDING)
    )  # fmt: skip
    return drawn


_NONE: Final = timedelta()


def _document(text: Any, otherwise: Any) -> Any:
    try:
        return json.loads(text) if optional(text) else otherwise
    except ValueError:
        return otherwise


def _moment(text: str) -> datetime | None:
    # A strict cursor is a transaction's number, not a time.
    return datetime.fromisoformat(text) if "T" in text else None
