"""What an operator does at the ledger: look, read a window again, decide about another source.

The same code over the local AWS and over an account: there `WATERMARKS` names the DynamoDB table
and the AWS credentials of the environment are used.
"""

import datetime as dt
from dataclasses import replace

import boto3
from rich.table import Table

from lakehouse.contract import TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.ledger import EVERYTHING, Batch, Watermark, instant
from lakehouse.ledger_client import Ledger
from local import progress
from local.account import Account
from local.stage import local_contracts

_SHOWN = 20


def desk(watermarks: str | None) -> Ledger:
    """The ledger of the local AWS, or the table `watermarks` of the account."""
    if watermarks:
        return Ledger(boto3.client("dynamodb"), watermarks)
    account = Account.load()
    return Ledger(account.client("dynamodb"), account.outputs["watermark_table"])


def contract_of(table: str) -> TableContract:
    """The contract of a table; raises ConfigurationError with those that there are."""
    contracts = local_contracts()
    if table not in contracts:
        known = ", ".join(contracts)
        raise ConfigurationError(f"TABLE={table} has no contract; choose one of: {known}")
    return contracts[table]


def show(ledger: Ledger, contract: TableContract) -> Table:
    """The watermark and the last batches: windows, rows, files, seconds, state."""
    watermark = ledger.watermark(contract.table, contract.cursor)
    batches = ledger.batches(contract.table)
    place = watermark.cursor_value or "nothing read yet"
    asked = {None: "", EVERYTHING: "; a reload is due"}.get(
        watermark.restart_from, f"; a backfill from {watermark.restart_from} is due"
    )
    table = Table(
        "batch", "kind", "from", "to", "rows", "deletes", "set aside", "files", "bytes", "s",
        "attempts", "state",
        title=f"{contract.table}: up to {place}, {len(batches)} batches, "
        f"merged {watermark.merged_batch_id}{asked}",
    )  # fmt: skip
    for batch in batches[-_SHOWN:]:
        table.add_row(*_cells(batch))
    return table


def _cells(batch: Batch) -> list[str]:
    return [
        batch.name.lstrip("0"),
        batch.kind.value,
        batch.window_from or "",
        batch.window_to + (" ..." if batch.upto_key else ""),
        f"{batch.rows:,}",
        f"{batch.deletes:,}",
        f"{batch.quarantined:,}",
        str(len(batch.files)),
        f"{batch.bytes:,}",
        f"{batch.seconds:.1f}",
        str(batch.attempts),
        batch.state.value,
    ]


def adopt(ledger: Ledger, contract: TableContract) -> Watermark:
    """Lets the next ingest take the source that it finds for the one that it knew."""
    before = _known(ledger, contract)
    return ledger.move(before, _forgetful(before))


def reload(ledger: Ledger, contract: TableContract) -> Watermark:
    """Lets the next ingest read the whole table as new batches, and then sweep what is gone."""
    before = _known(ledger, contract)
    return ledger.move(before, replace(_forgetful(before), restart_from=EVERYTHING))


def backfill(ledger: Ledger, contract: TableContract, start: str) -> Watermark:
    """Lets the next window begin at `start`: ISO time with an offset, or a transaction id.

    A request that is due already and begins earlier, or reads everything, stays.
    """
    before = _known(ledger, contract)
    # of a snapshot there is no part to read again
    wanted = EVERYTHING if contract.is_snapshot else cursor_text(contract, start)
    due = before.restart_from
    earliest = wanted if due is None else min(due, wanted)
    return ledger.move(before, replace(before, restart_from=earliest))


def cursor_text(contract: TableContract, text: str) -> str:
    """The ledger's form of a cursor value; raises ConfigurationError naming what is expected."""
    try:
        if contract.is_strict:
            return f"{int(text):020d}"
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        wanted = "a transaction id" if contract.is_strict else "such as 2026-05-01T10:00:00+00:00"
        raise ConfigurationError(f"FROM={text} is no value of {contract.cursor}; give {wanted}")
    return instant(at)


def _known(ledger: Ledger, contract: TableContract) -> Watermark:
    watermark = ledger.watermark(contract.table, contract.cursor)
    if watermark.revision == 0:
        raise ConfigurationError(f"{contract.table} has never been read, so there is nothing to do")
    return watermark


def _forgetful(watermark: Watermark) -> Watermark:
    return replace(
        watermark,
        system_identifier=None,
        timeline=None,
        database_oid=None,
        table_oid=None,
        wal_position=None,
    )


def run_ledger(table: str, action: str, watermarks: str | None) -> int:
    """`make ledger`."""
    ledger, contract = desk(watermarks), contract_of(table)
    if action == "adopt":
        adopt(ledger, contract)
        progress.console.print(f"{table}: the next ingest goes on with the source that it finds")
    elif action == "reload":
        reload(ledger, contract)
        progress.console.print(f"{table}: the next ingest reads the whole table as new batches")
    progress.console.print(show(ledger, contract))
    return 0


def run_backfill(table: str, start: str, watermarks: str | None) -> int:
    """`make backfill`."""
    ledger, contract = desk(watermarks), contract_of(table)
    after = backfill(ledger, contract, start)
    progress.console.print(f"{table}: the next window begins at {after.restart_from}")
    progress.console.print(show(ledger, contract))
    return 0
