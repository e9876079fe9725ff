"""Each seam of the emulator: it is where it was, and what stands behind it is real."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from local.seams import (
    authorization,
    cloudformation,
    glue,
    identity,
    lambdas,
    schedules,
    stepfunctions,
    traces,
)
from local.seams.contract import Seam
from tests.integration.local_aws.conftest import LocalAws, wait_for

SEAMS = [
    seam
    for module in (
        identity,
        authorization,
        lambdas,
        stepfunctions,
        traces,
        schedules,
        glue,
        cloudformation,
    )
    for seam in module.SEAMS
]
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: seam.name)
def test_the_seam_is_where_it_was(seam: Seam) -> None:
    assert seam.fault() is None


def test_a_failed_function_tells_the_class_of_its_error(aws: LocalAws) -> None:
    function = aws.function(
        "failing",
        "class PaperJam(Exception): pass\ndef handler(event, context): raise PaperJam('tray 2')\n",
    )
    role = aws.role(
        "invoker",
        "states.amazonaws.com",
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function},
    )
    ended = aws.run(
        "invoke-failing",
        role,
        {
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": function, "Payload": {}},
        },
    )
    assert (ended["status"], ended["error"]) == ("FAILED", "PaperJam")
    assert "tray 2" in ended["cause"]


def test_a_task_is_refused_what_its_role_may_not(aws: LocalAws) -> None:
    role = aws.role("nobody", "states.amazonaws.com")
    ended = aws.run(
        "forbidden",
        role,
        {
            "Resource": "arn:aws:states:::aws-sdk:glue:startCrawler",
            "Arguments": {"Name": "any"},
        },
    )
    assert (ended["status"], ended["error"]) == ("FAILED", "Glue.AccessDeniedException")
    assert "role/nobody" in ended["cause"]


def test_a_task_stays_in_the_region_of_its_machine(aws: LocalAws) -> None:
    away = aws.elsewhere("eu-west-1")
    away.client("dynamodb").create_table(
        TableName="far",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    role = aws.role("traveller", "states.amazonaws.com", ALL)
    state = {
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Arguments": {"TableName": "far", "Key": {"id": {"S": "any"}}},
    }
    assert away.run("far", role, state)["status"] == "SUCCEEDED"
    here = aws.run("near", role, state)
    assert (here["status"], here["error"]) == ("FAILED", "DynamoDB.ResourceNotFoundException")


def test_a_run_leaves_its_trace_if_its_role_may_send_it(aws: LocalAws) -> None:
    """By a template, which the emulator takes without this part of a machine's properties."""
    sends = {"Effect": "Allow", "Action": ["xray:Put*", "xray:Get*"], "Resource": "*"}
    keeps = {**sends, "Action": "xray:Get*"}
    machines, since = {}, time.time()
    for name, statement, enabled in (
        ("traced", sends, True), ("untraced", sends, False), ("silent", keeps, True),
    ):  # fmt: skip
        machines[name] = {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": name,
                "RoleArn": aws.role(f"{name}-machine", "states.amazonaws.com", statement),
                "TracingConfiguration": {"Enabled": enabled},
                "Definition": {"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}},
            },
        }
    formation, states = aws.client("cloudformation"), aws.client("stepfunctions")
    formation.create_stack(StackName="traces", TemplateBody=json.dumps({"Resources": machines}))
    formation.get_waiter("stack_create_complete").wait(
        StackName="traces", WaiterConfig={"Delay": 1}
    )
    found = states.list_state_machines()["stateMachines"]
    for machine in found:
        if machine["name"] in machines:
            states.start_execution(stateMachineArn=machine["stateMachineArn"], name="once")
    log = aws.home / "log"
    wait_for(lambda: ":silent:once is lost" in log.read_text())
    assert "not authorized to perform: xray:PutTraceSegments" in log.read_text()

    def sent() -> Any:
        span = {"StartTime": since, "EndTime": time.time() + 1}
        return aws.client("xray").get_trace_summaries(**span)["TraceSummaries"]

    (trace,) = wait_for(sent)
    assert (trace["EntryPoint"]["Name"], trace["HasFault"]) == ("traced", False)
    assert trace["Annotations"]["execution"][0]["AnnotationValue"] == {"StringValue": "once"}
    machines["untraced"]["Properties"]["TracingConfiguration"] = {"Enabled": True}
    formation.update_stack(StackName="traces", TemplateBody=json.dumps({"Resources": machines}))
    formation.get_waiter("stack_update_complete").wait(
        StackName="traces", WaiterConfig={"Delay": 1}
    )
    (machine,) = (one for one in found if one["name"] == "untraced")
    states.start_execution(stateMachineArn=machine["stateMachineArn"], name="twice")
    wait_for(lambda: [one for one in sent() if one["EntryPoint"]["Name"] == "untraced"])
    formation.delete_stack(StackName="traces")


