"""What a look at a source finds before its first run: pure judgements, each with its remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from lakehouse.contract import Deletes, TableContract
from onboarding.choices import SNAPSHOT_BYTES, SNAPSHOT_ROWS, keeps
from onboarding.facts import Table
from onboarding.preparation import RoleFacts

OLDEST: Final = 140000
"""PostgreSQL 14: the oldest that replaces a trigger in place."""
_LATE_SECONDS: Final = 30
_WRONG_SECONDS: Final = 300
_BUSY: Final = 0.8
_SCANNED_ROWS: Final = 10_000
"""Up to so many rows the planner may rightly read the whole table."""


class Level(StrEnum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do where it is not good."""

    level: Level
    subject: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.level.value:<4}  {self.subject}: {self.found}{remedy}"


@dataclass(frozen=True)
class Server:
    """The server's own words, and the clock of the machine that asked."""

    version_number: int
    version: str
    is_replica: bool
    encoding: str
    track_activities: str
    clock: datetime
    user: str
    max_connections: int
    connections: int
    prepared: Sequence[str]
    open_long: Sequence[str]
    is_encrypted: bool
    is_near: bool
    """It is on this machine."""
    asked_at: datetime


def judge_server(server: Server, role: RoleFacts) -> list[Finding]:
    """Whether exact capture can be had from this server by this role."""
    name = role.name
    away = abs((server.clock - server.asked_at).total_seconds())
    sees = "sees when every session's transaction began"
    return [
        _tls(server),
        _judged("version", server.version_number >= OLDEST, f"PostgreSQL {server.version}",
                Level.FAIL, f"PostgreSQL {server.version}", "PostgreSQL 14 is the oldest: upgrade"),
        _judged("primary", not server.is_replica, "this is the primary", Level.FAIL,
                "this is a replica, which lags behind", "name the primary's host"),
        _judged("encoding", server.encoding == "UTF8", "UTF8", Level.FAIL, server.encoding,
                "text could change on its way: use a database in UTF8"),
        _judged(f"role {name}", role.exists, "exists", Level.FAIL, "does not exist",
                f"run: make prepare-source DSN=... ROLE={name} APPLY=1"),
        _judged("pg_read_all_stats", role.sees_activity, f"{name} {sees}", Level.FAIL,
                f"{name} does not see when others began to write",
                f'run: GRANT pg_read_all_stats TO "{name}"'),
        _judged("track_activities", server.track_activities == "on", "on", Level.FAIL, "off",
                "run: ALTER SYSTEM SET track_activities = on, then SELECT pg_reload_conf()"),
        _clock(away),
        _judged("prepared transactions", not server.prepared, "none is open", Level.FAIL,
                f"open: {', '.join(server.prepared)}, which hold back every run",
                "run COMMIT PREPARED or ROLLBACK PREPARED for each"),
        _judged("long transactions", not server.open_long, "none is older than a minute",
                Level.WARN, f"open: {', '.join(server.open_long)}; a run sees nothing younger",
                "end them, or set idle_in_transaction_session_timeout"),
        _judged("connections", server.connections < _BUSY * server.max_connections,
                f"{server.connections} of {server.max_connections}", Level.WARN,
                f"{server.connections} of {server.max_connections}, few are left",
                "raise max_connections, or pool the application's"),
    ]  # fmt: skip


def judge_table(
    contract: TableContract,
    table: Table | None,
    role: RoleFacts,
    plan: str,
    rows: int,
    refusal: str,
) -> list[Finding]:
    """Whether a table can be captured as its contract says.

    `plan` is the EXPLAIN of a run's read, empty where none was asked; `refusal` what the ingest's
    own check says, empty where it agrees.
    """
    name = contract.relation
    if table is None:
        return [Finding(Level.FAIL, name, "is not there", "create it, or remove its contract")]
    if refusal:
        return [Finding(Level.FAIL, name, *_parted(refusal))]
    found = []
    if table.full_name not in role.may_read:
        grant = f'run: GRANT SELECT ON {table.relation} TO "{role.name}"'
        found.append(Finding(Level.FAIL, name, f"{role.name} may not read it", grant))
    if table.hides_rows:
        found.append(
            Finding(Level.FAIL, name, "row level security hides rows", "read with BYPASSRLS")
        )
    found += _snapshot(contract, table, rows) if contract.is_snapshot else _followed(
        contract, table, plan, rows
    )  # fmt: skip
    return found or [Finding(Level.OK, name, _praise(contract, table, rows))]


