"""Every alarm goes off for what it watches, is told, and ends after the handbook's remedy.

Two alarms wait for a quarter of an hour or more of silence, as they have to; here the same alarms
look at a minute. Thresholds of storage and dollars are moved to where a laptop can reach them.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.e2e.account import Deployment, wait_for

PREFIX = "lakehouse-local"
LEASE = {"source_table": {"S": "run"}, "item": {"S": "lease"}}


class Watched:
    """The alarms of the account, and what their topic has told."""

    def __init__(self, account: Deployment) -> None:
        self.account = account
        self.cloudwatch, self._sqs = account.client("cloudwatch"), account.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="told")["QueueUrl"]
        sns = account.client("sns")
        (topic,) = (t["TopicArn"] for t in sns.list_topics()["Topics"] if PREFIX in t["TopicArn"])
        asked = {"QueueUrl": self._queue, "AttributeNames": ["QueueArn"]}
        arn = self._sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        self._subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self.told: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Nothing of it stays in the account."""
        self.account.client("sns").unsubscribe(SubscriptionArn=self._subscribed["SubscriptionArn"])
        self._sqs.delete_queue(QueueUrl=self._queue)

    def state(self, name: str) -> str:
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNames=[f"{PREFIX}-{name}"])["MetricAlarms"]
        state: str = alarm["StateValue"]
        return state

    def wait(self, name: str, state: str, seconds: float = 90) -> None:
        """Until the alarm has the state, and its topic has told so."""
        wait_for(lambda: self.state(name) == state, seconds, f"{name} to be {state}")
        wait_for(lambda: self._heard(name, state), 15, f"the message that {name} is {state}")

    def _heard(self, name: str, state: str) -> bool:
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        for message in found.get("Messages", []):
            told = json.loads(json.loads(message["Body"])["Message"])
            self.told.add((told["AlarmName"].removeprefix(f"{PREFIX}-"), told["NewStateValue"]))
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return (name, state) in self.told

    @contextmanager
    def changed(self, name: str, **changes: Any) -> Iterator[None]:
        """The alarm with another period or threshold for a while."""
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNames=[f"{PREFIX}-{name}"])["MetricAlarms"]
        keep = ("AlarmName", "AlarmDescription", "MetricName", "Namespace", "Dimensions",
                "Statistic", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator",
                "TreatMissingData", "AlarmActions", "OKActions")  # fmt: skip
        as_it_is = {key: alarm[key] for key in keep if key in alarm}
        self.cloudwatch.put_metric_alarm(**as_it_is | changes)
        yield
        self.cloudwatch.put_metric_alarm(**as_it_is)


@pytest.fixture(scope="module")
def alarms(deployment: Deployment) -> Iterator[Watched]:
    """At rest: nothing scheduled, everything merged."""
    _schedules(deployment, enabled=False)
    deployment.merge()
    watched = Watched(deployment)
    yield watched
    watched.close()
    _schedules(deployment, enabled=True)


def _schedules(account: Deployment, *, enabled: bool) -> None:
    for name in ("generator", "pipeline"):
        account.schedule(name, enabled=enabled)


def _sales(account: Deployment, values: str) -> None:
    with account.owner() as source:
        source.run(
            "INSERT INTO fact_sales (user_id, product_id, quantity, unit_price, total_amount,"
            f" status) SELECT 1, 1, {values} FROM generate_series(1, 1000)"
        )
    time.sleep(2)  # the horizon stays a second behind


def _ingest(account: Deployment) -> dict[str, Any]:
    """One batch of the sales, without a run around it."""
    answer = account.client("lambda").invoke(
        FunctionName=account.outputs["ingest_function"],
        Payload=json.dumps({"table": "fact_sales", "run_id": "by-hand"}),
    )
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    return result


def test_database_alarms(deployment: Deployment, alarms: Watched) -> None:
    rds = deployment.client("rds")
    with ExitStack() as sessions:
        for _ in range(45):
            sessions.enter_context(deployment.source())
        alarms.wait("database-connections", "ALARM")
    alarms.wait("database-connections", "OK")

    allocated = rds.describe_db_instances()["DBInstances"][0]["AllocatedStorage"]
    used = deployment.ask("SELECT sum(pg_database_size(oid)) FROM pg_database")
    room = float(allocated * 1024**3 - int(used) - 200 * 1024**2)
    with alarms.changed("database-storage", Threshold=room, Period=60):
        with deployment.source() as source:
            source.run(
                "CREATE TABLE filler AS SELECT repeat(md5(i::text), 60) AS a"
                " FROM generate_series(1, 120000) AS i"
            )
        alarms.wait("database-storage", "ALARM")
        rds.modify_db_instance(
            DBInstanceIdentifier=f"{PREFIX}-source",
            AllocatedStorage=allocated + 5,
            ApplyImmediately=True,
        )
        alarms.wait("database-storage", "OK")
    with deployment.source() as source:
        source.run("DROP TABLE filler")


