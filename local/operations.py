"""Working with what runs: a run now, the state of things, logs."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from lakehouse import ledger
from lakehouse.errors import LocalError
from local import layout, processes, progress, runs
from local.account import Account
from local.stage import local_contracts

_FUNCTIONS = ("generator", "ingest", "bootstrap", "receipt")


def run_now(*, force_merge: bool) -> int:
    """Starts a run and follows it; 0 if it succeeded."""
    account = Account.load()
    with progress.step("run") as step:
        ended = runs.follow(account, runs.start(account, force_merge=force_merge), step)
    if not ended.succeeded:
        progress.fail(
            f"run {ended.status}", f"{ended.error}: {ended.cause}", "make logs WHAT=ingest"
        )
        return 1
    progress.console.print(f"output: {ended.output}")
    return 0


def show_status() -> int:
    """What runs, what is deployed, the last runs, the watermarks and the alarms."""
    account = Account.load()
    for name in ("emulator", "dashboard"):
        state = "running" if processes.is_running(name) else "[red]not running[/red]"
        progress.console.print(f"{name}: {state}")
    if not processes.is_running("emulator"):
        raise LocalError("the local AWS has stopped; start it anew with: make up")
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    for stack in stacks:
        progress.console.print(f"{stack['StackName']}: {stack['StackStatus']}")
    if layout.OUTPUTS.is_file():
        _print_runs(account)
        _print_watermarks(account)
        _print_alarms(account)
        progress.console.print(f"dashboard: {account.outputs['dashboard_url']}")
    return 0


def show_logs(what: str, lines: int) -> int:
    """Prints the last lines of a component's log; `all` prints the end of each."""
    components = list(_components())
    chosen = components if what == "all" else [what]
    if unknown := set(chosen) - set(components):
        raise LocalError(f"no log of {unknown.pop()!r}; there are: {', '.join(components)}")
    for name in chosen:
        progress.console.rule(name)
        for line in _lines(name, lines if what != "all" else min(lines, 8)):
            print(line)
    return 0


def _components() -> Iterator[str]:
    yield from _FUNCTIONS
    yield "glue"
    yield from sorted(path.stem for path in layout.LOGS.glob("*.log"))


def _lines(name: str, lines: int) -> list[str]:
    if name in _FUNCTIONS:
        return _function_lines(name, lines)
    if name == "glue":
        logs = sorted(
            (layout.STATE / "glue").glob("*/*.log"), key=lambda path: path.stat().st_mtime
        )
        return _tail(logs[-1], lines) if logs else ["no job has run yet"]
    return _tail(layout.LOGS / f"{name}.log", lines)


def _tail(path: Path, lines: int) -> list[str]:
    return path.read_text(errors="replace").splitlines()[-lines:]


def _function_lines(name: str, lines: int) -> list[str]:
    logs = Account.load().client("logs")
    group = f"/aws/lambda/lakehouse-{layout.STAGE}-{name}"
    try:
        events = logs.filter_log_events(logGroupName=group)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return ["it has not run yet"]
    return [event["message"].rstrip() for event in events[-lines:]]


def _print_runs(account: Account) -> None:
    table = Table("run", "status", "started", "seconds", "what it did", title="last runs")
    for execution in runs.executions(account)[:5]:
        ended = execution.get("stopDate")
        seconds = (ended - execution["startDate"]).total_seconds() if ended else None
        names = [n for n, _, _ in runs.visits(runs.history(account, execution["executionArn"]))]
        merged = "Merge into silver and gold" in names
        table.add_row(
            execution["name"][:13],
            execution["status"],
            f"{execution['startDate']:%H:%M:%S}",
            f"{seconds:.1f}" if seconds is not None else "running",
            "merged" if ended and merged else names[-1] if names else "",
        )
    progress.console.print(table)


def _print_watermarks(account: Account) -> None:
    client = account.client("dynamodb")
    table = Table("table", "watermark", "last batch", "merged", title="watermarks")
    for name in local_contracts():
        item: dict[str, Any] = client.get_item(
            TableName=account.outputs["watermark_table"],
            Key={
                ledger.PARTITION_KEY: {"S": name},
                ledger.SORT_KEY: {"S": ledger.WATERMARK_ITEM},
            },
        ).get("Item", {})
        values = {key: next(iter(value.values())) for key, value in item.items()}
        table.add_row(
            name,
            str(values.get("cursor_value", "none yet")),
            str(values.get("batch_id", "")),
            str(values.get("merged_batch_id", "")),
        )
    progress.console.print(table, f"now {dt.datetime.now(dt.UTC):%H:%M:%S} UTC")


def _print_alarms(account: Account) -> None:
    alarms = account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    raised = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for alarm in raised:
        told = f"[red]{alarm['AlarmName']}[/red]: {alarm['AlarmDescription']}"
        progress.console.print(f"alarm {told} ({alarm['StateReason']})")
    if not raised:
        progress.console.print(f"alarms: none of {len(alarms)}")
