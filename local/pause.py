"""Pause and resume of a stage: alarms' messages, schedules, the runs under way, the database.

The same code over the local AWS and over an account, there by the caller's own credentials.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import boto3
import botocore.exceptions

from lakehouse import prices
from lakehouse.errors import AccountError
from lakehouse.settings import Stage, load_stage
from local import layout
from local.account import Account
from local.stage import local_stage

Clients = Callable[[str], Any]
"""A boto3 client by the name of its service."""
_ASK_SECONDS: Final = 5
_MOST_SECONDS: Final = 20 * 60
"""A database needs some minutes to stop or start, a run of the pipeline less than that."""
_ANSWERED: Final = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")
"""What GetSchedule tells and UpdateSchedule does not take; all else has to be sent again."""


def run_pause(name: str) -> int:
    """Schedules off, running executions ended, database stopped; prints each."""
    return _told(name, pause)


def run_resume(name: str) -> int:
    """Database started, then the schedules on again; prints each."""
    return _told(name, resume)


def pause(stage: Stage, client: Clients, sleep: Callable[[float], None]) -> Iterator[str]:
    """Does it step by step and says what was done; may be repeated."""
    yield from _messages(stage, client("cloudwatch"), are_on=False)
    yield from _switch(stage, client("scheduler"), "DISABLED")
    _quiet(stage, client("stepfunctions"), sleep)
    yield "no run is under way"
    if stage.source.existing:
        yield f"database at {stage.source.existing.host}: not ours, it goes on"
        return
    rds, name = client("rds"), database_name(stage)
    status = _status(rds, name)
    if status in ("stopped", "stopping"):
        yield f"database {name}: {status} already"
    elif status == "available":
        rds.stop_db_instance(DBInstanceIdentifier=name)
        yield f"database {name}: stopping"
    else:
        raise AccountError(
            f"database {name} is {status} and can't be stopped now; the schedules are off, "
            f"wait until it is available and type: make pause STAGE={stage.name}"
        )
    instance, storage = prices.database(
        stage.source.instance_class, stage.source.storage_gib, multi_az=stage.source.multi_az
    )
    yield (
        f"RDS starts a stopped database again by itself after 7 days: pause it again then. While "
        f"it is stopped, its instance ({instance:.2f} USD a month) costs nothing; its storage "
        f"({storage:.2f} USD a month), the lake and the secret do"
    )


def resume(stage: Stage, client: Clients, sleep: Callable[[float], None]) -> Iterator[str]:
    """The database first: a run that can't reach it would fail and raise an alarm."""
    rds, name = client("rds"), database_name(stage)
    waited = 0
    while not stage.source.existing and (status := _status(rds, name)) != "available":
        if status == "stopped":
            rds.start_db_instance(DBInstanceIdentifier=name)
            yield f"database {name}: starting"
        if waited >= _MOST_SECONDS:
            raise AccountError(
                f"database {name} is still {status} after {waited // 60} minutes; look at it in "
                f"the RDS console, then type: make resume STAGE={stage.name}"
            )
        sleep(_ASK_SECONDS)
        waited += _ASK_SECONDS
    if not stage.source.existing:
        yield f"database {name}: available"
    yield from _switch(stage, client("scheduler"), "ENABLED")
    yield from _messages(stage, client("cloudwatch"), are_on=True)


def database_name(stage: Stage) -> str:
    """The instance's identifier, as the source's stack gives it."""
    return f"{stage.prefix}-source"


def _told(name: str, act: Callable[..., Iterator[str]]) -> int:
    stage = local_stage() if name == layout.STAGE else load_stage(name)
    verb = act.__name__
    try:
        for line in act(stage, _clients(stage), time.sleep):
            print(line, flush=True)
    except botocore.exceptions.ClientError as refused:
        error = refused.response["Error"]
        raise AccountError(
            f"{verb} {name}: AWS answered {refused.operation_name} with {error['Code']}: "
            f"{error['Message']}; mend that and type: make {verb} STAGE={name}"
        ) from None
    except botocore.exceptions.BotoCoreError as failed:
        raise AccountError(
            f"{verb} {name}: {failed}; put AWS credentials and AWS_DEFAULT_REGION of the stage's "
            f"account into the environment and type: make {verb} STAGE={name}"
        ) from None
    return 0


def _clients(stage: Stage) -> Clients:
    if stage.name == layout.STAGE:
        return Account.load().client
    return lambda service: boto3.client(service, region_name=stage.region)


def _switch(stage: Stage, scheduler: Any, state: str) -> Iterator[str]:
    """All schedules of the stage, also those that other stacks may add later."""
    pages = scheduler.get_paginator("list_schedules").paginate(NamePrefix=f"{stage.prefix}-")
    found = [schedule for page in pages for schedule in page["Schedules"]]
    if not found:
        raise AccountError(
            f"no schedule of stage {stage.name} is in this account and region; choose the account "
            f"and AWS_DEFAULT_REGION that it was deployed to"
        )
    for listed in found:
        place = {"GroupName": listed["GroupName"], "Name": listed["Name"]}
        schedule = scheduler.get_schedule(**place)
        word = "off" if state == "DISABLED" else "on"
        if schedule["State"] == state:
            yield f"schedule {listed['Name']}: {word} already"
            continue
        kept = {key: value for key, value in schedule.items() if key not in _ANSWERED}
        scheduler.update_schedule(**kept | {"State": state})
        yield f"schedule {listed['Name']}: {word}"


def _messages(stage: Stage, cloudwatch: Any, *, are_on: bool) -> Iterator[str]:
    """The alarms go on being judged; whether they are told."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stage.prefix}-")
    names = [alarm["AlarmName"] for page in pages for alarm in page.get("MetricAlarms", [])]
    if names:
        act = cloudwatch.enable_alarm_actions if are_on else cloudwatch.disable_alarm_actions
        act(AlarmNames=names)
        yield f"messages of {len(names)} alarms: {'on' if are_on else 'off'}"


def _quiet(stage: Stage, states: Any, sleep: Callable[[float], None]) -> None:
    """Waits for the runs under way: without its database, one would fail."""
    pages = states.get_paginator("list_state_machines").paginate()
    machines = [
        machine["stateMachineArn"]
        for page in pages
        for machine in page["stateMachines"]
        if machine["name"].startswith(f"{stage.prefix}-")
    ]
    for waited in range(0, _MOST_SECONDS + 1, _ASK_SECONDS):
        running = [
            execution["name"]
            for arn in machines
            for execution in states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")[
                "executions"
            ]
        ]
        if not running:
            return
        if waited < _MOST_SECONDS:
            sleep(_ASK_SECONDS)
    raise AccountError(
        f"run {running[0]} is still at work after {_MOST_SECONDS // 60} minutes; the schedules are "
        f"off, the database runs; wait or stop the run, then type: make pause STAGE={stage.name}"
    )


def _status(rds: Any, name: str) -> str:
    found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    status: str = found[0]["DBInstanceStatus"]
    return status
