"""Maintenance and rebuild: never beside a run, with the stage's settings, failing with a cause."""

from typing import Any

import pytest

from lakehouse.settings import load_stage
from tests.infrastructure.templates import definition

Templates = dict[str, dict[str, Any]]


@pytest.fixture
def states(templates: Templates) -> dict[str, Any]:
    found: dict[str, Any] = definition(templates["upkeep"])["States"]
    return found


def test_it_holds_the_lease_of_the_runs(templates: Templates, states: dict[str, Any]) -> None:
    run = definition(templates["orchestration"])["States"]["Take the lease"]["Arguments"]
    taken = states["Wait for the lease"]
    assert definition(templates["upkeep"])["StartAt"] == "Wait for the lease"
    for part in ("TableName", "Key", "UpdateExpression", "ConditionExpression"):
        assert taken["Arguments"][part] == run[part]
    (held,) = taken["Catch"]
    assert held["ErrorEquals"] == ["DynamoDB.ConditionalCheckFailedException"]
    assert states[held["Next"]]["Next"] == "Wait for the lease"
    assert held["Output"] == "{% $states.input %}", "the task is not forgotten while it waits"


def test_the_lease_outlasts_the_job(
    templates: Templates, states: dict[str, Any], stage_name: str
) -> None:
    stage = load_stage(stage_name)
    values = states["Wait for the lease"]["Arguments"]["ExpressionAttributeValues"]
    seconds = int(values[":expires"]["N"].split(" + ")[1].split(")")[0])
    assert seconds > stage.glue.timeout_minutes * 60
    whole = definition(templates["upkeep"])["TimeoutSeconds"]
    assert whole > seconds + stage.pipeline.run_timeout_minutes * 60


def test_a_failure_keeps_its_cause_and_gives_the_lease_back(states: dict[str, Any]) -> None:
    (caught,) = states["Do the task in the job"]["Catch"]
    assert caught["ErrorEquals"] == ["States.ALL"]
    assert set(caught["Assign"]) == {"failed_state", "error", "cause"}
    assert caught["Next"] == "Release the lease after the failure"
    assert states["Task failed"]["Type"] == "Fail"


def test_the_job_gets_the_stage_s_settings(states: dict[str, Any], stage_name: str) -> None:
    keep = load_stage(stage_name).maintenance
    given = states["Do the task in the job"]["Arguments"]["Arguments"]
    assert {name.removeprefix("--"): given[name] for name in given if "{%" not in given[name]} == {
        "keep_snapshots": str(keep.keep_snapshots),
        "keep_hours": str(keep.keep_hours),
        "orphan_hours": str(keep.orphan_hours),
        "file_mib": str(keep.file_mib),
    }
