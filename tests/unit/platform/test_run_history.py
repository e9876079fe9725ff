"""Reading executions: states with their seconds, causes without their wrapping."""

import datetime as dt
import json
from typing import Any

import pytest

from lakehouse.executions import readable, visits

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def event(seconds: float, kind: str, name: str | None = None) -> dict[str, Any]:
    at = START + dt.timedelta(seconds=seconds)
    if name is None:
        return {"timestamp": at, "type": kind}
    detail = "stateEnteredEventDetails" if kind.endswith("Entered") else "stateExitedEventDetails"
    return {"timestamp": at, "type": kind, detail: {"name": name}}


def test_states_inside_a_map_are_not_told() -> None:
    events = [
        event(0, "ExecutionStarted"),
        event(0, "TaskStateEntered", "Take"),
        event(1, "TaskStateExited", "Take"),
        event(1, "MapStateEntered", "Every"),
        event(1, "MapStateStarted"),
        event(2, "TaskStateEntered", "Inner"),
        event(4, "TaskStateExited", "Inner"),
        event(4, "MapStateSucceeded"),
        event(4, "MapStateExited", "Every"),
        event(4, "TaskStateEntered", "Merge"),
    ]
    assert list(visits(events)) == [("Take", 0, 1), ("Every", 1, 4), ("Merge", 4, None)]


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("plain", "plain"),
        (json.dumps({"errorType": "X", "errorMessage": "why"}), "why"),
        ("Merge: " + json.dumps({"JobRunState": "FAILED", "ErrorMessage": "why"}), "Merge: why"),
        ("View: " + json.dumps({"Status": {"StateChangeReason": "why"}}), "View: why"),
        ('sales: {"errorMessage": "a"}; users: {"errorMessage": "b"}', "sales: a; users: b"),
    ],
)
def test_a_cause_is_what_a_person_wants_to_read(cause: str, told: str) -> None:
    assert readable(cause) == told
