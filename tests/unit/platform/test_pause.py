"""Pause and resume of a stage, against an AWS in memory, and what they say when it refuses."""

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.exceptions
import pytest
from moto import mock_aws

from lakehouse.errors import AccountError
from lakehouse.settings import load_stage
from local import cli
from local import pause as desk

DEV = load_stage("dev")
NAMES = ["lakehouse-dev-generator", "lakehouse-dev-maintenance", "lakehouse-dev-pipeline"]
TARGET = {
    "Arn": "arn:aws:lambda:us-east-1:123456789012:function:any",
    "RoleArn": "arn:aws:iam::123456789012:role/any",
    "Input": "{}",
    "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
}


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


@pytest.fixture
def deployed() -> None:
    """The schedules and the database of dev, and a schedule of another stage."""
    scheduler = boto3.client("scheduler")
    for name in [*NAMES, "lakehouse-dev2-pipeline"]:
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="rate(5 minutes)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=TARGET,
        )
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier="lakehouse-dev-source",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
    )


def states() -> dict[str, str]:
    scheduler = boto3.client("scheduler")
    return {found["Name"]: found["State"] for found in scheduler.list_schedules()["Schedules"]}


def database() -> str:
    found = boto3.client("rds").describe_db_instances()["DBInstances"]
    status: str = found[0]["DBInstanceStatus"]
    return status


@pytest.mark.usefixtures("deployed")
def test_pause_and_resume_and_each_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pause", "dev"]) == 0
    assert states() == dict.fromkeys(NAMES, "DISABLED") | {"lakehouse-dev2-pipeline": "ENABLED"}
    assert database() == "stopped"
    told = capsys.readouterr().out
    assert "schedule lakehouse-dev-pipeline: off\n" in told
    assert "database lakehouse-dev-source: stopping\n" in told
    assert "RDS starts a stopped database again by itself after 7 days" in told
    assert "(11.68 USD a month)" in told

    assert cli.main(["pause", "dev"]) == 0
    told = capsys.readouterr().out
    assert "schedule lakehouse-dev-pipeline: off already\n" in told
    assert "database lakehouse-dev-source: stopped already\n" in told

    assert cli.main(["resume", "dev"]) == 0
    assert set(states().values()) == {"ENABLED"}
    assert database() == "available"
    told = capsys.readouterr().out.splitlines()
    assert told.index("database lakehouse-dev-source: available") < told.index(
        "schedule lakehouse-dev-pipeline: on"
    )
    assert cli.main(["resume", "dev"]) == 0
    assert "schedule lakehouse-dev-pipeline: on already\n" in capsys.readouterr().out


@pytest.mark.usefixtures("deployed")
def test_a_schedule_keeps_all_that_it_was() -> None:
    scheduler = boto3.client("scheduler")

    def kept() -> dict[str, Any]:
        found = scheduler.get_schedule(Name=NAMES[0])
        volatile = {"State", "LastModificationDate", "ResponseMetadata"}
        return {key: value for key, value in found.items() if key not in volatile}

    before = kept()
    assert cli.main(["pause", "dev"]) == 0
    assert kept() == before


def test_another_account_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pause", "dev"]) == 1
    told = capsys.readouterr().err
    assert "no schedule of stage dev is in this account and region" in told


class Scripted:
    """Clients that answer from a script: of the database its states, of runs how many there are."""

    def __init__(
        self, statuses: list[str], running: list[int] | None = None, schedule: str = "ENABLED"
    ) -> None:
        self.statuses, self.running, self.schedule = statuses, running or [0], schedule
        self.done: list[str] = []

    def __call__(self, service: str) -> "Scripted":
        return self

    def get_paginator(self, operation: str) -> "Scripted":
        self.operation = operation
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        if self.operation == "list_schedules":
            return [{"Schedules": [{"GroupName": "default", "Name": "lakehouse-dev-pipeline"}]}]
        machine = {"name": "lakehouse-dev-pipeline", "stateMachineArn": "arn:pipeline"}
        return [{"stateMachines": [machine, {"name": "other", "stateMachineArn": "arn:other"}]}]

    def get_schedule(self, **_: object) -> dict[str, Any]:
        return {"State": self.schedule, "Name": "lakehouse-dev-pipeline", "GroupName": "default"}

    def update_schedule(self, **given: Any) -> None:
        self.done.append(f"schedule {given['State']}")

    def list_executions(self, **given: str) -> dict[str, Any]:
        assert given == {"stateMachineArn": "arn:pipeline", "statusFilter": "RUNNING"}
        count = self.running.pop(0) if len(self.running) > 1 else self.running[0]
        return {"executions": [{"name": "a-run"}] * count}

    def describe_db_instances(self, **_: object) -> dict[str, Any]:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"DBInstances": [{"DBInstanceStatus": status}]}

    def stop_db_instance(self, **_: object) -> None:
        self.done.append("database stop")

    def start_db_instance(self, **_: object) -> None:
        self.done.append("database start")


def test_the_database_is_stopped_only_after_the_run_under_way() -> None:
    account, slept = Scripted(["available"], [1, 1, 0]), []
    list(desk.pause(DEV, account, slept.append))
    assert account.done == ["schedule DISABLED", "database stop"]
    assert slept == [5, 5]


def test_a_run_that_does_not_end_leaves_the_database_running() -> None:
    account, slept = Scripted(["available"], [1]), []
    with pytest.raises(AccountError, match=r"run a-run is still at work after 20 minutes; .*pause"):
        list(desk.pause(DEV, account, slept.append))
    assert account.done == ["schedule DISABLED"]
    assert sum(slept) == 20 * 60


def test_a_database_at_something_else_is_not_stopped() -> None:
    account = Scripted(["backing-up"])
    with pytest.raises(AccountError, match=r"is backing-up and can't be stopped now; .*STAGE=dev"):
        list(desk.pause(DEV, account, lambda _: None))
    assert account.done == ["schedule DISABLED"]


def test_resume_waits_for_a_database_that_is_still_stopping() -> None:
    account, slept = (
        Scripted(["stopping", "stopped", "starting", "available"], schedule="DISABLED"),
        [],
    )
    told = list(desk.resume(DEV, account, slept.append))
    assert account.done == ["database start", "schedule ENABLED"]
    assert slept == [5, 5, 5]
    assert told[0] == "database lakehouse-dev-source: starting"


def test_resume_gives_up_on_a_database_that_does_not_start() -> None:
    account = Scripted(["starting"])
    with pytest.raises(AccountError, match=r"is still starting after 20 minutes; .*resume STAGE="):
        list(desk.resume(DEV, account, lambda _: None))
    assert account.done == []


@pytest.mark.parametrize(
    ("failure", "telling"),
    [
        (
            botocore.exceptions.ClientError(
                {"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "ListSchedules"
            ),
            "AWS answered ListSchedules with AccessDeniedException: not you; mend that and type",
        ),
        (
            botocore.exceptions.NoCredentialsError(),
            "Unable to locate credentials; put AWS credentials and AWS_DEFAULT_REGION",
        ),
    ],
)
def test_a_refusal_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failure: Exception,
    telling: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(desk.boto3, "client", refuse)
    assert cli.main(["resume", "dev"]) == 1
    first = capsys.readouterr().err.splitlines()[0]
    assert telling in first
    assert "make resume STAGE=dev" in first
