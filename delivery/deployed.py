"""A deployed stage as the smoke run knows it: by the names that its stacks gave."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import boto3
from botocore.exceptions import ClientError

from lakehouse.errors import DeliveryError
from lakehouse.executions import readable, visits
from lakehouse.settings import Stage

Say = Callable[[str], None]
"""Where lines go that a person follows."""
Row = Mapping[str, str | None]
"""Column to value, as Athena writes it."""

_READER_SECONDS = 900


@dataclass(frozen=True)
class Ended:
    """An execution that has ended."""

    name: str
    status: str
    cause: str
    output: Mapping[str, Any]


@dataclass(frozen=True)
class Deployed:
    """A stage in the account of the session."""

    stage: Stage
    session: boto3.Session
    account: str
    region: str

    @classmethod
    def find(cls, stage: Stage, session: boto3.Session | None = None) -> Self:
        """The stage where the caller's credentials and region point; nothing is created."""
        session = session or boto3.Session()
        region = stage.region or session.region_name
        if not region:
            raise DeliveryError(
                "no region: set AWS_DEFAULT_REGION to the one that the stage was deployed to"
            )
        account = session.client("sts", region_name=region).get_caller_identity()["Account"]
        return cls(stage, session, account, region)

    @property
    def machine_arn(self) -> str:
        """The pipeline's state machine."""
        return (
            f"arn:aws:states:{self.region}:{self.account}:stateMachine:{self.stage.prefix}-pipeline"
        )

    @property
    def reader_arn(self) -> str:
        """The dashboard's role, which may read the views and nothing else."""
        return f"arn:aws:iam::{self.account}:role/{self.stage.reader_role(self.region)}"

    def start(self, name: str) -> str:
        """Starts a run that merges whatever waits; its ARN."""
        client = self.session.client("stepfunctions", region_name=self.region)
        try:
            answer = client.start_execution(
                stateMachineArn=self.machine_arn,
                name=name,
                input=json.dumps({"force_merge": True}),
            )
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "StateMachineDoesNotExist":
                raise
            raise DeliveryError(
                f"{self.stage.prefix}-pipeline is not in account {self.account}, {self.region}; "
                f'deploy it first: make cdk ARGS="deploy -c stage={self.stage.name} --all"'
            ) from None
        arn: str = answer["executionArn"]
        return arn

    def follow(self, arn: str, say: Say, poll_seconds: float) -> Ended:
        """Watches an execution until it ends, telling each state as it is entered."""
        client = self.session.client("stepfunctions", region_name=self.region)
        pages = client.get_paginator("get_execution_history")
        told = 0
        while True:
            description = client.describe_execution(executionArn=arn)
            events = [
                event for page in pages.paginate(executionArn=arn) for event in page["events"]
            ]
            entered = list(visits(events))
            for state, seconds, _ in entered[told:]:
                say(f"{seconds:8.1f} s  {state}")
            told = len(entered)
            if description["status"] != "RUNNING":
                cause = readable(description.get("cause", ""))
                return Ended(
                    description["name"],
                    description["status"],
                    ": ".join(text for text in (description.get("error", ""), cause) if text),
                    json.loads(description.get("output") or "{}"),
                )
            time.sleep(poll_seconds)

    def reader(self) -> "Reader":
        """Reads gold as the dashboard does."""
        taken = self.session.client("sts", region_name=self.region).assume_role(
            RoleArn=self.reader_arn,
            RoleSessionName="smoke",
            DurationSeconds=_READER_SECONDS,
        )["Credentials"]
        session = boto3.Session(
            aws_access_key_id=taken["AccessKeyId"],
            aws_secret_access_key=taken["SecretAccessKey"],
            aws_session_token=taken["SessionToken"],
            region_name=self.region,
        )
        return Reader(session, self.stage.database("gold"), self.stage.prefix)


@dataclass(frozen=True)
class Reader:
    """Questions to gold's views."""

    session: boto3.Session
    gold: str
    workgroup: str

    def knows(self, view: str) -> bool:
        """Whether a run has made the view yet."""
        client = self.session.client("glue")
        try:
            client.get_table(DatabaseName=self.gold, Name=view)
        except client.exceptions.EntityNotFoundException:
            return False
        return True

    def ask(self, sql: str, poll_seconds: float) -> list[Row]:
        """Rows of a statement; raises DeliveryError with what Athena says."""
        client = self.session.client("athena")
        query = client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.gold},
            WorkGroup=self.workgroup,
        )["QueryExecutionId"]
        while True:
            found = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            if found["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(poll_seconds)
        if found["State"] != "SUCCEEDED":
            why = found.get("StateChangeReason", "no reason given")
            raise DeliveryError(f"Athena, workgroup {self.workgroup}: {found['State']}: {why}")
        header, *rows = client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        names = [cell["VarCharValue"] for cell in header["Data"]]
        return [
            dict(zip(names, (cell.get("VarCharValue") for cell in row["Data"]), strict=True))
            for row in rows
        ]
