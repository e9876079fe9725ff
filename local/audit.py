"""`make audit`: every row of the source against silver, whatever runs and receipts say of them."""

import json
from collections.abc import Sequence
from typing import Any

from lakehouse import audit
from lakehouse.audit import Report
from lakehouse.contract import TableContract
from lakehouse.errors import LocalError
from lakehouse.ledger_client import Ledger
from lakehouse.reconciliation import named, remerge
from local import ledger_desk, progress
from local.account import Account
from local.athena import Ask, asker
from local.reconcile import connect
from local.stage import local_contracts

_ATTEMPTS = 3
"""A merge in the middle makes an audit worthless; it then begins again."""


def run_audit(table: str | None) -> int:
    """Audits one table or all; 1 when any differs."""
    account = Account.load()
    chosen = [ledger_desk.contract_of(table)] if table else list(local_contracts().values())
    reports = [audit_table(account, contract) for contract in chosen]
    for report in reports:
        for line in told(report):
            progress.console.print(line)
    return 0 if all(report.is_clean for report in reports) else 1


def audit_table(account: Account, contract: TableContract) -> Report:
    """Compares a table at the end of its last merged window.

    Raises LocalError where nothing is merged, or where merges don't leave it the time.
    """
    ledger, ask = ledger_desk.desk(None), asker(account)
    silver = account.outputs["silver_database"]
    for _ in range(_ATTEMPTS):
        merged, horizon = _merged(ledger, contract)
        with connect(account.outputs["database_dsn"]) as session:
            session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

            def source(sql: str) -> Sequence[Sequence[Any]]:
                return session.run(sql) or []

            left_out = audit.changed_since(source, contract, horizon)
            left_out |= _held_back(ask, contract, silver)
            report = audit.compare(
                contract,
                horizon,
                audit.source_side(source, contract, horizon),
                audit.silver_side(lambda sql: _rows(ask, sql), contract, horizon, silver),
                left_out,
            )
        if _merged(ledger, contract)[0] == merged:
            return report
    raise LocalError(f"{contract.table}: merged {_ATTEMPTS} times during its audit; try again")


def told(report: Report) -> list[str]:
    """The report in lines."""
    lines = [
        f"{report.table}: {report.source_rows:,} rows in the source, {report.silver_rows:,} in "
        f"silver, before {report.horizon}; {report.left_out:,} keys have changed since or are held "
        f"back: {'equal' if report.is_clean else 'DIFFERENT'}"
    ]
    for keys, words in (
        (report.missing, "silver lacks"),
        (report.unknown, "the source has not"),
        (report.different, "other values in silver than in the source:"),
    ):
        if keys:
            lines.append(f"  {words} {named(keys)}")
    return lines if report.is_clean else [*lines, f"  {remerge(report.table)}"]


def _merged(ledger: Ledger, contract: TableContract) -> tuple[int, str]:
    merged = ledger.watermark(contract.table, contract.cursor).merged_batch_id
    found = ledger.batches(contract.table, merged - 1) if merged else []
    if not found:
        raise LocalError(f"{contract.table}: nothing is merged yet; make run")
    return merged, found[0].window_to


def _held_back(ask: Ask, contract: TableContract, silver: str) -> set[str]:
    rows = ask(
        f"SELECT row_key FROM {silver}.quarantine "
        f"WHERE source_table = '{contract.table}' AND superseded_by IS NULL"
    )
    keys = (json.loads(row["row_key"]) for row in rows)
    return {",".join(str(key[name]) for name in contract.key) for key in keys}


def _rows(ask: Ask, sql: str) -> list[list[Any]]:
    return [list(row.values()) for row in ask(sql)]
