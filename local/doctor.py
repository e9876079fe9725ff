"""`make doctor`: looks at a source as the ingest will, and says what stands in its way.

A stage's tables are checked by the ingest's own code, so that what passes here passes there.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakehouse import roles
from lakehouse.contract import TableContract
from lakehouse.errors import LakehouseError, LocalError
from lakehouse.settings import Stage, load_stage
from lakehouse.sqltext import identifier
from lakehouse.validation import check_contracts
from lambdas.ingest.catalog import check_indexes, check_source
from local import layout
from local.account import Account
from local.account_source import account_findings
from local.stage import local_stage
from onboarding.applying import role_facts
from onboarding.connection import Dsn, Session, connect, parse
from onboarding.estimate import Size, estimate
from onboarding.facts import Table
from onboarding.findings import Finding, Level, Server, counted, judge_server, judge_table, worst
from onboarding.inspection import inspect, statement
from onboarding.preparation import RoleFacts
from onboarding.sampling import count_rows

_NEAR = ("127.0.0.1", "localhost", "::1")


def run_doctor(stage_name: str, dsn: str, contracts: str, role: str) -> int:
    """Prints a line for each finding, then the first load's estimate; 1 if anything fails."""
    if stage_name and stage_name != layout.STAGE:
        for finding in (told := account_findings(load_stage(stage_name))):
            print(finding)
        if worst(told) is Level.FAIL:
            return 1
    stage, source, reader = _which(stage_name, dsn)
    folder = _folder(stage, stage_name, source, contracts)
    tables = check_contracts(folder)
    with connect(source) as session:
        findings, sizes = _examine(session, list(tables.values()), role or reader or source.user)
    for finding in findings:
        print(finding)
    counts = counted(findings)
    print(f"\n{estimate(sizes, stage)}")
    print(", ".join(f"{count} {level}" for level, count in counts.items()))
    return 1 if worst(findings) is Level.FAIL else 0


def _which(stage_name: str, dsn: str) -> tuple[Stage, Dsn, str]:
    """The stage, how to reach its source, and who reads it there."""
    if not stage_name and not dsn:
        raise LocalError(
            "say which: STAGE=local, or DSN=postgresql://user:password@host:5432/database"
        )
    if not stage_name:
        return load_stage(layout.STAGE), parse(dsn), ""
    is_local = stage_name == layout.STAGE
    stage = local_stage() if is_local else load_stage(stage_name)
    if is_local and not dsn:
        dsn = Account.load().outputs["database_dsn"]
    if not dsn:
        raise LocalError(
            f"the database of {stage_name} is reached from inside of its network only; run this "
            "where it can be reached, with DSN= as seen from there (a tunnel's port will do)"
        )
    return stage, parse(dsn), stage.source.existing.user if stage.source.existing else roles.INGEST


def _folder(stage: Stage, stage_name: str, source: Dsn, said: str) -> Path:
    if said:
        return Path(said).resolve()
    if stage_name:
        return stage.contracts
    folder = layout.ROOT / "contracts" / source.database
    if not folder.is_dir():
        raise LocalError(f"{folder} has no contracts; make contracts DSN=..., or say CONTRACTS=")
    return folder


def _examine(
    session: Session, contracts: Sequence[TableContract], role: str
) -> tuple[list[Finding], list[Size]]:
    with session.looking():
        reader = role_facts(session, role)
        findings = judge_server(_server(session), reader)
        by_name = {table.full_name: table for table in inspect(session)}
        sizes = []
        for contract in contracts:
            table = by_name.get(contract.relation)
            found, size = _table(session, contract, table, reader)
            findings += found
            sizes += size
    return findings, sizes


def _table(
    session: Session, contract: TableContract, table: Table | None, reader: RoleFacts
) -> tuple[list[Finding], list[Size]]:
    if table is None:
        return judge_table(contract, None, reader, "", 0, ""), []
    counted_rows = count_rows(session, table)
    rows = counted_rows if isinstance(counted_rows, int) else max(table.rows, 0)
    plan = ""
    if not contract.is_snapshot:
        cursor = identifier(contract.in_source(contract.cursor))
        recent = "pg_snapshot_xmin(pg_current_snapshot())" if contract.is_strict else "now()"
        explained = session.attempt(
            f"EXPLAIN SELECT * FROM {table.relation} WHERE {cursor} >= {recent}"
        )
        plan = "\n".join(row[0] for row in explained) if isinstance(explained, list) else ""
    findings = judge_table(contract, table, reader, plan, rows, _refusal(session, contract))
    return findings, [Size(rows, len(contract.columns))]


def _refusal(session: Session, contract: TableContract) -> str:
    """What the ingest's own checks say; empty where they agree."""
    try:
        check_source(_Asked(session), contract, {})
        check_indexes(_Asked(session), contract)
    except LakehouseError as refused:
        return str(refused)
    return ""


class _Asked:
    """The session as the ingest uses one."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, sql: str) -> list[list[Any]] | None:
        return self._session.rows(sql)

    def close(self) -> None:
        """The one who opened it closes it."""


def _server(session: Session) -> Server:
    (values,) = session.rows(statement("server"))
    return Server(
        *values, session.is_encrypted, session.dsn.host in _NEAR, asked_at=datetime.now(UTC)
    )
