"""Up to when the source is complete: the horizon, taken before the data is read."""

from dataclasses import dataclass

from lakehouse.errors import SourceUnsafeError
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.source import Session
from lambdas.ingest.statements import iso, render

_GRANT = "run: GRANT pg_read_all_stats TO the role of the ingest"
_STRICT_HORIZON = "pg_snapshot_xmin(pg_current_snapshot())"
MINIMUM_MARGIN_SECONDS = 1.0
"""A session shows its transaction's start a moment late; a second is ample, by measurement."""


@dataclass(frozen=True)
class Horizon:
    """`now` is ISO text of the source's clock in UTC with microseconds, `below` a cursor's text."""

    now: str
    below: str | None
    """Changes with a lower cursor are complete; None while a prepared transaction is open."""
    held_seconds: float
    """Age of the oldest open transaction; 0 when nothing holds the horizon back."""
    culprit: str | None
    """Who holds it, for a person to look up."""
    pid: int | None = None
    """The culprit's backend; None where none or a prepared transaction holds it."""
    application: str | None = None
    """The culprit's `application_name`."""


def take_horizon(session: Session, address: str, margin_seconds: float, cursor: Cursor) -> Horizon:
    """Takes the horizon; raises SourceUnsafeError, with the remedy, where it would not be true."""
    margin = f"interval '{max(margin_seconds, MINIMUM_MARGIN_SECONDS)} seconds'"
    least = f"least(now(), (SELECT xact_start FROM oldest)) - {margin}"
    is_strict = cursor.contract.is_strict
    horizon = cursor.text(_STRICT_HORIZON if is_strict else f"({least})")
    statement = render("horizon", now=iso("now()"), horizon=horizon)
    row = (session.run(statement) or [])[0]
    is_replica, sees_all, is_tracked, is_utf8, now, below, held, pid, application = row
    for is_safe, problem in (
        (not is_replica, "is a replica, which lags behind; point database_host at the primary"),
        # transaction ids show themselves to everyone
        (is_strict or sees_all, f"hides other sessions from this role; {_GRANT}"),
        (
            is_strict or is_tracked,
            "has track_activities off for a session; set track_activities = on for all",
        ),
        (is_utf8, "is not encoded in UTF8, so text could change; use a UTF8 database"),
    ):
        if not is_safe:
            raise SourceUnsafeError(f"{address} {problem}")
    count, age, name = (session.run(render("prepared")) or [])[0]
    if count:
        culprit = f"prepared transaction {name!r}, {age:.0f} s"
        return Horizon(now, below if is_strict else None, max(age, held or 0.0), culprit)
    holder = f"pid {pid} ({application}), {held:.0f} s" if pid else None
    return Horizon(now, below, held or 0.0, holder, pid, application)
