"""What a client that knows only outputs.json can do with the deployed account."""

import json
import shlex
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import boto3
import pg8000.exceptions
import pg8000.native

from local.account import Account
from local.reconcile import Reconciliation, reconcile

ROOT = Path(__file__).parent.parent.parent
T = TypeVar("T")

typed: list[str] = []
"""Every command that a test has typed, in order; the README's must be among them."""


class Deployment:
    """A stage in a local account."""

    def __init__(self, home: Path, environment: dict[str, str], stage: str = "local") -> None:
        self.home = home
        self.environment = environment
        self.prefix = f"lakehouse-{stage}"
        self.outputs: dict[str, str] = {}

    def make(
        self, *arguments: str, timeout: float = 300, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Types `make ...` as a person would and returns what it printed."""
        typed.append(shlex.join(("make", *arguments)))
        result = subprocess.run(
            ["make", *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def session(self) -> boto3.Session:
        """A boto3 session with the root credentials of outputs.json."""
        return boto3.Session(
            aws_access_key_id=self.outputs["aws_access_key_id"],
            aws_secret_access_key=self.outputs["aws_secret_access_key"],
            region_name=self.outputs["region"],
        )

    def client(self, service: str) -> Any:
        """A boto3 client for the account."""
        return self.session().client(service, endpoint_url=self.outputs["endpoint_url"])

    @contextmanager
    def source(self) -> Iterator[pg8000.native.Connection]:
        """A connection to PostgreSQL by the DSN."""
        parts = urlsplit(self.outputs["database_dsn"])
        connection = pg8000.native.Connection(
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            host=parts.hostname or "",
            port=parts.port or 0,
            database=parts.path.lstrip("/"),
        )
        try:
            yield connection
        finally:
            # A server that was stopped meanwhile has closed it already.
            with suppress(pg8000.exceptions.InterfaceError, OSError):
                connection.close()

    @contextmanager
    def owner(self) -> Iterator[pg8000.native.Connection]:
        """A connection as the owner of the shop's tables: over TLS, by an IAM token, as on AWS."""
        rds = self.client("rds")
        name = f"{self.prefix}-source"
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        endpoint = found[0]["Endpoint"]
        address = {"DBHostname": endpoint["Address"], "Port": endpoint["Port"]}
        connection = pg8000.native.Connection(
            user="lakehouse_generator",
            password=rds.generate_db_auth_token(**address, DBUsername="lakehouse_generator"),
            host=endpoint["Address"],
            port=endpoint["Port"],
            database="shop",
            ssl_context=ssl.create_default_context(cafile=self.home / "state" / "rds" / "ca.pem"),
        )
        try:
            yield connection
        finally:
            # A server that was stopped meanwhile has closed it already.
            with suppress(pg8000.exceptions.InterfaceError, OSError):
                connection.close()

    def ask(self, sql: str) -> Any:
        """One value from the source."""
        with self.source() as connection:
            return connection.run(sql)[0][0]

    def executions(self, status: str | None = None) -> list[dict[str, Any]]:
        """Executions of the state machine, newest first."""
        keywords = {"statusFilter": status} if status else {}
        found: list[dict[str, Any]] = self.client("stepfunctions").list_executions(
            stateMachineArn=self.outputs["state_machine_arn"], **keywords
        )["executions"]
        return sorted(found, key=lambda e: e["startDate"], reverse=True)

    def states_of(self, arn: str) -> set[str]:
        """Names of the states that an execution entered."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return {
            event["stateEnteredEventDetails"]["name"]
            for page in pages.paginate(executionArn=arn)
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        }

    def start(self, **payload: object) -> str:
        """Starts a run; its ARN."""
        arn: str = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["state_machine_arn"], input=json.dumps(payload)
        )["executionArn"]
        return arn

    def finish(self, arn: str, seconds: float = 180) -> dict[str, Any]:
        """Waits for an execution's end; its description."""
        client = self.client("stepfunctions")

        def ended() -> dict[str, Any] | None:
            description: dict[str, Any] = client.describe_execution(executionArn=arn)
            return description if description["status"] != "RUNNING" else None

        return wait_for(ended, seconds, f"{arn} to end")

    def run(self, **payload: object) -> dict[str, Any]:
        """One run from start to end, after any run that is under way."""
        wait_for(lambda: not self.executions("RUNNING"), 180, "the run before to end")
        return self.finish(self.start(**payload))

    def merge(self) -> dict[str, Any]:
        """One run that must succeed and merge."""
        description = self.run(force_merge=True)
        assert description["status"] == "SUCCEEDED", description.get("cause")
        return description

    def generate(self) -> None:
        """One invocation of the generator; its rows are behind the horizon's margin at the end."""
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs["generator_function"], Payload=b"{}"
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        settle()

    def reconciled(self) -> Reconciliation:
        """Source, bronze, silver and gold, counted and compared where they lie."""

        class Known(Account):
            endpoint_url = self.outputs["endpoint_url"]
            outputs = self.outputs

        keys = ("aws_access_key_id", "aws_secret_access_key")
        return reconcile(Known(*[self.outputs[key] for key in keys]))

    @contextmanager
    def ingest_held(self) -> Iterator[Callable[[], bool]]:
        """The next run waits in the ingest until the end; gives whether one waits."""
        waiting = (
            "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
            "WHERE NOT l.granted AND a.application_name LIKE 'lakehouse-ingest/%'"
        )
        with self.owner() as owner, self.source() as watcher:
            owner.run("BEGIN")
            owner.run("LOCK TABLE fact_sales IN ACCESS EXCLUSIVE MODE")
            yield lambda: bool(watcher.run(waiting)[0][0])

    def schedule(self, name: str, *, enabled: bool) -> None:
        """Switches a schedule on or off."""
        scheduler = self.client("scheduler")
        found = scheduler.get_schedule(Name=f"{self.prefix}-{name}")
        keep = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        scheduler.update_schedule(
            **{key: found[key] for key in keep}, State="ENABLED" if enabled else "DISABLED"
        )

    def athena(self, sql: str, *, ctas: bool = False) -> list[dict[str, Any]]:
        """Rows of a query, through awswrangler as anyone would call it."""
        import awswrangler as wr

        for service in ("s3", "athena", "glue", "sts"):
            setattr(wr.config, f"{service}_endpoint_url", self.outputs["endpoint_url"])
        wr.config.athena_query_wait_polling_delay = 0.1
        frame = wr.athena.read_sql_query(
            sql,
            database=self.outputs["gold_database"],
            workgroup=self.outputs["workgroup"],
            ctas_approach=ctas,
            boto3_session=self.session(),
        )
        rows: list[dict[str, Any]] = frame.to_dict("records")
        return rows

    def watermarks(self) -> dict[str, str]:
        """Cursor value of each table's watermark."""
        items = self.client("dynamodb").scan(TableName=self.outputs["watermark_table"])["Items"]
        return {
            item["source_table"]["S"]: item["cursor_value"]["S"]
            for item in items
            if item["item"]["S"] == "watermark" and "cursor_value" in item
        }


def settle() -> None:
    """Waits until rows just written are behind the horizon's margin of a second."""
    time.sleep(1.5)


def wait_for(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """Looks until something is there; fails with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")