def _snapshot(contract: TableContract, table: Table, rows: int) -> list[Finding]:
    if rows <= SNAPSHOT_ROWS and table.bytes <= SNAPSHOT_BYTES:
        return []
    size = f"{rows:,} rows, {table.bytes / 1024**2:,.0f} MiB"
    remedy = f"make prepare-source DSN=... TABLES='{table.full_name}' APPLY=1, then make contracts"
    return [Finding(Level.WARN, contract.relation, f"{size} are read whole in every run", remedy)]


def _followed(contract: TableContract, table: Table, plan: str, rows: int) -> list[Finding]:
    cursor, name = contract.in_source(contract.cursor), contract.relation
    remedy = f"make prepare-source DSN=... TABLES='{table.full_name}' APPLY=1, then make contracts"
    found = []
    if not contract.is_strict and not any(keeps(t, cursor) for t in table.triggers):
        what = f"no trigger keeps {cursor}, so a change that leaves it alone is missed"
        found.append(Finding(Level.WARN, name, what, remedy))
    if not any(index.columns[:1] == (cursor,) for index in table.indexes):
        what = f"no index begins with {cursor}, so each run reads all {rows:,} rows"
        found.append(Finding(Level.WARN, name, what, remedy))
    elif "Seq Scan" in plan and rows > _SCANNED_ROWS:
        what = f"the planner reads the whole table in spite of the index on {cursor}"
        found.append(Finding(Level.WARN, name, what, f"run: ANALYZE {table.relation}"))
    if contract.deletes is Deletes.AUDIT:
        what = f"deletes are seen by comparing all keys, each {contract.audit_hours} hours"
        found.append(Finding(Level.WARN, name, what, remedy))
    return found


def _praise(contract: TableContract, table: Table, rows: int) -> str:
    how = "read whole" if contract.is_snapshot else f"followed by {contract.cursor}"
    return f"{rows:,} rows, {table.bytes / 1024**2:,.1f} MiB, {how}"


def _tls(server: Server) -> Finding:
    if server.is_encrypted:
        return Finding(Level.OK, "TLS", "the connection is encrypted")
    if server.is_near:
        return Finding(Level.OK, "TLS", "not encrypted, and it does not leave this machine")
    remedy = "let the server have a certificate (ssl = on)"
    return Finding(Level.FAIL, "TLS", "the connection is not encrypted", remedy)


def _clock(away: float) -> Finding:
    if away < _LATE_SECONDS:
        return Finding(Level.OK, "clock", f"{away:.1f} s from this machine's")
    level = Level.WARN if away < _WRONG_SECONDS else Level.FAIL
    remedy = "let both keep time by NTP: tokens and certificates are judged by it"
    return Finding(level, "clock", f"{away:.0f} s from this machine's", remedy)


def _judged(subject: str, is_good: bool, good: str, level: Level, bad: str, remedy: str) -> Finding:
    return Finding(Level.OK, subject, good) if is_good else Finding(level, subject, bad, remedy)


def _parted(refusal: str) -> tuple[str, str]:
    found, _, remedy = refusal.partition("; ")
    return found, remedy or "correct the contract or the table"


def worst(findings: Sequence[Finding]) -> Level:
    """The worst level among the findings."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)


def counted(findings: Sequence[Finding]) -> Mapping[Level, int]:
    """How many findings of each level."""
    return {level: sum(f.level is level for f in findings) for level in Level}
