"""An execution's history as what the receipt needs: state visits and finished tasks. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
"""An event of `GetExecutionHistory`, its `timestamp` with a zone."""

INVOKE = "invoke"
RUN_JOB = "startJobRun.sync"
QUERY = "startQueryExecution.sync"
UPDATE = "updateItem"


@dataclass(frozen=True)
class Task:
    """One finished task: its action, its seconds, and its result (of a failure, its cause)."""

    action: str
    seconds: float
    result: Mapping[str, Any]
    failed: bool


def started_at(events: Iterable[Event]) -> datetime:
    """When the execution started."""
    first: datetime = next(iter(events))["timestamp"]
    return first


def transitions(events: Iterable[Event]) -> int:
    """State transitions so far, as Step Functions counts them: each entry of a state."""
    return sum(event["type"].endswith("StateEntered") for event in events)


def seconds_by_state(events: Iterable[Event]) -> dict[str, float]:
    """Seconds in each state, all visits together; states inside a map overlap one another."""
    entered: dict[str, list[datetime]] = {}
    spent: dict[str, float] = {}
    for event in events:
        at: datetime = event["timestamp"]
        if event["type"].endswith("StateEntered"):
            entered.setdefault(event["stateEnteredEventDetails"]["name"], []).append(at)
        elif event["type"].endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            if entered.get(name):
                begun = entered[name].pop(0)
                spent[name] = spent.get(name, 0.0) + (at - begun).total_seconds()
    return {name: round(seconds, 3) for name, seconds in spent.items()}


def tasks(events: Iterable[Event]) -> Iterator[Task]:
    """Every finished task. Those of the same action are paired first come, first served.

    Inside a map two may overlap: their seconds may then be exchanged, their sum is right.
    """
    waiting: dict[str, list[datetime]] = {}
    for event in events:
        at: datetime = event["timestamp"]
        match event["type"]:
            case "TaskScheduled":
                action = _action(event["taskScheduledEventDetails"])
                waiting.setdefault(action, []).append(at)
            case "TaskSucceeded" | "TaskFailed" as kind:
                failed = kind == "TaskFailed"
                details = event["taskFailedEventDetails" if failed else "taskSucceededEventDetails"]
                action = _action(details)
                begun = waiting[action].pop(0) if waiting.get(action) else at
                text = details.get("cause" if failed else "output") or "{}"
                yield Task(action, (at - begun).total_seconds(), _document(text), failed)


def _action(details: Mapping[str, Any]) -> str:
    """`startJobRun.sync` of that, or of the whole ARN."""
    return str(details["resource"]).rsplit(":", 1)[-1]


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
