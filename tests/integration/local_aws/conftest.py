"""The emulator with every seam, in a process of its own, and small things put into it."""

import io
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[3]


class LocalAws:
    """A running emulator and helpers that make roles, functions and machines in it."""

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        home: Path,
        region: str = "us-east-1",
    ) -> None:
        self.endpoint = endpoint
        self.home = home
        self._keys = (access_key, secret_key)
        self._session = boto3.Session(access_key, secret_key, region_name=region)

    def elsewhere(self, region: str) -> "LocalAws":
        """The same account in another region."""
        return LocalAws(self.endpoint, *self._keys, self.home, region)

    def client(self, service: str) -> Any:
        """A boto3 client as root."""
        return self._session.client(service, endpoint_url=self.endpoint)

    def role(self, name: str, service: str, *statements: dict[str, Any]) -> str:
        """A role of a service with exactly these statements; its ARN."""
        iam = self.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))[
            "Role"
        ]["Arn"]
        if statements:
            document = {"Version": "2012-10-17", "Statement": list(statements)}
            iam.put_role_policy(
                RoleName=name, PolicyName="all", PolicyDocument=json.dumps(document)
            )
        return arn

    def function(self, name: str, code: str) -> str:
        """A Python Lambda of this code; its ARN."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("index.py", code)
        arn: str = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=self.role(f"{name}-role", "lambda.amazonaws.com"),
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
        )["FunctionArn"]
        return arn

    def run(self, name: str, role: str, state: dict[str, Any]) -> dict[str, Any]:
        """Runs a machine of this one state to its end; the execution's description."""
        states = self.client("stepfunctions")
        definition = {
            "QueryLanguage": "JSONata",
            "StartAt": "Only",
            "States": {"Only": state | {"Type": "Task", "End": True}},
        }
        machine = states.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role
        )["stateMachineArn"]
        arn = states.start_execution(stateMachineArn=machine)["executionArn"]
        return wait_for(lambda: self._ended(arn))

    def _ended(self, arn: str) -> dict[str, Any] | None:
        description: dict[str, Any] = self.client("stepfunctions").describe_execution(
            executionArn=arn
        )
        return description if description["status"] != "RUNNING" else None


def wait_for(look: Any, seconds: float = 60) -> Any:
    """Looks until something is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing in {seconds:.0f} s")


@pytest.fixture(scope="package")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The emulator for all tests of this folder."""
    home = tmp_path_factory.mktemp("aws")
    (home / "state" / "tmp").mkdir(parents=True)
    port, dashboard = free_port(), free_port()
    place = os.environ | {"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_PORT": str(port)}
    place["LAKEHOUSE_DASHBOARD_PORT"] = str(dashboard)
    code = (
        "import os; from local import emulator; "
        "os.environ |= emulator.environment('ROOTKEY', 'rootsecret'); emulator.main()"
    )
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env=place, stdout=log, stderr=log
        )
        try:
            wait_for(lambda: _listens(port), 60)
            yield LocalAws(f"http://127.0.0.1:{port}", "ROOTKEY", "rootsecret", home)
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
