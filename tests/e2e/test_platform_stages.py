"""Two stages in one account through their lives: upgraded, killed, taken back, taken out.

`local` is of this release, `second` begins with the last one's. The tests share the deployment of
test_platform.py, end it, and build on each other in the order of this file.
"""

import datetime as dt
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.deployment import stage_outputs
from tests.e2e.account import Deployment, wait_for
from tests.e2e.inventory import inventory
from tests.e2e.release import Release
from tests.infrastructure.stateful import STATEFUL

STACKS = {
    "source", "storage", "ingest", "transform", "orchestration", "upkeep", "dashboard",
    "monitoring", "budget",
}  # fmt: skip


class Second(Deployment):
    """The stage beside the first one."""

    def __init__(self, beside: Deployment) -> None:
        super().__init__(beside.home, beside.environment, "second")
        self._beside = beside
        self.credentials = {
            "AWS_ENDPOINT_URL": beside.outputs["endpoint_url"],
            "AWS_ACCESS_KEY_ID": beside.outputs["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": beside.outputs["aws_secret_access_key"],
            "AWS_REGION": beside.outputs["region"],
            "LAKEHOUSE_HOME": str(beside.home),  # where images are built
        }

    def deploy(self, release: Release) -> str:
        """`cdk deploy` of a release over what is there; what it printed."""
        file = release.folder / "outputs.json"
        told = release.cdk(
            "deploy",
            "--require-approval=never",
            "--concurrency=4",
            f"--outputs-file={file}",
            credentials=self.credentials,
        )
        own = stage_outputs(file, self.home / "state", self.prefix)
        self.outputs = self._beside.outputs | own
        return told


class Memory:
    """What a test tells the later ones."""

    before: dict[str, Any]
    lease_ends: float


@pytest.fixture(scope="module")
def first(deployment: Deployment) -> Deployment:
    for name in ("generator", "pipeline", "maintenance"):
        deployment.schedule(name, enabled=False)
    wait_for(lambda: not deployment.executions("RUNNING"), 180, "quiet")
    return deployment


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release.last(tmp_path_factory.mktemp("last") / "app", "second")


@pytest.fixture(scope="module")
def this(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release.this(tmp_path_factory.mktemp("this") / "app", "second")


@pytest.fixture(scope="module")
def second(first: Deployment, last: Release) -> Second:
    """Deployed from the last release, and run once."""
    stage = Second(first)
    stage.deploy(last)
    stage.merge()
    return stage


@pytest.fixture(scope="module")
def memory() -> Memory:
    return Memory()


def test_the_last_release_runs(second: Second, memory: Memory) -> None:
    assert second.reconciled().differences == []
    memory.before = _kept(second)
    assert memory.before["receipts"]


def test_an_upgrade_that_fails_half_way_is_rolled_back(second: Second, tmp_path: Path) -> None:
    faulty = Release.this(tmp_path / "app", "second")
    faulty.plant(
        "stacks/transform.py",
        '        cdk.CfnOutput(self, "Workgroup", value=self.workgroup.ref)\n',
        "        planted = cdk.CustomResource(\n"
        '            self, "Planted", service_token=self.format_arn(\n'
        '                service="lambda", resource="function:planted"\n'
        "            )\n"
        "        )\n"
        "        planted.node.add_dependency(self.job)\n",
    )
    job = _job(second)
    told = faulty.cdk(
        "deploy",
        "--require-approval=never",
        "--concurrency=4",
        credentials=second.credentials,
        check=False,
    )
    assert "planted" in told
    statuses = _statuses(second)
    assert statuses["transform"] == "UPDATE_ROLLBACK_COMPLETE"
    assert statuses["storage"] == "UPDATE_COMPLETE", "half of it was done"
    assert statuses["orchestration"] == "CREATE_COMPLETE", "half of it was not"
    assert _job(second) == job


def test_the_next_upgrade_works_and_replaces_nothing(second: Second, this: Release) -> None:
    resources, job = _resources(second), _job(second)
    second.deploy(this)
    _is_deployed(second)
    assert _job(second) != job, "this release's code is there"
    _holds_the_same_stores(resources, _resources(second))


def test_two_stages_at_once_are_each_exact(
    first: Deployment, second: Second, memory: Memory
) -> None:
    stages = (first, second)
    with ThreadPoolExecutor() as pool:
        list(pool.map(Deployment.generate, stages))
        runs = [stage.start(force_merge=True) for stage in stages]
        ended = list(pool.map(lambda pair: pair[0].finish(pair[1]), zip(stages, runs, strict=True)))
    for stage, run in zip(stages, ended, strict=True):
        assert run["status"] == "SUCCEEDED", run.get("cause")
        assert json.loads(run["output"])["merged"] is True
        assert stage.reconciled().differences == []
    assert max(run["startDate"] for run in ended) < min(run["stopDate"] for run in ended)
    _lost_nothing(memory.before, _kept(second))


def test_they_have_nothing_in_common(first: Deployment, second: Second) -> None:
    # What CDK and custom resources call their own is told to nobody else.
    own = ("AWS::CDK::", "Custom::")
    one, other = (
        {named for named in _resources(stage).values() if not named[0].startswith(own)}
        for stage in (first, second)
    )
    assert len(one) > 50
    assert one & other == set()


def test_deploying_again_changes_nothing(second: Second, this: Release) -> None:
    told = second.deploy(this)
    assert told.count("(no changes)") == len(STACKS)


def test_a_killed_run_keeps_the_lease_for_its_time(
    second: Second, this: Release, memory: Memory
) -> None:
    # A minute is the least that a run may take; the lease ends a minute after it.
    this.set_stage(run_timeout_minutes=1)
    second.deploy(this)
    second.generate()
    with second.ingest_held() as waits:
        run = second.start()
        wait_for(waits, 60, "the run to be at work")
        second.client("stepfunctions").stop_execution(executionArn=run)
    assert second.finish(run)["status"] == "ABORTED"
    lease = second.client("dynamodb").get_item(
        TableName=second.outputs["watermark_table"],
        Key={"source_table": {"S": "run"}, "item": {"S": "lease"}},
    )["Item"]
    assert lease["holder"]["S"] == run.rsplit(":", 1)[-1]
    memory.lease_ends = float(lease["expires_at"]["N"])
    assert 60 < memory.lease_ends - time.time() <= 120
    assert "skipped" in json.loads(second.run()["output"])


def test_the_last_release_takes_over_again(second: Second, last: Release) -> None:
    resources = _resources(second)
    second.deploy(last)
    _is_deployed(second)
    _holds_the_same_stores(resources, _resources(second))


def test_five_schedules_at_once_are_one_run_and_four_clean_ends(first: Deployment) -> None:
    known = {execution["executionArn"] for execution in first.executions()}

    def fired() -> list[dict[str, Any]]:
        return [e for e in first.executions() if e["executionArn"] not in known]

    first.generate()
    with first.ingest_held() as waits:
        _schedule_five(first)
        wait_for(lambda: len(fired()) == 5, 60, "five schedules to fire")
        wait_for(lambda: sum(e["status"] != "RUNNING" for e in fired()) == 4, 30, "four to end")
        wait_for(waits, 30, "the fifth to be at work")
    ended = [first.finish(execution["executionArn"]) for execution in fired()]
    starts = [run["startDate"] for run in ended]
    assert max(starts) - min(starts) < dt.timedelta(seconds=1)
    assert {run["status"] for run in ended} == {"SUCCEEDED"}
    outputs = [json.loads(run["output"]) for run in ended]
    assert sum("skipped" in output for output in outputs) == 4
    (worked,) = (output for output in outputs if "skipped" not in output)
    assert worked["merged"] is True
    assert first.reconciled().differences == []


def test_destroying_one_leaves_it_nowhere_and_the_other_whole(
    first: Deployment, second: Second
) -> None:
    before = inventory(first.client)
    kept = _resources(second)
    first.make("destroy")
    after = inventory(second.client)
    assert before["RDS instances"] == ["lakehouse-local-source", "lakehouse-second-source"]
    assert after["RDS instances"] == ["lakehouse-second-source"]
    ours = {name for names in after.values() for name in names}
    assert not {name for name in ours if "lakehouse-local" in name or "lakehouse_local" in name}
    for service in ("S3 buckets", "VPCs"):  # whose names CloudFormation or EC2 made up
        assert len(after[service]) * 2 == len(before[service]), service
    assert _resources(second) == kept


def test_the_next_run_after_the_lease_is_exact(second: Second, memory: Memory) -> None:
    def free() -> bool:
        # Beyond the second in which it ends: the lease counts whole ones.
        return time.time() > memory.lease_ends + 1

    wait_for(free, 120, "the lease of the killed run to expire")
    run = second.merge()
    assert "skipped" not in json.loads(run["output"])
    assert second.reconciled().differences == []
    _lost_nothing(memory.before, _kept(second))


def test_destroying_the_last_stage_leaves_nothing_that_is_billed(
    second: Second, this: Release
) -> None:
    there = inventory(second.client)
    assert {service for service, names in there.items() if names} >= {
        "S3 buckets", "DynamoDB tables", "RDS instances", "Lambda functions", "Glue jobs",
        "Glue crawlers", "Glue databases", "Athena workgroups", "Step Functions machines",
        "Scheduler schedules", "CloudWatch log groups", "Secrets Manager secrets", "VPCs",
        "VPC endpoints", "IAM roles", "CloudFormation stacks",
    }  # fmt: skip
    # By this release, which knows the stacks that it has brought.
    this.cdk("destroy", "--force", credentials=second.credentials)
    left = inventory(second.client)
    # Glue makes these for all of an account, whatever stage they are of; the job's went out of use
    # after the last release.
    of_glue = {"CloudWatch log groups": ["/aws-glue/crawlers", "/aws-glue/jobs/output"]}
    assert left == {service: [] for service in there} | of_glue


def test_down_twice_is_fine(deployment: Deployment) -> None:
    deployment.make("down")
    deployment.make("down")
    assert not (deployment.home / "state").exists()
    refused = deployment.make("status", check=False)
    assert refused.returncode != 0
    assert "make up" in refused.stderr


def _stacks(stage: Deployment) -> Iterator[dict[str, Any]]:
    stacks = stage.client("cloudformation").describe_stacks()["Stacks"]
    yield from (stack for stack in stacks if stack["StackName"].startswith(f"{stage.prefix}-"))


def _statuses(stage: Deployment) -> dict[str, str]:
    return {stack["StackName"].rsplit("-", 1)[-1]: stack["StackStatus"] for stack in _stacks(stage)}


def _is_deployed(stage: Deployment) -> None:
    statuses = _statuses(stage)
    assert set(statuses) == STACKS
    # A stack that the releases have in common stays as it was made.
    assert set(statuses.values()) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert statuses["transform"] == "UPDATE_COMPLETE"


def _resources(stage: Deployment) -> dict[tuple[str, str], tuple[str, str]]:
    """Stack and logical id to type and physical id."""
    client = stage.client("cloudformation")
    return {
        (stack["StackName"], resource["LogicalResourceId"]): (
            resource["ResourceType"],
            resource["PhysicalResourceId"],
        )
        for stack in _stacks(stage)
        for page in client.get_paginator("list_stack_resources").paginate(
            StackName=stack["StackName"]
        )
        for resource in page["StackResourceSummaries"]
    }


def _holds_the_same_stores(before: dict[Any, Any], after: dict[Any, Any]) -> None:
    stores = {key: value for key, value in before.items() if value[0] in STATEFUL}
    assert {kind for kind, _ in stores.values()} >= {
        "AWS::S3::Bucket",
        "AWS::RDS::DBInstance",
        "AWS::DynamoDB::GlobalTable",
    }
    assert {key: after.get(key) for key in stores} == stores


def _job(stage: Deployment) -> dict[str, str]:
    """What the job runs with: its code's address among it."""
    job = stage.client("glue").get_job(JobName=stage.outputs["glue_job"])["Job"]
    arguments: dict[str, str] = job["DefaultArguments"]
    return arguments


def _kept(stage: Deployment) -> dict[str, Any]:
    """What an upgrade may not lose beside current rows: history, receipts, checks."""
    silver = stage.outputs["silver_database"]
    receipts = stage.athena("SELECT run_id FROM v_pipeline_runs")
    return {
        "receipts": {row["run_id"] for row in receipts},
        **{
            name: stage.athena(f"SELECT count(*) AS n FROM {table}")[0]["n"]
            for name, table in (
                ("users", f"{silver}.dim_users"),
                ("transitions", f"{silver}.fact_sales_status"),
            )
        },
    }


def _lost_nothing(before: dict[str, Any], now: dict[str, Any]) -> None:
    assert now["receipts"] > before["receipts"]
    assert now["users"] > before["users"]
    assert now["transitions"] > before["transitions"]


def _schedule_five(stage: Deployment) -> None:
    """Five schedules of the pipeline for one moment, with its own schedule's target and role."""
    scheduler = stage.client("scheduler")
    target = scheduler.get_schedule(Name=f"{stage.prefix}-pipeline")["Target"]
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    for number in range(5):
        scheduler.create_schedule(
            Name=f"{stage.prefix}-at-once-{number}",
            ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target=target,
        )
