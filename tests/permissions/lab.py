"""What needs a permission, each as one call that tells what was refused on the way."""

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from botocore.exceptions import ClientError

from tests.e2e.account import ROOT, Deployment, wait_for
from tests.e2e.other_code import other_code
from tests.permissions.attached import STAGE

DENIALS = re.compile(
    r"AccessDenied|not authorized|permissions to call|Forbidden|HTTP 403|PAM authentication failed"
)
_NAMED = re.compile(
    r"(?:perform:|may not) ([a-z0-9-]+:\w+)|permissions to call (\w+) on (EC2|XRAY)"
)
_PATIENCE_SECONDS = 30
"""Iceberg reads a table's metadata again for minutes, whatever S3 says."""
_OTHER_CODE = """
import boto3

def handler(event, context):
    subnet = event["subnet"]
    found = boto3.client("ec2").create_network_interface(SubnetId=subnet)
    return found["NetworkInterface"]["NetworkInterfaceId"]
"""


@dataclass(frozen=True)
class Told:
    """How it ended, in a few words, and all the text in which a refusal would be told."""

    ended: str
    text: str = ""
    lost: bool = False
    """Nothing says so, but what should have been written is not there."""

    @property
    def denied(self) -> bool:
        """Whether anything was refused."""
        return self.lost or bool(DENIALS.search(self.text))

    @property
    def actions(self) -> set[str]:
        """The refused actions that the text names."""
        found = {"logs:CreateLogDelivery"} if "access the Log Destination" in self.text else set()
        found |= {
            named or f"{service.lower()}:{call}"
            for named, call, service in _NAMED.findall(self.text)
        }
        # PostgreSQL and Step Functions say no more than this, on AWS too.
        if "PAM authentication failed" in self.text:
            found.add("rds-db:connect")
        return found


