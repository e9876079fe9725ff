"""What an operator does about rows that are held back: looks, and has them judged again.

A replay never puts a stored row back, which could replace a newer one. It asks the ledger for a
backfill: the source is read again from the earliest of these rows on, and its rows of now are
judged by the rules of now.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from lakehouse.contract import TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.ledger import EVERYTHING
from lakehouse.ledger_client import Ledger
from local import ledger_desk, progress
from local.account import Account
from local.athena import Ask, asker
from local.stage import local_contracts

Entry = Mapping[str, Any]
"""`row_key` and `raw_row` of an open entry, JSON objects as text."""


@dataclass(frozen=True)
class Plan:
    """What a replay of `entries` open entries reads.

    `start` is where the window must begin, None where no entry tells; `lost` are the keys (JSON)
    whose entry has a cursor that can't be read.
    """

    entries: int
    start: str | None
    lost: tuple[str, ...]


def plan(contract: TableContract, entries: Sequence[Entry]) -> Plan:
    """The window that has the rows of all entries."""
    if contract.is_snapshot:
        return Plan(len(entries), EVERYTHING, ())
    starts, lost = [], []
    for entry in entries:
        cursor = json.loads(entry["raw_row"]).get(contract.cursor)
        try:
            starts.append(ledger_desk.cursor_text(contract, str(cursor)))
        except ConfigurationError:
            lost.append(str(entry["row_key"]))
    return Plan(len(entries), min(starts, default=None), tuple(lost))


def replay(ledger: Ledger, contract: TableContract, entries: Sequence[Entry]) -> list[str]:
    """Asks for the backfill that reads the entries' rows again; what will happen, in lines.

    Raises ConfigurationError when no entry tells where to begin.
    """
    if not entries:
        return [f"{contract.table}: nothing is held back"]
    wanted = plan(contract, entries)
    lost = (
        f"{contract.table}: {contract.cursor} can't be read for {', '.join(wanted.lost[:5])}"
        f"{' and others' if len(wanted.lost) > 5 else ''}; mend the row in the source with a new "
        f"{contract.cursor}, which brings it with the next window"
    )
    if wanted.start is None:
        raise ConfigurationError(lost)
    after = ledger_desk.backfill(ledger, contract, wanted.start)
    begin = after.restart_from or "the table's first row"
    told = [
        f"{contract.table}: {wanted.entries:,} held back; the next window begins at "
        f"{begin} and reads what changed since then from the source, as new batches",
        "the rules of the deployed ingest decide: what passes reaches bronze, and silver with the "
        "merge; what does not is held back again. Nothing has moved yet: make run",
    ]
    return [*told, lost] if wanted.lost else told


def held_back(ask: Ask, silver: str, table: str | None) -> Table:
    """Open entries by table and broken rules: how many, since when, and an example."""
    only = f"AND source_table = '{ledger_desk.contract_of(table).table}' " if table else ""
    rows = ask(
        "SELECT source_table, failed_rules, count(*) AS n, min(row_key) AS row_key, "
        "min_by(raw_row, row_key) AS raw_row, "
        "CAST(min(quarantined_at) AT TIME ZONE 'UTC' AS timestamp(3)) AS since "
        f"FROM {silver}.quarantine WHERE superseded_by IS NULL {only}"
        "GROUP BY source_table, failed_rules ORDER BY source_table, n DESC, failed_rules"
    )
    shown = Table(
        "table", "broken rules", "rows", "since (UTC)", "for example", "with",
        title=f"held back, as of the last merge: {sum(int(row['n']) for row in rows):,}",
    )  # fmt: skip
    contracts = local_contracts()
    for row in rows:
        shown.add_row(
            row["source_table"],
            row["failed_rules"],
            f"{int(row['n']):,}",
            f"{row['since']:%Y-%m-%d %H:%M:%S}",
            row["row_key"],
            example(contracts.get(row["source_table"]), row["failed_rules"], row["raw_row"]),
        )
    return shown


def example(contract: TableContract | None, rules: str, raw_row: str) -> str:
    """The columns that the rules name, with their raw values; personal ones are not shown."""
    if contract is None:
        return ""
    raw = json.loads(raw_row)
    return ", ".join(
        f"{name} = {'(personal)' if name in contract.personal else json.dumps(raw.get(name))}"
        for name in contract.columns
        if f'"{name}"' in rules or any(part.startswith(f"{name}: ") for part in rules.split("; "))
    )


def run_quarantine(table: str | None) -> int:
    """`make quarantine`."""
    account = Account.load()
    silver = account.outputs["silver_database"]
    progress.console.print(held_back(asker(account), silver, table))
    return 0


def run_replay(table: str) -> int:
    """`make quarantine-replay`."""
    account, contract = Account.load(), ledger_desk.contract_of(table)
    entries = asker(account)(
        f"SELECT row_key, raw_row FROM {account.outputs['silver_database']}.quarantine "
        f"WHERE source_table = '{contract.table}' AND superseded_by IS NULL"
    )
    for line in replay(ledger_desk.desk(None), contract, entries):
        progress.console.print(line)
    return 0
