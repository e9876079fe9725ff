"""The smoke run over AWS's own rules (moto): what it follows, what it reads, how it fails."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.athena.models import QueryResults, athena_backends
from moto.stepfunctions.models import Execution

from delivery import __main__ as command
from delivery import smoke
from delivery.deployed import Deployed
from delivery.smoke import Pace, faults
from lakehouse.errors import DeliveryError
from lakehouse.settings import load_stage

REGION, ACCOUNT = "eu-west-1", "123456789012"
STAGE = load_stage("dev")
RUN = "smoke-1"
QUICK = Pace(poll_seconds=0.01, wait_seconds=0.01)
FINE = {"source_table": "fact_sales", "run_id": RUN, "is_reconciled": "true", "detail": None}
RECEIPT = {"outcome": "SUCCEEDED", "cause": None}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(smoke, "_name", lambda attempt: f"smoke-{attempt}")
    with mock_aws():
        yield


class Deploy:
    """A machine whose runs end as told once they have been looked at; moto runs no states."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, status: str = "SUCCEEDED", **end: object) -> None:
        history = Execution.get_execution_history

        def look(execution: Execution, role: str) -> list[dict[str, Any]]:
            seen = history(execution, role)
            execution.status, execution.output_details = status, {"included": True}
            for name, value in end.items():
                setattr(execution, name, value)
            return seen

        self._monkeypatch.setattr(Execution, "get_execution_history", look)
        boto3.client("stepfunctions").create_state_machine(
            name="lakehouse-dev-pipeline",
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine",
            definition="{}",
        )
        boto3.client("athena").create_work_group(Name="lakehouse-dev", Configuration={})


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Deploy:
    return Deploy(monkeypatch)


def merge_made_views(*answers: Sequence[dict[str, str | None]]) -> None:
    """The view is there, and Athena will answer so, one after the other."""
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "lakehouse_dev_gold"})
    glue.create_table(DatabaseName="lakehouse_dev_gold", TableInput={"Name": "v_reconciliation"})
    for rows in answers:
        cells = [[*rows[0]], *([*row.values()] for row in rows)] if rows else [["outcome", "cause"]]
        athena_backends[ACCOUNT][REGION].query_results_queue.append(
            QueryResults(
                [
                    {"Data": [{"VarCharValue": c} if c is not None else {} for c in r]}
                    for r in cells
                ],
                [],
            )
        )


def run(pace: Pace = QUICK) -> list[str]:
    lines: list[str] = []
    smoke.run(STAGE, minutes=1, say=lines.append, pace=pace)
    return lines


def test_a_run_that_merged_and_is_reconciled(deploy: Deploy) -> None:
    deploy(output={"merged": True, "rows": 7})
    merge_made_views([FINE], [RECEIPT])
    lines = run()
    assert lines[0] == "lakehouse-dev-pipeline: run smoke-1"
    assert lines[1] == "    10.0 s  A State"
    assert lines[2:] == ["  fact_sales: reconciled", "lakehouse-dev: SUCCEEDED and reconciled"]


def test_it_merges_whatever_waits_and_reads_as_the_dashboard(deploy: Deploy) -> None:
    deploy(output={})
    merge_made_views([FINE], [])
    run()
    client = boto3.client("stepfunctions")
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:lakehouse-dev-pipeline:{RUN}"
    assert json.loads(client.describe_execution(executionArn=arn)["input"]) == {"force_merge": True}
    deployed = Deployed.find(STAGE)
    assert deployed.reader_arn == f"arn:aws:iam::{ACCOUNT}:role/lakehouse-dev-dashboard-{REGION}"
    taken = deployed.reader().session.client("sts").get_caller_identity()["Arn"]
    assert taken.endswith(f":assumed-role/lakehouse-dev-dashboard-{REGION}/smoke")


def test_a_failed_run_tells_its_cause_and_what_to_type(deploy: Deploy) -> None:
    cause = json.dumps({"errorMessage": "fact_sales: bucket is gone"})
    deploy("FAILED", error="TableFailed", cause=cause)
    with pytest.raises(DeliveryError) as failed:
        run()
    assert str(failed.value).startswith(
        "run smoke-1 FAILED: TableFailed: fact_sales: bucket is gone; "
    )
    assert "make rollback-advice STAGE=dev" in str(failed.value)


def test_a_difference_between_layers_fails_though_the_run_succeeded(deploy: Deploy) -> None:
    deploy(output={"merged": True})
    detail = "batch 7: silver lacks 1 key(s)"
    merge_made_views([FINE | {"is_reconciled": "false", "detail": detail}], [RECEIPT])
    with pytest.raises(DeliveryError, match="SUCCEEDED, but: fact_sales: batch 7: silver lacks"):
        run()


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ({"skipped": "another run holds the lease"}, "another run was at work; waited"),
        ({"merged": False}, "no row has ever come from the source"),
    ],
)
def test_a_run_that_tells_nothing_is_tried_again_and_then_said(
    deploy: Deploy, output: dict[str, Any], words: str
) -> None:
    deploy(output=output)
    with pytest.raises(DeliveryError, match=words):
        run(replace(QUICK, clock=iter([0.0, 30.0, 61.0]).__next__))
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:lakehouse-dev-pipeline"
    started = boto3.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    assert len(started) == 2


def test_what_is_not_deployed_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["smoke", "dev"]) == 1
    line = capsys.readouterr().err.strip()
    assert line.startswith(
        f"error: lakehouse-dev-pipeline is not in account {ACCOUNT}, {REGION}; deploy it first: "
    )
    assert 'make cdk ARGS="deploy -c stage=dev --all"' in line
    assert "\n" not in line


def test_no_region_and_no_credentials_are_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert command.main(["smoke", "dev"]) == 1
    assert capsys.readouterr().err.startswith("error: no region: set AWS_DEFAULT_REGION")
    assert command.main(["smoke", "nowhere"]) == 1
    assert capsys.readouterr().err.startswith("error: stage 'nowhere' does not exist")


def test_what_aws_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from botocore.exceptions import NoCredentialsError

    def refuse(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(smoke, "run", refuse)
    assert command.main(["smoke", "dev"]) == 1
    line = capsys.readouterr().err.strip()
    assert line.startswith("error: AWS: Unable to locate credentials; check the credentials")


@pytest.mark.parametrize(
    ("output", "compared", "receipts", "expected"),
    [
        ({"merged": True}, [FINE], [RECEIPT], []),
        ({"merged": False}, [FINE | {"run_id": "earlier"}], [], []),
        ({"merged": False}, [], [], ["v_reconciliation is empty"]),
        (
            {"merged": True},
            [FINE | {"run_id": "earlier"}],
            [RECEIPT],
            ["it merged, and v_reconciliation has no comparison of it"],
        ),
        ({"merged": True}, [FINE], [], ["it merged, and v_pipeline_runs has no receipt of it"]),
        (
            {"merged": True},
            [FINE],
            [{"outcome": "FAILED", "cause": "why"}],
            ["its receipt says FAILED: why"],
        ),
        (
            {},
            [FINE | {"is_reconciled": None}],
            [],
            ["fact_sales: not reconciled"],
        ),
    ],
)
def test_what_contradicts_a_success(
    output: dict[str, Any],
    compared: list[dict[str, str | None]],
    receipts: list[dict[str, str | None]],
    expected: list[str],
) -> None:
    assert faults(RUN, output, compared, receipts) == expected