def test_alarms_of_what_is_read(deployment: Deployment, alarms: Watched) -> None:
    _sales(deployment, "0, 5.00, 0.00, 'PENDING'")  # a rule wants more than none
    assert _ingest(deployment)["quarantined"] == 1000
    alarms.wait("rows-held-back", "ALARM")
    with deployment.owner() as source:
        source.run("UPDATE fact_sales SET quantity = 1, updated_at = now() WHERE quantity = 0")

    with deployment.owner() as holding, deployment.owner() as source:
        holding.run("BEGIN")
        holding.run("UPDATE dim_users SET address = 'elsewhere' WHERE user_id = 1")
        (pid,) = holding.run("SELECT pg_backend_pid()")[0]
        time.sleep(32)
        assert _ingest(deployment)["horizon_held_seconds"] > 30
        alarms.wait("horizon-held", "ALARM")
        source.run("SELECT pg_terminate_backend(:pid)", pid=pid)
    deployment.make("quarantine-replay", "TABLE=fact_sales")
    deployment.merge()
    alarms.wait("horizon-held", "OK")
    alarms.wait("rows-held-back", "OK")


def test_alarms_of_runs(deployment: Deployment, alarms: Watched) -> None:
    deployment.client("rds").stop_db_instance(DBInstanceIdentifier=f"{PREFIX}-source")
    assert deployment.run()["status"] == "FAILED"
    alarms.wait("run-failed", "ALARM")
    deployment.client("rds").start_db_instance(DBInstanceIdentifier=f"{PREFIX}-source")
    with alarms.changed("no-success", Period=60):
        alarms.wait("no-success", "ALARM")
        deployment.make("resume", "STAGE=local")
        alarms.wait("no-success", "OK", 150)
        _schedules(deployment, enabled=False)
    alarms.wait("run-failed", "OK")


def test_a_lease_that_stays(deployment: Deployment, alarms: Watched) -> None:
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["watermark_table"]
    held = {"holder": {"S": "nobody"}, "expires_at": {"N": str(int(time.time()) + 86_400)}}
    dynamodb.put_item(TableName=table, Item=LEASE | held)
    with alarms.changed("lease-stuck", Period=60):
        skipped = deployment.run()
        assert "another run holds the lease" in skipped["output"]
        alarms.wait("lease-stuck", "ALARM")
        dynamodb.delete_item(TableName=table, Key=LEASE)
        assert deployment.run()["status"] == "SUCCEEDED"
        alarms.wait("lease-stuck", "OK")


def test_dead_letters(deployment: Deployment, alarms: Watched) -> None:
    iam, scheduler = deployment.client("iam"), deployment.client("scheduler")
    arn = scheduler.get_schedule(Name=f"{PREFIX}-pipeline")["Target"]["RoleArn"]
    role = {"RoleName": arn.rsplit("/", 1)[-1], "PolicyName": "Start"}
    policy = iam.get_role_policy(**role)["PolicyDocument"]
    fewer = [one for one in policy["Statement"] if one["Sid"] == "KeepDeadLetters"]
    iam.put_role_policy(**role, PolicyDocument=json.dumps(policy | {"Statement": fewer}))
    deployment.schedule("pipeline", enabled=True)
    alarms.wait("dead-letters", "ALARM", 150)
    deployment.schedule("pipeline", enabled=False)
    iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))
    sqs = deployment.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"{PREFIX}-dead-letters")["QueueUrl"]
    (letter,) = sqs.receive_message(
        QueueUrl=queue, MessageAttributeNames=["All"], VisibilityTimeout=0
    )["Messages"]
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDeniedException"
    sqs.purge_queue(QueueUrl=queue)
    alarms.wait("dead-letters", "OK")


def test_alarms_of_numbers_and_dollars(deployment: Deployment, alarms: Watched) -> None:
    _sales(deployment, "1, 5.00, 5.00, 'PENDING'")
    batch = str(_ingest(deployment)["batch_id"])
    s3, bucket = deployment.client("s3"), deployment.outputs["bronze_bucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="bronze/fact_sales/")["Contents"]
    (key,) = (one["Key"] for one in listed if batch in one["Key"])
    s3.delete_object(Bucket=bucket, Key=key)
    failed = deployment.run(force_merge=True)
    assert failed["status"] == "FAILED"
    assert "ReconciliationError" in failed["cause"]
    alarms.wait("reconciliation-failed", "ALARM")
    deployment.make("repair", "TABLE=fact_sales", f"BATCH={int(batch)}")
    deployment.merge()
    alarms.wait("reconciliation-failed", "OK")

    def spent() -> float:
        points = alarms.cloudwatch.get_metric_statistics(
            Namespace=PREFIX, MetricName="RunDollars", StartTime=time.time() - 86_400,
            EndTime=time.time() + 60, Period=86_400, Statistics=["Sum"],
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    assert spent() > 0.01
    with alarms.changed("runs-cost-too-much", Threshold=0.01):
        alarms.wait("runs-cost-too-much", "ALARM")
    alarms.wait("runs-cost-too-much", "OK")


def test_all_have_been_seen(deployment: Deployment) -> None:
    names = [
        a["AlarmName"] for a in deployment.client("cloudwatch").describe_alarms()["MetricAlarms"]
    ]
    history = deployment.client("cloudwatch").describe_alarm_history(
        HistoryItemType="StateUpdate", MaxRecords=100
    )["AlarmHistoryItems"]
    for name in names:
        summaries = [one["HistorySummary"] for one in history if one["AlarmName"] == name]
        assert any("to ALARM" in summary for summary in summaries), name
        assert any("to OK" in summary for summary in summaries), name