def test_an_integration_without_an_engine_is_refused(aws: LocalAws) -> None:
    role = aws.role("sender", "states.amazonaws.com", ALL)
    ended = aws.run(
        "unknown", role, {"Resource": "arn:aws:states:::batch:submitJob.sync", "Arguments": {}}
    )
    assert ended["status"] == "FAILED"
    assert "no engine" in ended["cause"]


def test_a_job_whose_script_is_missing_fails(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="job-scripts")
    role = aws.role("job-role", "glue.amazonaws.com", ALL)
    aws.client("glue").create_job(
        Name="scriptless",
        Role=role,
        Command={"Name": "glueetl", "ScriptLocation": "s3://job-scripts/none.py"},
        GlueVersion="5.1",
    )
    caller = aws.role("job-caller", "states.amazonaws.com", ALL)
    ended = aws.run(
        "run-scriptless",
        caller,
        {
            "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Arguments": {"JobName": "scriptless"},
        },
    )
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert "404" in ended["cause"]


def test_a_failed_query_fails_its_task(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="query-results")
    role = aws.role("asker", "states.amazonaws.com", ALL)
    ended = aws.run(
        "ask",
        role,
        {
            "Resource": "arn:aws:states:::athena:startQueryExecution.sync",
            "Arguments": {
                "QueryString": "SELECT * FROM nowhere.nothing",
                "ResultConfiguration": {"OutputLocation": "s3://query-results/"},
            },
        },
    )
    assert ended["status"] == "FAILED"
    assert "nothing" in ended["cause"]


def test_a_query_reads_and_writes_with_its_callers_role(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="answers")
    queries = ["athena:StartQueryExecution", "athena:GetQueryExecution"]
    asks = {"Effect": "Allow", "Action": queries, "Resource": "*"}
    state = {
        "Resource": "arn:aws:states:::athena:startQueryExecution.sync",
        "Arguments": {
            "QueryString": "SELECT 1 AS one",
            "ResultConfiguration": {"OutputLocation": "s3://answers/"},
        },
    }
    catalogs = "arn:aws:athena:us-east-1:*:datacatalog/"
    knows = {**asks, "Action": "athena:GetDataCatalog", "Resource": f"{catalogs}AwsDataCatalog"}
    strays = {**knows, "Resource": f"{catalogs}Other"}
    finds = {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": "*"}
    writes = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    for name, statements, wanted in (
        ("strays", [asks, strays], "athena:GetDataCatalog"),
        ("knows", [asks, knows], "s3:GetBucketLocation"),
        ("finds", [asks, knows, finds], "s3:PutObject"),
        ("writes", [asks, knows, finds, writes], None),
    ):
        role = aws.role(f"query-{name}", "states.amazonaws.com", *statements)
        ended = aws.run(f"query-{name}", role, state)
        assert ended["status"] == ("FAILED" if wanted else "SUCCEEDED"), ended.get("cause")
        assert wanted is None or f"perform: {wanted}" in ended["cause"]


def test_who_may_not_list_a_bucket_is_not_told_that_an_object_is_missing(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="hiding")
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::hiding"}
    state = {
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": "hiding", "Key": "none"},
    }
    role = aws.role("blind", "states.amazonaws.com", reads)
    assert "AccessDenied" in aws.run("blind", role, state)["error"]
    role = aws.role("seeing", "states.amazonaws.com", reads, lists)
    assert "NoSuchKey" in aws.run("seeing", role, state)["error"]


def test_a_schedule_starts_what_its_role_may_start(aws: LocalAws) -> None:
    states, scheduler = aws.client("stepfunctions"), aws.client("scheduler")
    machines = {}
    for name in ("may", "may-not"):
        machines[name] = states.create_state_machine(
            name=f"scheduled-{name}",
            roleArn=aws.role(f"run-{name}", "states.amazonaws.com"),
            definition='{"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": true}}}',
        )["stateMachineArn"]
    start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machines["may"]}
    role = aws.role("schedule", "scheduler.amazonaws.com", start)
    for name in ("may-not", "may"):  # in this order: the second to fire shows that the first did
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="at(2026-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machines[name], "RoleArn": role},
        )

    def started(name: str) -> list[Any]:
        found: list[Any] = states.list_executions(stateMachineArn=machines[name])["executions"]
        return found

    wait_for(lambda: started("may"))
    assert started("may-not") == []


def test_a_functions_lines_are_lost_without_its_roles_permission(aws: LocalAws) -> None:
    aws.function("speaking", "def handler(event, context): print('said')\n")
    logs, group = aws.client("logs"), "/aws/lambda/speaking"

    def lines() -> int:
        aws.client("lambda").invoke(FunctionName="speaking", Payload=b"{}")
        try:
            events = logs.filter_log_events(logGroupName=group, filterPattern="said")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return 0
        return len(events)

    assert lines() == 0
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").put_role_policy(
        RoleName="speaking-role", PolicyName="log", PolicyDocument=document
    )
    assert lines() == 1


