"""`make repair` mends what a reconciliation named; the message says with which arguments.

With a batch, bronze is at fault: the batch is emptied in the ledger, its objects go, and the next
run reads its part of the source again, as new batches. Without one, silver or gold is: a run of the
job makes the table again from bronze, or gold from silver.
"""

import time
from typing import Any

from lakehouse.contract import TableContract
from lakehouse.errors import ConfigurationError, LocalError
from lakehouse.ledger import EVERYTHING, Batch, Kind, State
from lakehouse.ledger_client import Ledger
from local import ledger_desk, progress
from local.account import Account

GOLD = "gold"
_FINAL = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED")


def void(ledger: Ledger, s3: Any, bucket: str, contract: TableContract, batch: Batch) -> str:
    """Empties a committed batch and asks for its range again; says from where.

    The request comes first: if this is interrupted, the source is read again and nothing is lost.
    """
    if batch.state is not State.COMMITTED:
        raise ConfigurationError(
            f"{batch.source_table} batch {batch.name} is {batch.state}: the next run reads it again"
        )
    start = batch.window_start or batch.window_from
    if start is None or batch.kind is Kind.SWEEP:
        ledger_desk.reload(ledger, contract)
    else:
        ledger_desk.backfill(ledger, contract, start)
    ledger.void(batch)
    for file in (*batch.files, *batch.quarantine_files):
        s3.delete_object(Bucket=bucket, Key=file.key)
    asked = ledger.watermark(contract.table, contract.cursor).restart_from
    return "the beginning" if asked == EVERYTHING else str(asked)


def run_repair(table: str, batch_id: int | None) -> int:
    """`make repair` on the local AWS."""
    account = Account.load()
    if batch_id is None:
        return _make_anew(account, table)
    contract = ledger_desk.contract_of(table)
    ledger = ledger_desk.desk(None)
    batches = [b for b in ledger.batches(table, batch_id - 1) if b.batch_id == batch_id]
    if not batches:
        raise ConfigurationError(f"{table} has no batch {batch_id}; make ledger TABLE={table}")
    bucket = account.outputs["bronze_bucket"]
    begin = void(ledger, account.client("s3"), bucket, contract, batches[0])
    progress.console.print(
        f"{table}: batch {batch_id} is emptied; the next run reads the source again from {begin} "
        "on, as new batches: make run"
    )
    return 0


def _make_anew(account: Account, table: str) -> int:
    if table != GOLD:
        ledger_desk.contract_of(table)
    glue, job = account.client("glue"), account.outputs["glue_job"]
    with progress.step(f"repair {table}") as step:
        run_id = _start(glue, job, table)
        while True:
            run = glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
            step.say(f"the job is {run['JobRunState']}")
            if run["JobRunState"] in _FINAL:
                break
            time.sleep(1)
    if run["JobRunState"] != "SUCCEEDED":
        progress.fail(f"repair {table}", run.get("ErrorMessage", ""), "make logs WHAT=glue")
        return 1
    return 0


def _start(glue: Any, job: str, table: str) -> str:
    arguments = {"--repair": table, "--run_id": f"repair-{table}-{int(time.time())}"}
    try:
        started: str = glue.start_job_run(JobName=job, Arguments=arguments)["JobRunId"]
        return started
    except glue.exceptions.ConcurrentRunsExceededException:
        raise LocalError(
            f"a run is at work; wait for it, then: make repair TABLE={table}"
        ) from None
