"""Maintenance and rebuild of silver and gold, asked for by hand."""

import json
from typing import Any

from local import progress, runs
from local.account import Account


def run_maintain() -> int:
    """Compacts, expires and tidies up all tables; prints what changed by table."""
    ended, report = _follow("maintain", {})
    for row in report:
        progress.console.print(
            f"{row['table'].split('.', 1)[1]}: {row['rows']} rows as before; files "
            f"{row['files_before']} to {row['files_after']}, delete files "
            f"{row['delete_files_before']} to {row['delete_files_after']}, snapshots "
            f"{row['snapshots_before']} to {row['snapshots_after']}, "
            f"orphans removed {row['orphans_removed']}"
        )
    return _code("maintain", ended)


def run_rebuild(*, swap: bool, step: int) -> int:
    """Makes silver and gold again and compares; 1 while the live tables differ from bronze."""
    ended, report = _follow("rebuild", {"swap": swap, "step": step})
    for row in report:
        progress.console.print(row["told"])
    if report and swap and ended.succeeded:
        progress.console.print("swapped in; the former tables stay until the next maintenance")
    return _code("rebuild", ended)


def _follow(task: str, given: dict[str, Any]) -> tuple[runs.Ended, list[dict[str, Any]]]:
    account = Account.load()
    states = account.client("stepfunctions")
    arn = states.start_execution(
        stateMachineArn=account.outputs["upkeep_machine_arn"],
        input=json.dumps({"task": task, **given}),
    )["executionArn"]
    with progress.step(task) as step:
        ended = runs.follow(account, arn, step)
    s3 = account.client("s3")
    key = f"upkeep/{task}/{arn.rsplit(':', 1)[-1]}.json"
    try:
        body = s3.get_object(Bucket=account.outputs["gold_bucket"], Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return ended, []
    return ended, json.loads(body)


def _code(task: str, ended: runs.Ended) -> int:
    if ended.succeeded:
        return 0
    progress.fail(f"{task} {ended.status}", f"{ended.error}: {ended.cause}", "make logs WHAT=glue")
    return 1
