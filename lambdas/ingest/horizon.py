"""Up to when the source is complete: the horizon, taken before the data is read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lakehouse.errors import SourceUnsafeError
from lakehouse.ledger import instant
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.source import APPLICATION, Session
from lambdas.ingest.statements import render

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
    database_oid: int
    """Of the database that was asked."""
    pid: int | None = None
    """The culprit's backend; None where none or a prepared transaction holds it."""
    application: str | None = None
    """The culprit's `application_name`."""


@dataclass(frozen=True)
class _Session:
    """A session of the server, as `horizon.sql` lists it."""

    is_own: bool
    database: int | None
    """Its oid; None for those of the server itself."""
    user: int | None
    kind: str | None
    application: str
    state: str | None
    began: datetime | None
    pid: int

    def may_write(self, own: "_Session") -> bool:
        """Whether it may hold changes back: another one of this database; our own only read."""
        is_ingest = self.user == own.user and self.application.startswith(f"{APPLICATION}/")
        return (
            self.database == own.database
            and not self.is_own
            and not is_ingest
            and self.kind != "autovacuum worker"
        )


def take_horizon(session: Session, address: str, margin_seconds: float, cursor: Cursor) -> Horizon:
    """Takes the horizon; raises SourceUnsafeError, with the remedy, where it would not be true."""
    is_strict = cursor.contract.is_strict
    oldest_xid = cursor.text(_STRICT_HORIZON) if is_strict else "NULL"
    listed = session.run(render("horizon", oldest_xid=oldest_xid)) or []
    now, is_replica, sees_all, encoding, strict_below = listed[0][:5]
    sessions = [_Session(*values) for _, _, _, _, _, *values in listed]
    own = next(one for one in sessions if one.is_own)
    assert own.database is not None  # a client is always in one
    others = [one for one in sessions if one.may_write(own)]
    is_hidden = any(one.state == "disabled" for one in (own, *others))
    for is_safe, problem in (
        (not is_replica, "is a replica, which lags behind; point database_host at the primary"),
        # transaction ids show themselves to everyone
        (is_strict or sees_all, f"hides other sessions from this role; {_GRANT}"),
        (
            is_strict or not is_hidden,
            "has track_activities off for a session; set track_activities = on for all",
        ),
        (encoding == "UTF8", "is not encoded in UTF8, so text could change; use a UTF8 database"),
    ):
        if not is_safe:
            raise SourceUnsafeError(f"{address} {problem}")
    running = [(one.began, one) for one in others if one.began]
    began, oldest = min(running, key=lambda pair: pair[0], default=(now, None))
    margin = timedelta(seconds=max(margin_seconds, MINIMUM_MARGIN_SECONDS))
    below = strict_below if is_strict else instant(min(now, began) - margin)
    held = max((now - began).total_seconds(), 0.0)
    culprit = f"pid {oldest.pid} ({oldest.application}), {held:.0f} s" if oldest else None
    pid, application = (oldest.pid, oldest.application) if oldest else (None, None)
    prepared = [
        (since, name)
        for database, name, since in session.run(render("prepared")) or []
        if database == own.database
    ]
    if prepared:
        since, name = min(prepared)
        age = (now - since).total_seconds()
        culprit, pid, application = f"prepared transaction {name!r}, {age:.0f} s", None, None
        below, held = below if is_strict else None, max(age, held)
    return Horizon(instant(now), below, held, culprit, own.database, pid, application)
