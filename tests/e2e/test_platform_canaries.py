"""Nothing secret and nobody's name, e-mail or address stands beside the data.

After all that `test_platform.py` has run, broken and mended, and after canaries of our own: one in
silver, one in quarantine, and rows that PostgreSQL refuses and quotes in its own words.
"""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.e2e import scan
from tests.e2e.account import Deployment, wait_for

CANARY = f"Kanarie-{uuid.uuid4().hex[:12]}"
PERSON = (
    "INSERT INTO dim_users (user_id, name, email, address, city, country, created_at, updated_at) "
    "VALUES (:id, :name, :email, :address, 'Lyon', 'FR', clock_timestamp(), clock_timestamp())"
)


def test_nothing_secret_or_personal_is_told(deployment: Deployment) -> None:
    with deployment.source() as source:
        for key, email in (
            (900_000_001, f"{CANARY}@nest.example"),
            (900_000_002, f"{CANARY}-none"),
        ):
            source.run(
                PERSON, id=key, name=f"{CANARY} Quill", email=email, address=f"1 {CANARY} Lane"
            )
    time.sleep(1.5)
    deployment.merge()
    held = deployment.athena("SELECT * FROM v_quarantine WHERE source_table = 'dim_users'")
    assert len(held) == 1, "the canary without an e-mail address is held back"
    _fail_with_a_row(deployment)
    wanted = scan.secrets(deployment) | scan.personal_values(deployment)
    assert len(wanted) > 300
    assert scan.found(scan.places(deployment), wanted | {"the canary": CANARY}) == []


def test_a_canary_in_each_kind_of_place_is_seen(deployment: Deployment) -> None:
    marker = f"marker-{uuid.uuid4().hex}"
    kinds = {kind for kind, _ in scan.places(deployment)}
    with ExitStack() as stack:
        for plant in (_in_files, _in_the_function, _in_aws):
            stack.enter_context(plant(deployment, marker))
        seen = {kind for kind, _, _ in scan.found(scan.places(deployment), {"it": marker})}
    # The definitions are what the template says: a canary there would have to be deployed.
    assert seen == kinds - {"definition of a machine", "definition of the job"}


@pytest.mark.parametrize(
    "secret",
    [
        "https://x/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123abcd",
        "connect to postgresql://admin:hunter2@host/shop",
        '{"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}',
    ],
)
def test_what_looks_like_a_secret_is_seen(secret: str) -> None:
    assert len(scan.found([("log", f"some words {secret} and more")], {})) == 1


def _fail_with_a_row(deployment: Deployment) -> None:
    """PostgreSQL refuses the generator's new people, and quotes the row in its detail."""
    with deployment.owner() as owner:
        owner.run("ALTER TABLE dim_users ADD CONSTRAINT nobody CHECK (user_id = 0) NOT VALID")
    try:
        answer = deployment.client("lambda").invoke(
            FunctionName=deployment.outputs["generator_function"], Payload=b"{}"
        )
        assert "FunctionError" in answer
        told = answer["Payload"].read().decode()
        assert "nobody" in told
        assert "Failing row contains" not in told
    finally:
        with deployment.owner() as owner:
            owner.run("ALTER TABLE dim_users DROP CONSTRAINT nobody")


@contextmanager
def _in_files(deployment: Deployment, marker: str) -> Iterator[None]:
    planted = deployment.home / "cdk.out" / "local" / "planted.json"
    planted.write_text(json.dumps({"password": marker}))
    (deployment.home / "logs" / "planted.log").write_text(f"connecting with {marker}\n")
    yield
    planted.unlink()
    (deployment.home / "logs" / "planted.log").unlink()


@contextmanager
def _in_the_function(deployment: Deployment, marker: str) -> Iterator[None]:
    client, name = deployment.client("lambda"), "lakehouse-local-receipt"
    kept = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = {"Variables": kept | {"PASSWORD": marker}}
    client.update_function_configuration(FunctionName=name, Environment=changed)
    yield
    client.update_function_configuration(FunctionName=name, Environment={"Variables": kept})


@contextmanager
def _in_aws(deployment: Deployment, marker: str) -> Iterator[None]:
    out = deployment.outputs
    deployment.finish(deployment.start(note=marker))
    logs, place = deployment.client("logs"), {"logGroupName": "/aws/lambda/lakehouse-local-ingest"}
    logs.create_log_stream(**place, logStreamName=marker[:20])
    event = {"timestamp": int(time.time() * 1000), "message": f"bound parameters: {marker}"}
    logs.put_log_events(**place, logStreamName=marker[:20], logEvents=[event])
    _fail_a_job(deployment, marker)
    deployment.athena(f"SELECT '{marker}' AS word")
    key = {"source_table": {"S": marker}, "item": {"S": "planted"}}
    deployment.client("dynamodb").put_item(TableName=out["watermark_table"], Item=key)
    yield
    deployment.client("dynamodb").delete_item(TableName=out["watermark_table"], Key=key)


def _fail_a_job(deployment: Deployment, marker: str) -> None:
    """It knows no such task, and says so in its log."""
    glue, name = deployment.client("glue"), deployment.outputs["glue_job"]
    arguments = {"--run_id": "planted", "--task": marker}

    def started() -> str | None:
        with suppress(glue.exceptions.ConcurrentRunsExceededException):  # a scheduled run has it
            run_id: str = glue.start_job_run(JobName=name, Arguments=arguments)["JobRunId"]
            return run_id
        return None

    run_id = wait_for(started, 180, "the job to be free")
    wait_for(
        lambda: glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]["JobRunState"] != "RUNNING",
        120,
        "the job",
    )