def put_parquet(aws: LocalAws, key: str, **columns: list[Any]) -> None:
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body)
    aws.client("s3").put_object(Bucket="crawled", Key=key, Body=body.getvalue())


def crawl(aws: LocalAws) -> dict[str, Any]:
    client = aws.client("glue")
    client.start_crawler(Name="reader")

    def ended() -> dict[str, Any] | None:
        crawler: dict[str, Any] = client.get_crawler(Name="reader")["Crawler"]
        return crawler["LastCrawl"] if crawler["State"] == "READY" else None

    last: dict[str, Any] = wait_for(ended)
    return last


def test_a_crawler_reads_the_parquet(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="crawled")
    client = aws.client("glue")
    client.create_database(DatabaseInput={"Name": "found"})
    client.create_crawler(
        Name="reader",
        Role=aws.role("crawler-role", "glue.amazonaws.com", ALL),
        DatabaseName="found",
        Targets={"S3Targets": [{"Path": "s3://crawled/sales/"}, {"Path": "s3://crawled/none/"}]},
    )
    put_parquet(aws, "sales/day=1/a.parquet", sale_id=[1, 2])
    put_parquet(aws, "sales/day=1/_hidden/b.parquet", secret=["x"])
    assert crawl(aws)["Status"] == "SUCCEEDED"
    put_parquet(aws, "sales/day=2/a.parquet", sale_id=[3], note=["new"])
    assert crawl(aws)["Status"] == "SUCCEEDED"
    tables = client.get_tables(DatabaseName="found")["TableList"]
    assert [table["Name"] for table in tables] == ["sales"]
    columns = [(c["Name"], c["Type"]) for c in tables[0]["StorageDescriptor"]["Columns"]]
    assert columns == [("sale_id", "bigint"), ("note", "string")]
    assert [key["Name"] for key in tables[0]["PartitionKeys"]] == ["day"]
    partitions = client.get_partitions(DatabaseName="found", TableName="sales")["Partitions"]
    assert sorted(p["Values"] for p in partitions) == [["1"], ["2"]]


def test_a_crawler_says_which_file_it_cannot_read(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket="crawled", Key="sales/day=3/broken.parquet", Body=b"not parquet")
    last = crawl(aws)
    assert last["Status"] == "FAILED"
    assert "sales/day=3/broken.parquet is not a Parquet file" in last["ErrorMessage"]


def test_loopback_counts_as_tls(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="tls-only")
    statement = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*",'
        '"Resource":"arn:aws:s3:::tls-only/*",'
        '"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'
    )
    s3.put_bucket_policy(Bucket="tls-only", Policy=statement)
    s3.put_object(Bucket="tls-only", Key="x", Body=b"1")
    assert s3.get_object(Bucket="tls-only", Key="x")["Body"].read() == b"1"


def test_sessions_are_registered_one_at_a_time() -> None:
    inside: list[int] = []
    seen: list[int] = []

    def register(number: int) -> int:
        inside.append(number)
        time.sleep(0.01)
        seen.append(len(inside))
        inside.remove(number)
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(identity.one_at_a_time(register), range(8))) == list(range(8))
    assert seen == [1] * 8


def test_a_metric_is_put_only_into_the_namespaces_of_its_role(aws: LocalAws) -> None:
    names = {"StringEquals": {"cloudwatch:namespace": ["Glue", "A.long/Namespace-of_30-letters"]}}
    allowed = {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"}
    role = aws.role("measurer", "states.amazonaws.com", allowed | {"Condition": names})
    for number, namespace in enumerate(("Glue", "A.long/Namespace-of_30-letters", "Other")):
        ended = aws.run(
            f"measure-{number}",
            role,
            {
                "Resource": "arn:aws:states:::aws-sdk:cloudwatch:putMetricData",
                "Arguments": {
                    "Namespace": namespace,
                    "MetricData": [{"MetricName": "Seen", "Value": 1}],
                },
            },
        )
        wanted = "FAILED" if namespace == "Other" else "SUCCEEDED"
        assert ended["status"] == wanted, ended.get("cause")
    assert authorization.metric_namespace(b'{"Namespace": "Glue"}') == "Glue"
    assert authorization.metric_namespace(b"no namespace") is None


def test_lines_are_written_into_the_groups_of_a_role(aws: LocalAws) -> None:
    logs, group = aws.client("logs"), "arn:aws:logs:us-east-1:000000000000:log-group"
    allowed = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}
    aws.role("writer", "ecs-tasks.amazonaws.com", allowed | {"Resource": f"{group}:/mine:*"})
    writer = _with_role(aws, "writer", "logs")
    for name in ("/mine", "/other"):
        logs.create_log_group(logGroupName=name)
    place = {"logGroupName": "/mine", "logStreamName": "one"}
    writer.create_log_stream(**place)
    put = partial(writer.put_log_events, logEvents=[{"timestamp": 1, "message": "seen"}])
    put(**place)
    for call, action in ((writer.create_log_stream, "CreateLogStream"), (put, "PutLogEvents")):
        with pytest.raises(ClientError, match=f"perform: logs:{action}"):
            call(**place | {"logGroupName": "/other"})


