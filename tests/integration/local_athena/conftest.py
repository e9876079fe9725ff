"""One emulator for the tests of this folder, with a small lake of Parquet and Iceberg tables."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[3]
CREDENTIALS = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "root-secret"}
REGION = "eu-central-1"
BUCKET = "athena-lake"


@dataclass(frozen=True)
class Local:
    """The running emulator."""

    endpoint: str
    session: boto3.Session

    def client(self, name: str) -> Any:
        """A boto3 client of the emulator."""
        return self.session.client(name, endpoint_url=self.endpoint)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="package")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """The emulator, up until the last test of this folder."""
    port, home = _free_port(), tmp_path_factory.mktemp("emulator")
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": REGION,
        "MINISTACK_REGION": REGION,
    }
    log = (home / "log").open("w+")
    launcher = str(Path(__file__).with_name("launcher.py"))
    process = subprocess.Popen(
        [sys.executable, launcher], env=environment, cwd=home, stdout=log, stderr=log
    )
    try:
        _wait(endpoint, process, home / "log")
        yield Local(endpoint, boto3.Session(region_name=REGION, **CREDENTIALS))
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def _wait(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1)
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError(log.read_text()[-3000:])


@dataclass(frozen=True)
class Finished:
    """A query that ended."""

    execution: dict[str, Any]
    results: dict[str, Any]

    @property
    def state(self) -> str:
        """Its final state."""
        return str(self.execution["Status"]["State"])

    @property
    def reason(self) -> str:
        """Why it failed."""
        return str(self.execution["Status"].get("StateChangeReason", ""))

    @property
    def rows(self) -> list[list[str | None]]:
        """The rows, without the one with the names."""
        lines = [
            [value.get("VarCharValue") for value in row["Data"]]
            for row in self.results["ResultSet"]["Rows"]
        ]
        return lines[1:] if self.execution["SubstatementType"] == "SELECT" else lines

    @property
    def types(self) -> dict[str, str]:
        """Column name to type name."""
        info = self.results["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        return {column["Name"]: column["Type"] for column in info}

    @property
    def full_types(self) -> dict[str, str]:
        """Column name to type, decimals with precision and scale."""
        info = self.results["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        sizes = {c["Name"]: f"decimal({c['Precision']},{c['Scale']})" for c in info}
        return {n: sizes[n] if kind == "decimal" else kind for n, kind in self.types.items()}


class Athena:
    """Asks and waits."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, sql: str, database: str = "lake", **arguments: Any) -> Finished:
        """Starts a query and polls it to its end."""
        arguments.setdefault("WorkGroup", "lakehouse")
        query_id = self.client.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": database}, **arguments
        )["QueryExecutionId"]
        return self.finish(query_id)

    def finish(self, query_id: str) -> Finished:
        """Polls a query to its end."""
        for _ in range(3000):
            execution = self.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                break
            time.sleep(0.01)
        succeeded = execution["Status"]["State"] == "SUCCEEDED"
        results = self.client.get_query_results(QueryExecutionId=query_id) if succeeded else {}
        return Finished(execution, results)


@pytest.fixture(scope="package")
def athena(local: Local) -> Athena:
    """The emulator's Athena, with a bucket, a workgroup and the database `lake`."""
    local.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    client = local.client("athena")
    client.create_work_group(
        Name="lakehouse",
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"},
        },
    )
    local.client("glue").create_database(DatabaseInput={"Name": "lake"})
    return Athena(client)