class Lab:
    """A deployed account at rest: its schedules are off, and a first run has merged."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.client = deployment.client

    def touch(self) -> None:
        """A few changed sales, settled behind the horizon's margin."""
        with self.deployment.source() as source:
            source.run(
                "UPDATE fact_sales SET updated_at = clock_timestamp() "
                "WHERE sale_id IN (SELECT sale_id FROM fact_sales ORDER BY sale_id LIMIT 3)"
            )
        time.sleep(1.5)

    def invoke(self, function: str, **payload: object) -> Told:
        """One call of a Lambda."""
        answer = self.client("lambda").invoke(
            FunctionName=f"lakehouse-{STAGE}-{function}", Payload=json.dumps(payload)
        )
        body = answer["Payload"].read().decode()
        return Told("the Lambda fails", body) if "FunctionError" in answer else Told("", "")

    def generator(self) -> Told:
        return self.invoke("generator")

    def ingest(self, table: str = "fact_sales") -> Told:
        self.touch()
        return self.invoke("ingest", table=table, run_id=f"try-{uuid.uuid4()}")

    def second_attempt(self) -> Told:
        """A batch that was opened but not landed is taken up again: is its object there?"""
        for _ in range(3):  # what earlier attempts have left, halved maybe
            self.invoke("ingest", table="fact_sales", run_id=f"try-{uuid.uuid4()}")
        role = f"lakehouse-{STAGE}-ingest"
        name = next(
            found["RoleName"]
            for page in self.client("iam").get_paginator("list_roles").paginate()
            for found in page["Roles"]
            if found["RoleName"].startswith(role)
        )
        denial = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
        iam = self.client("iam")
        iam.put_role_policy(RoleName=name, PolicyName="no-landing", PolicyDocument=document)
        try:
            first = self.ingest()
        finally:
            iam.delete_role_policy(RoleName=name, PolicyName="no-landing")
        assert first.denied, first
        return self.invoke("ingest", table="fact_sales", run_id=f"try-{uuid.uuid4()}")

    def receipt(self) -> Told:
        arn = self.deployment.executions("SUCCEEDED")[0]["executionArn"]
        return self.invoke("receipt", execution_arn=arn, run_id="try")

    def custom_resource(self, function: str, **properties: object) -> Told:
        """A custom resource's deletion, answered to an address of ours."""
        with _mailbox() as (address, answers):
            self.invoke(
                function,
                RequestType="Delete",
                ResponseURL=address,
                StackId="s",
                RequestId="r",
                LogicalResourceId="l",
                PhysicalResourceId="p",
                ResourceProperties=properties,
            )
        (answer,) = answers
        failed = answer["Status"] == "FAILED"
        return Told("the stack's deletion fails", answer["Reason"]) if failed else Told("")

    def emptier(self) -> Told:
        bucket = self._results()
        self.client("s3").put_object(Bucket=bucket, Key="athena/try.csv", Body=b"x")
        return self.custom_resource("emptier", Buckets=[bucket])

    def bootstrap(self) -> Told:
        return self.custom_resource("bootstrap")

    def idle_emptier(self) -> Told:
        return self.custom_resource("emptier", Buckets=[])

    def log_of(self, call: Callable[[], Told], group: str) -> Told:
        """Whether a call leaves lines in a log group."""
        since = _now()
        told = call()
        assert not told.denied, told
        lost = not self._lines(group, since)
        return Told("it goes on, its lines are lost" if lost else "", lost=lost)

    def function_log(self, name: str) -> Told:
        calls: dict[str, Callable[[], Told]] = {
            "ingest": partial(self.invoke, "ingest", table="dim_products", run_id="try-log"),
            "emptier": self.idle_emptier,
        }
        call = calls.get(name) or getattr(self, name)
        return self.log_of(call, f"/aws/lambda/lakehouse-{STAGE}-{name}")

    def crawler_log(self) -> Told:
        return self.log_of(self.crawl, "/aws-glue/crawlers")

    def job_log(self) -> Told:
        return self.log_of(self.job, f"/aws-glue/lakehouse-{STAGE}-merge/output")

    def job_metrics(self) -> Told:
        """The job goes on without its metric, and says so in its log."""
        return self.job()

    def reconfigure(self, function: str, *, in_network: bool) -> Told:
        """The function's tracing and network are set once more, as a deployment does."""
        client, asked = self.client("lambda"), {"TracingConfig": {"Mode": "Active"}}
        if in_network:
            asked["VpcConfig"] = self._network()
        return attempt(
            lambda: client.update_function_configuration(
                FunctionName=f"lakehouse-{STAGE}-{function}", **asked
            ),
            "the deployment fails",
        )

    def deliver_log(self, machine: str) -> Told:
        """The machine's logging is set once more, as a deployment does."""
        client = self.client("stepfunctions")
        group = f"/aws/vendedlogs/states/lakehouse-{STAGE}-{machine}"
        found = self.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
        logging = {
            "level": "ERROR",
            "includeExecutionData": False,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": found["arn"]}}],
        }
        return attempt(
            lambda: client.update_state_machine(
                stateMachineArn=self._machine(machine), loggingConfiguration=logging
            ),
            "the deployment fails",
        )

    def interface_by_code(self, function: str) -> Told:
        """Code put into the function asks for a network interface with the function's role."""
        subnet = self._network()["SubnetIds"][0]
        with other_code(self.deployment, function, _OTHER_CODE):
            return self.invoke(function, subnet=subnet)

    def crawl(self) -> Told:
        glue, name = self.client("glue"), self.deployment.outputs["crawler"]
        glue.start_crawler(Name=name)

        def ended() -> Any:
            crawler = glue.get_crawler(Name=name)["Crawler"]
            return crawler["LastCrawl"] if crawler["State"] == "READY" else None

        last = wait_for(ended, 60, "the crawl to end")
        return Told(f"the crawl is {last['Status']}", last.get("ErrorMessage", ""))

    def job(self) -> Told:
        """A merge of a waiting batch."""
        told = self.ingest()
        assert not told.denied, told
        glue, name = self.client("glue"), self.deployment.outputs["glue_job"]
        run_id = glue.start_job_run(JobName=name, Arguments={"--run_id": f"try-{uuid.uuid4()}"})[
            "JobRunId"
        ]

        log = self.deployment.home / "state" / "glue" / run_id / "job.log"
        stopped_at = 0.0

        def ended() -> Any:
            nonlocal stopped_at
            run = glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
            if run["JobRunState"] not in ("STARTING", "RUNNING"):
                return run
            if log.is_file() and DENIALS.search(log.read_text()):
                stopped_at = stopped_at or time.monotonic() + _PATIENCE_SECONDS
                if time.monotonic() > stopped_at:
                    glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id])
            return None

        run = wait_for(ended, 240, "the job to end")
        text = run.get("ErrorMessage", "") + (log.read_text() if log.is_file() else "")
        if run["JobRunState"] == "STOPPED":
            return Told("the job's log says so at each new attempt, until it is stopped", text)
        return Told(f"the job is {run['JobRunState']}", text)

    def quiet_run(self) -> Told:
        """A run of the pipeline that finds nothing new."""
        return self._execution("pipeline")

    def run(self) -> Told:
        """A run of the pipeline that ingests, merges, makes the views and its receipt."""
        self.touch()
        return self._execution("pipeline", force_merge=True)

    def crawling_run(self) -> Told:
        """A run that finds a table not yet catalogued."""
        self.client("dynamodb").update_item(
            TableName=self.deployment.outputs["watermark_table"],
            Key={"source_table": {"S": "fact_sales"}, "item": {"S": "watermark"}},
            UpdateExpression="REMOVE crawled_signature",
        )
        return self.run()

    def maintain(self) -> Told:
        return self._execution("upkeep", task="maintain")

    def rebuild(self) -> Told:
        return self._execution("upkeep", task="rebuild")

    def schedule(self, name: str) -> Told:
        """A schedule with the target and the role of the one named, due at once."""

        def found(since: str, refused: str) -> str | None:
            return refused or ("started" if self._started(name, since) else None)

        told = self._fire(name, {}, found)
        if told == "started" and name != "generator":
            machine = self._machine("upkeep" if name == "maintenance" else "pipeline")
            wait_for(lambda: not self._running(machine), 180, "what it started to end")
        return Told("nothing is started" if DENIALS.search(told) else "", told)

    def dead_letter(self, name: str) -> Told:
        """A schedule with the role of the one named and a target that the role may not start."""
        other = "generator" if name == "pipeline" else "pipeline"
        strange = self.client("scheduler").get_schedule(Name=f"lakehouse-{STAGE}-{other}")
        sqs = self.client("sqs")
        queue = sqs.get_queue_url(QueueName=f"lakehouse-{STAGE}-dead-letters")["QueueUrl"]
        sqs.purge_queue(QueueUrl=queue)  # of what other trials could not start

        def found(_since: str, refused: str) -> str | None:
            lost = next((line for line in refused.splitlines() if "is lost" in line), None)
            return lost or ("kept" if sqs.receive_message(QueueUrl=queue).get("Messages") else None)

        told = self._fire(name, {"Arn": strange["Target"]["Arn"]}, found)
        return Told("the letter is lost" if DENIALS.search(told) else "", told)

    def _fire(
        self, name: str, changes: dict[str, str], found: Callable[[str, str], str | None]
    ) -> str:
        """What is found after a schedule like the one named, but changed, has been due.

        `found` is given the moment before and the emulator's lines about the schedule.
        """
        client = self.client("scheduler")
        target = client.get_schedule(Name=f"lakehouse-{STAGE}-{name}")["Target"]
        emulator = self.deployment.home / "logs" / "emulator.log"
        offset, since = emulator.stat().st_size, _now()
        probe = f"try-{uuid.uuid4()}"
        client.create_schedule(
            Name=probe,
            ScheduleExpression=f"at({time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={k: target[k] for k in ("Arn", "RoleArn", "Input", "DeadLetterConfig")}
            | changes,
        )

        def seen() -> str | None:
            with emulator.open() as log:
                log.seek(offset)
                return found(since, "".join(line for line in log if probe in line))

        try:
            return wait_for(seen, 90, f"the schedule {name} to fire")
        finally:
            client.delete_schedule(Name=probe)

    def dashboard(self) -> Told:
        """The dashboard's own code reads its views, with its role."""
        out = self.deployment.outputs
        result = self.by_dashboard(
            "from dashboard import queries, views\n"
            "from dashboard.settings import DashboardEnvironment\n"
            "reader = queries.athena_reader(DashboardEnvironment.read())\n"
            "queries.load(views.ALL, lambda view: queries.read(reader, view))\n",
            GOLD_DATABASE=out["gold_database"],
            WORKGROUP=out["workgroup"],
        )
        return Told("the page shows the failure" if result.returncode else "", result.stderr)

    def by_dashboard(self, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Code of the dashboard in a process of its own, with these variables and its role."""
        out = self.deployment.outputs
        role = self.client("sts").assume_role(
            RoleArn=out["dashboard_role"], RoleSessionName="dashboard"
        )["Credentials"]
        kept = {k: v for k, v in self.deployment.environment.items() if not k.startswith("AWS_")}
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=ROOT,
            env=kept
            | {
                "AWS_ENDPOINT_URL": out["endpoint_url"],
                "AWS_DEFAULT_REGION": out["region"],
                "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
                "AWS_SESSION_TOKEN": role["SessionToken"],
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def service(self) -> Told:
        """Another service like the dashboard's, in a stack of its own that is gone at the end."""
        formation, deployed = self.client("cloudformation"), f"lakehouse-{STAGE}-dashboard"
        resources = formation.describe_stack_resources(StackName=deployed)["StackResources"]
        roles = [r for r in resources if r["ResourceType"] == "AWS::IAM::Role"]
        (puller,) = (r for r in roles if r["LogicalResourceId"].startswith("HostPuller"))
        reader = self.deployment.outputs["dashboard_role"]
        role = puller["PhysicalResourceId"].rsplit("/", 1)[-1]
        variables = {"GOLD_DATABASE": "any", "WORKGROUP": "any"}
        service = {
            "SourceConfiguration": {
                "AuthenticationConfiguration": {
                    "AccessRoleArn": f"{reader.rpartition('/')[0]}/{role}"
                },
                "ImageRepository": {
                    "ImageIdentifier": ":".join(self.image()),
                    "ImageRepositoryType": "ECR",
                    "ImageConfiguration": {
                        "RuntimeEnvironmentVariables": [
                            {"Name": name, "Value": value} for name, value in variables.items()
                        ]
                    },
                },
            },
            "InstanceConfiguration": {"InstanceRoleArn": reader},
            "HealthCheckConfiguration": {"Protocol": "HTTP", "Path": "/health/live"},
        }
        name = f"try-{uuid.uuid4()}"
        one = {"Type": "AWS::AppRunner::Service", "Properties": service}
        formation.create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": {"Service": one}})
        )

        def settled() -> str | None:
            (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
            status: str = stack["StackStatus"]
            return None if status.endswith("IN_PROGRESS") else status

        status = wait_for(settled, 120, name)
        events = formation.describe_stack_events(StackName=name)["StackEvents"]
        formation.delete_stack(StackName=name)
        reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
        made = status == "CREATE_COMPLETE"
        return Told("" if made else "the service is not made", "" if made else reasons)

    def image(self) -> tuple[str, str]:
        """Address of the one repository, and the tag of the dashboard's image in it."""
        ecr = self.client("ecr")
        (repository,) = ecr.describe_repositories()["repositories"]
        found = ecr.describe_images(repositoryName=repository["repositoryName"])
        return repository["repositoryUri"], found["imageDetails"][0]["imageTags"][0]

    def rest(self, machine: str) -> None:
        """Waits until no run is under way, and frees the lease."""
        arn = self._machine(machine)
        wait_for(lambda: not self._running(arn), 120, "the run before to end")
        self._free_the_lease()

    def _execution(self, machine: str, **payload: object) -> Told:
        states = self.client("stepfunctions")
        self.rest(machine)
        arn = states.start_execution(
            stateMachineArn=self._machine(machine), input=json.dumps(payload)
        )["executionArn"]
        ended = self.deployment.finish(arn, 300)
        failures = [
            json.dumps(event, default=str)
            for page in states.get_paginator("get_execution_history").paginate(executionArn=arn)
            for event in page["events"]
            if "Failed" in event["type"]
        ]
        text = ended.get("cause", "") + "".join(failures)
        return Told(f"the run is {ended['status']}", text)

    def trace(self, machine: str) -> Told:
        """Whether a run leaves its trace; the emulator's log tells why not."""
        emulator = self.deployment.home / "logs" / "emulator.log"
        offset, since = emulator.stat().st_size, time.time()
        told = self._execution(machine, **({"task": "maintain"} if machine == "upkeep" else {}))
        assert not told.denied, told
        xray, name = self.client("xray"), self._machine(machine).rpartition(":")[2]

        def found() -> Told | None:
            kept = xray.get_trace_summaries(StartTime=since, EndTime=time.time())["TraceSummaries"]
            if any(trace["EntryPoint"]["Name"] == name for trace in kept):
                return Told("")
            with emulator.open() as log:
                log.seek(offset)
                lost = [line for line in log if "the trace of" in line and f":{name}:" in line]
            return Told("it goes on, its trace is lost", "".join(lost)) if lost else None

        return wait_for(found, 60, f"the trace of {machine}")

    def _free_the_lease(self) -> None:
        """A run that may not give its lease back keeps it until it expires."""
        self.client("dynamodb").delete_item(
            TableName=self.deployment.outputs["watermark_table"],
            Key={"source_table": {"S": "run"}, "item": {"S": "lease"}},
        )

    def _running(self, machine: str) -> list[Any]:
        found: list[Any] = self.client("stepfunctions").list_executions(
            stateMachineArn=machine, statusFilter="RUNNING"
        )["executions"]
        return found

    def _machine(self, name: str) -> str:
        key = "upkeep_machine_arn" if name == "upkeep" else "state_machine_arn"
        return self.deployment.outputs[key]

    def _started(self, schedule: str, since: int) -> int:
        """Starts of what the schedule starts, since then."""
        if schedule == "generator":
            return self._lines(f"/aws/lambda/lakehouse-{STAGE}-generator", since)
        machine = self._machine("upkeep" if schedule == "maintenance" else "pipeline")
        pages = self.client("stepfunctions").get_paginator("list_executions")
        return sum(
            execution["startDate"].timestamp() * 1000 >= since
            for page in pages.paginate(stateMachineArn=machine)
            for execution in page["executions"]
        )

    def _lines(self, group: str, since: int) -> int:
        logs = self.client("logs")
        try:
            return len(logs.filter_log_events(logGroupName=group, startTime=since)["events"])
        except logs.exceptions.ResourceNotFoundException:
            return 0

    def _network(self) -> dict[str, Any]:
        """Of the source: the emulator does not tell which network a function is in."""
        ec2 = self.client("ec2")
        groups = ec2.describe_security_groups(
            Filters=[{"Name": "tag:Name", "Values": [f"lakehouse-{STAGE}-source/Clients"]}]
        )["SecurityGroups"]
        subnets = ec2.describe_subnets(
            Filters=[{"Name": "vpc-id", "Values": [groups[0]["VpcId"]]}]
        )["Subnets"]
        return {
            "SubnetIds": [subnet["SubnetId"] for subnet in subnets],
            "SecurityGroupIds": [groups[0]["GroupId"]],
        }

    def _results(self) -> str:
        group = self.client("athena").get_work_group(
            WorkGroup=self.deployment.outputs["workgroup"]
        )["WorkGroup"]
        location: str = group["Configuration"]["ResultConfiguration"]["OutputLocation"]
        return location.removeprefix("s3://").partition("/")[0]


def attempt(call: Callable[[], object], otherwise: str) -> Told:
    """A call, and how it ends otherwise."""
    try:
        call()
    except ClientError as refused:
        return Told(otherwise, str(refused))
    return Told("")


def _now() -> int:
    return int(time.time() * 1000)


@contextmanager
def _mailbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address that takes the answers of custom resources, and the answers."""
    answers: list[dict[str, Any]] = []

    class Box(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Box)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