def test_a_pool_tells_its_issuer_and_its_clients_to_who_may_ask(aws: LocalAws) -> None:
    formation = aws.client("cloudformation")
    template = """{"Resources": {
      "Mine": {"Type": "AWS::Cognito::UserPool"}, "Other": {"Type": "AWS::Cognito::UserPool"},
      "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {
        "ClientName": "page", "UserPoolId": {"Ref": "Mine"}}}},
      "Outputs": {"Mine": {"Value": {"Ref": "Mine"}}, "Other": {"Value": {"Ref": "Other"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Mine", "Arn"]}},
        "Issuer": {"Value": {"Fn::GetAtt": ["Mine", "ProviderURL"]}}}}"""
    formation.create_stack(StackName="pools", TemplateBody=template)
    formation.get_waiter("stack_create_complete").wait(
        StackName="pools", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    outputs = formation.describe_stacks(StackName="pools")["Stacks"][0]["Outputs"]
    told = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    assert told["Issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{told['Mine']}"
    allowed = {"Effect": "Allow", "Action": "cognito-idp:ListUserPoolClients"}
    aws.role("finder", "tasks.apprunner.amazonaws.com", allowed | {"Resource": told["Arn"]})
    look = _with_role(aws, "finder", "cognito-idp").list_user_pool_clients
    (client,) = look(UserPoolId=told["Mine"])["UserPoolClients"]
    assert client["ClientName"] == "page"
    with pytest.raises(ClientError, match="perform: cognito-idp:ListUserPoolClients"):
        look(UserPoolId=told["Other"])


def test_security_group_rules_of_their_own_are_made_and_removed(aws: LocalAws) -> None:
    formation = aws.client("cloudformation")
    template = """{"Resources": {
      "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
      "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {
        "GroupDescription": "x", "VpcId": {"Ref": "Vpc"}}},
      "Rule": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {
        "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}, "IpProtocol": "tcp",
        "FromPort": 5432, "ToPort": 5432,
        "SourceSecurityGroupId": {"Fn::GetAtt": ["Group", "GroupId"]}}}},
      "Outputs": {"Group": {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}}}}"""
    formation.create_stack(StackName="rules", TemplateBody=template)
    formation.get_waiter("stack_create_complete").wait(
        StackName="rules", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    outputs = formation.describe_stacks(StackName="rules")["Stacks"][0]["Outputs"]
    group = outputs[0]["OutputValue"]

    def ports() -> list[int]:
        found = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
        return [permission["FromPort"] for permission in found["IpPermissions"]]

    assert ports() == [5432]
    without = template.replace("5432", "5433")
    formation.update_stack(StackName="rules", TemplateBody=without)
    formation.get_waiter("stack_update_complete").wait(
        StackName="rules", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert ports() == [5433]


def test_a_budget_is_made_changed_and_removed_with_its_stack(aws: LocalAws) -> None:
    formation = aws.client("cloudformation")
    template = """{"Resources": {"Monthly": {"Type": "AWS::Budgets::Budget", "Properties": {
      "Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY",
                 "BudgetLimit": {"Amount": 40, "Unit": "USD"}}}}}}"""

    def limits() -> list[str]:
        found = aws.client("budgets").describe_budgets(AccountId="000000000000")
        return [budget["BudgetLimit"]["Amount"] for budget in found.get("Budgets", [])]

    def wait(event: str) -> None:
        formation.get_waiter(event).wait(
            StackName="budget", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    formation.create_stack(StackName="budget", TemplateBody=template)
    wait("stack_create_complete")
    assert [float(limit) for limit in limits()] == [40]
    formation.update_stack(StackName="budget", TemplateBody=template.replace("40", "55"))
    wait("stack_update_complete")
    assert [float(limit) for limit in limits()] == [55]
    formation.delete_stack(StackName="budget")
    wait("stack_delete_complete")
    assert limits() == []


def _with_role(aws: LocalAws, name: str, service: str) -> Any:
    """A client with a role, which the account may take instead of a service."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
    aws.client("iam").update_assume_role_policy(
        RoleName=name, PolicyDocument=json.dumps({"Statement": [trust]})
    )
    role = f"arn:aws:iam::000000000000:role/{name}"
    taken = aws.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    return boto3.client(
        service,
        endpoint_url=aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )
