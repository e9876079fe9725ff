"""The demonstration: from nothing to a reconciled dashboard, with nothing typed in between."""

import json
import time
from typing import Any

from lakehouse.errors import LocalError
from local import lifecycle, progress, runs
from local.account import Account
from local.reconcile import Reconciliation, reconcile
from local.stage import local_stage

_SCHEDULE_SECONDS = 150
_MOST_RUNS = 3


def demonstrate(*, once: bool) -> int:
    """Brings everything up and waits for the scheduled runs; exit code 1 if the data disagree."""
    seconds: dict[str, float] = {}
    started = time.monotonic()
    if not once:
        return _stay(seconds)
    try:
        account = lifecycle.up(seconds)
        with progress.step("wait for the schedules", seconds) as step:
            arn = _first_working_run(account, step)
        with progress.step("scheduled run", seconds) as step:
            _pause_generator(account)
            ended = runs.require(runs.follow(account, arn, step))
        result = _reconciled(account, seconds)
        answer = result.summary() | {
            "executions": {
                "succeeded": len(runs.executions(account, "SUCCEEDED")),
                "failed": len(runs.executions(account, "FAILED")),
            },
            "run_seconds": ended.state_seconds,
        }
    finally:
        with progress.step("everything down", seconds):
            lifecycle.down()
    seconds["total"] = round(time.monotonic() - started, 1)
    print(json.dumps(answer | {"seconds": seconds}), flush=True)
    return 0 if answer["reconciled"] else 1


def _stay(seconds: dict[str, float]) -> int:
    """Tells each run as it comes until Ctrl-C, then stops everything; also while it comes up."""
    told: set[str] = set()
    try:
        account = lifecycle.up(seconds)
        url = account.outputs["dashboard_url"]
        progress.console.print(f"[bold]{url}[/bold]  (Ctrl-C stops and removes everything)")
        while True:
            for execution in reversed(runs.executions(account)):
                if execution["executionArn"] not in told:
                    told.add(execution["executionArn"])
                    with progress.step("scheduled run") as step:
                        ended = runs.follow(account, execution["executionArn"], step)
                    if not ended.succeeded:
                        progress.fail("scheduled run", ended.cause, "make logs")
            time.sleep(2)
    except KeyboardInterrupt:
        lifecycle.down()
    return 0


def _first_working_run(account: Account, step: progress.Step) -> str:
    """The first scheduled execution that finds something to do; raises LocalError if none comes."""
    idle: set[str] = set()
    while step.seconds < _SCHEDULE_SECONDS:
        step.note("the generator and the pipeline fire once a minute")
        for execution in runs.executions(account):
            arn: str = execution["executionArn"]
            if execution["status"] == "FAILED":
                return arn
            names = {name for name, _, _ in runs.visits(runs.history(account, arn))}
            if names & {"Start the crawler", "Merge into silver and gold"}:
                return arn
            if execution["status"] == "SUCCEEDED" and arn not in idle:
                idle.add(arn)
                step.say("a run found nothing yet and ended")
        time.sleep(0.5)
    raise LocalError(f"no scheduled run has come in {_SCHEDULE_SECONDS} s: make logs WHAT=emulator")


def _pause_generator(account: Account) -> None:
    """Disables the generator's schedule, so that the data are at rest while they are compared."""
    scheduler = account.client("scheduler")
    name = f"{local_stage().prefix}-generator"
    schedule = scheduler.get_schedule(Name=name)
    kept: dict[str, Any] = {
        key: schedule[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    }
    scheduler.update_schedule(**kept, State="DISABLED")


def _reconciled(account: Account, seconds: dict[str, float]) -> Reconciliation:
    """Compares; a row that came after the run's horizon is taken by one more run, not excused."""
    for attempt in range(1, _MOST_RUNS + 1):
        with progress.step("reconcile", seconds) as step:
            result = reconcile(account)
            for difference in result.differences:
                step.say(difference)
        if not result.differences or attempt == _MOST_RUNS:
            return result
        with progress.step("one more run", seconds) as step:
            runs.require(runs.follow(account, runs.start(account, force_merge=True), step))
    raise AssertionError("unreachable")
