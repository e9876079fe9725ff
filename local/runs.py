"""Runs of the state machine as a person follows them: by state, with elapsed seconds."""

import json
import time
from dataclasses import dataclass
from typing import Any

from lakehouse.errors import LocalError
from lakehouse.executions import readable, visits
from local.account import Account
from local.progress import Step

_POLL_SECONDS = 0.4


@dataclass(frozen=True)
class Ended:
    """An execution that has ended."""

    arn: str
    status: str
    error: str
    cause: str
    output: dict[str, Any]
    state_seconds: dict[str, float]

    @property
    def succeeded(self) -> bool:
        """Whether it SUCCEEDED."""
        return self.status == "SUCCEEDED"


def start(account: Account, *, force_merge: bool) -> str:
    """Starts a run; its ARN."""
    answer = account.client("stepfunctions").start_execution(
        stateMachineArn=account.outputs["state_machine_arn"],
        input=json.dumps({"force_merge": force_merge}),
    )
    arn: str = answer["executionArn"]
    return arn


def executions(account: Account, status: str | None = None) -> list[dict[str, Any]]:
    """Executions, newest first."""
    keywords = {"statusFilter": status} if status else {}
    answer = account.client("stepfunctions").list_executions(
        stateMachineArn=account.outputs["state_machine_arn"], **keywords
    )
    found: list[dict[str, Any]] = answer["executions"]
    return sorted(found, key=lambda execution: execution["startDate"], reverse=True)


def follow(account: Account, arn: str, step: Step | None = None) -> Ended:
    """Watches an execution until it ends, telling each state as it is entered."""
    states = account.client("stepfunctions")
    told = 0
    while True:
        description = states.describe_execution(executionArn=arn)
        entered = [name for name, _, _ in visits(history(account, arn))]
        if step and len(entered) > told:
            for name in entered[told:]:
                step.say(f"[dim]{step.seconds:6.1f} s[/dim]  {name}")
            told = len(entered)
        if step and entered:
            step.note(entered[-1])
        if description["status"] != "RUNNING":
            return _ended(account, description)
        time.sleep(_POLL_SECONDS)


def history(account: Account, arn: str) -> list[dict[str, Any]]:
    """All events of an execution, oldest first."""
    pages = account.client("stepfunctions").get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=arn) for event in page["events"]]


def _ended(account: Account, description: dict[str, Any]) -> Ended:
    seconds: dict[str, float] = {}
    for name, entry, leave in visits(history(account, description["executionArn"])):
        if leave is not None:
            seconds[name] = round(seconds.get(name, 0) + leave - entry, 1)
    return Ended(
        description["executionArn"],
        description["status"],
        description.get("error", ""),
        readable(description.get("cause", "")),
        json.loads(description.get("output") or "{}"),
        seconds,
    )


def require(ended: Ended) -> Ended:
    """The execution itself if it succeeded; otherwise LocalError with its cause."""
    if ended.succeeded:
        return ended
    raise LocalError(
        f"run {ended.arn.rsplit(':', 1)[-1]} {ended.status}: {ended.error}: {ended.cause}"
    )
