"""What must fail does: attempts beyond each actor's own business, on the deployed account."""

import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pg8000.exceptions
import pg8000.native
import pytest
from botocore.exceptions import ClientError

from tests.e2e.account import Deployment, wait_for
from tests.e2e.other_code import other_code
from tests.permissions import attached
from tests.permissions.lab import Lab

THIEF = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        getattr(boto3.client(event["service"]), event["call"])(**event["arguments"])
    except ClientError as refused:
        return refused.response["Error"]["Code"]
    return "done"
"""
NEIGHBOUR = "lakehouse-dev-neighbour"


@pytest.fixture(scope="module")
def buckets(deployment: Deployment) -> Iterator[dict[str, str]]:
    """Bucket of each layer, and one of another stage with something in it."""
    s3 = deployment.client("s3")
    s3.create_bucket(Bucket=NEIGHBOUR)
    s3.put_object(Bucket=NEIGHBOUR, Key="bronze/fact_sales/1.parquet", Body=b"theirs")
    layers = ("bronze", "silver", "gold")
    yield {layer: deployment.outputs[f"{layer}_bucket"] for layer in layers}
    for found in s3.list_objects_v2(Bucket=NEIGHBOUR).get("Contents", []):
        s3.delete_object(Bucket=NEIGHBOUR, Key=found["Key"])
    s3.delete_bucket(Bucket=NEIGHBOUR)


@pytest.fixture(scope="module")
def dashboard(deployment: Deployment) -> boto3.Session:
    """The dashboard's role, as whoever runs the page takes it."""
    role = deployment.client("sts").assume_role(
        RoleArn=deployment.outputs["dashboard_role"], RoleSessionName="curious"
    )["Credentials"]
    return boto3.Session(
        role["AccessKeyId"],
        role["SecretAccessKey"],
        role["SessionToken"],
        region_name=deployment.outputs["region"],
    )


@pytest.fixture(scope="module")
def thief(deployment: Deployment, buckets: dict[str, str]) -> Iterator[None]:
    """Other code in the ingest Lambda."""
    with other_code(deployment, "ingest", THIEF):
        yield


def steal(deployment: Deployment, service: str, call: str, **arguments: object) -> str:
    """What AWS answers to the call when the ingest's role makes it."""
    event = {"service": service, "call": call, "arguments": arguments}
    answer = deployment.client("lambda").invoke(
        FunctionName=deployment.outputs["ingest_function"], Payload=json.dumps(event)
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    code: str = json.loads(answer["Payload"].read())
    return code


def first_key(deployment: Deployment, bucket: str, prefix: str = "") -> str:
    found = deployment.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    key: str = found["Contents"][0]["Key"]
    return key


def refused(call: Any, **arguments: object) -> None:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert "AccessDenied" in caught.value.response["Error"]["Code"], caught.value


def test_a_role_without_one_statement_is_denied(deployment: Deployment) -> None:
    """One of what `make test-permissions` does with every statement."""
    lab = Lab(deployment)
    with attached.without(deployment, attached.find(deployment, "Ingest Lambda", "Ledger")):
        told = lab.ingest()
    assert told.ended == "the Lambda fails"
    assert told.actions == {"dynamodb:GetItem"}
    assert not lab.ingest().denied


def test_the_dashboard_reads_gold_but_no_bronze_and_writes_nothing(
    deployment: Deployment, dashboard: boto3.Session, buckets: dict[str, str]
) -> None:
    out = deployment.outputs
    s3 = dashboard.client("s3", endpoint_url=out["endpoint_url"])
    glue = dashboard.client("glue", endpoint_url=out["endpoint_url"])
    gold = {"Bucket": buckets["gold"], "Key": first_key(deployment, buckets["gold"])}
    bronze = {"Bucket": buckets["bronze"], "Key": first_key(deployment, buckets["bronze"])}
    assert s3.get_object(**gold)["ContentLength"] > 0
    refused(s3.get_object, **bronze)
    refused(s3.list_objects_v2, Bucket=buckets["bronze"])
    for bucket in buckets.values():
        refused(s3.put_object, Bucket=bucket, Key="x", Body=b"x")
        refused(s3.delete_object, Bucket=bucket, Key=gold["Key"])
    place = {"DatabaseName": out["gold_database"], "Name": "v_overview"}
    glue.get_table(**place)
    refused(glue.delete_table, **place)
    refused(glue.get_table, DatabaseName=out["bronze_database"], Name="fact_sales")
    ledger = dashboard.client("dynamodb", endpoint_url=out["endpoint_url"])
    refused(ledger.scan, TableName=out["watermark_table"])


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT count(*) FROM v_overview", "SUCCEEDED"),
        ("SELECT count(*) FROM {bronze_database}.fact_sales", "FAILED"),
        ("INSERT INTO pipeline_runs SELECT * FROM pipeline_runs", "FAILED"),
        ("CREATE OR REPLACE VIEW v_overview AS SELECT 1 AS n", "FAILED"),
        ("DROP VIEW v_overview", "FAILED"),
    ],
)
def test_the_dashboard_has_no_more_through_athena(
    deployment: Deployment, dashboard: boto3.Session, sql: str, wanted: str
) -> None:
    out = deployment.outputs
    athena = dashboard.client("athena", endpoint_url=out["endpoint_url"])
    query = athena.start_query_execution(
        QueryString=sql.format(**out),
        QueryExecutionContext={"Database": out["gold_database"]},
        WorkGroup=out["workgroup"],
    )["QueryExecutionId"]

    def ended() -> Any:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        return status if status["State"] in ("SUCCEEDED", "FAILED") else None

    status = wait_for(ended, 60, "the query to end")
    assert status["State"] == wanted, status
    if wanted == "FAILED":
        assert "no identity-based policy allows" in status["StateChangeReason"], status


def test_the_ingest_lands_but_takes_nothing_back_and_stays_in_bronze(
    deployment: Deployment, thief: None, buckets: dict[str, str]
) -> None:
    landed = first_key(deployment, buckets["bronze"])
    put = {"Key": "bronze/try.parquet", "Body": "x"}
    assert steal(deployment, "s3", "put_object", Bucket=buckets["bronze"], **put) == "done"
    for bucket, call, arguments in (
        ("bronze", "delete_object", {"Key": landed}),
        ("bronze", "put_object", {"Key": "elsewhere/x", "Body": "x"}),
        ("bronze", "delete_bucket_policy", {}),
        ("silver", "put_object", put),
        ("gold", "put_object", put),
        ("gold", "list_objects_v2", {}),
    ):
        code = steal(deployment, "s3", call, Bucket=buckets[bucket], **arguments)
        assert code == "AccessDenied", (bucket, call)
    deployment.client("s3").delete_object(Bucket=buckets["bronze"], Key="bronze/try.parquet")


def test_a_stage_reaches_no_other_stage(
    deployment: Deployment, thief: None, dashboard: boto3.Session
) -> None:
    theirs = {"Bucket": NEIGHBOUR, "Key": "bronze/fact_sales/1.parquet"}
    s3 = dashboard.client("s3", endpoint_url=deployment.outputs["endpoint_url"])
    refused(s3.get_object, **theirs)
    assert steal(deployment, "s3", "get_object", **theirs) == "AccessDenied"
    assert steal(deployment, "s3", "put_object", **theirs, Body="x") == "AccessDenied"
    key = {"source_table": {"S": "run"}, "item": {"S": "lease"}}
    table = "lakehouse-dev-watermarks"
    code = steal(deployment, "dynamodb", "get_item", TableName=table, Key=key)
    assert code == "AccessDeniedException"
    assert steal(deployment, "dynamodb", "get_item", Key=key,
                 TableName=deployment.outputs["watermark_table"]) == "done"  # fmt: skip


def test_a_request_over_plain_http_is_refused(
    deployment: Deployment, dashboard: boto3.Session, buckets: dict[str, str]
) -> None:
    s3 = dashboard.client("s3", endpoint_url=deployment.outputs["endpoint_url"])
    place = {"Bucket": buckets["gold"], "Key": first_key(deployment, buckets["gold"])}
    url = urlsplit(s3.generate_presigned_url("get_object", Params=place))

    def status(source: str) -> int:
        # Requests from 127.0.0.1 count as TLS in the local AWS (decision 6); others are what they
        # are, plain HTTP.
        connection = http.client.HTTPConnection(
            url.hostname or "", url.port, source_address=(source, 0)
        )
        connection.request("GET", f"{url.path}?{url.query}")
        code = connection.getresponse().status
        connection.close()
        return code

    assert status("127.0.0.1") == 200
    assert status("127.0.0.2") == 403


def test_nothing_becomes_public(deployment: Deployment, buckets: dict[str, str]) -> None:
    s3 = deployment.client("s3")
    for bucket in buckets.values():
        key = first_key(deployment, bucket)
        public = {
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }  # fmt: skip
        document = json.dumps({"Version": "2012-10-17", "Statement": [public]})
        # Even by the account's root.
        for call, arguments in (
            (s3.put_bucket_acl, {"ACL": "public-read"}),
            (s3.put_object_acl, {"Key": key, "ACL": "public-read"}),
            (s3.put_object, {"Key": "public", "Body": b"x", "ACL": "public-read"}),
            (s3.put_bucket_policy, {"Policy": document}),
        ):
            with pytest.raises(ClientError) as caught:
                call(Bucket=bucket, **arguments)
            code = caught.value.response["Error"]["Code"]
            assert code in ("AccessDenied", "AccessControlListNotSupported"), (bucket, call)
        address = urlsplit(deployment.outputs["endpoint_url"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        connection.request("GET", f"/{bucket}/{key}")
        assert connection.getresponse().status == 403, "anyone reads it"
        connection.close()


def test_the_generator_reads_no_table_but_the_shops(deployment: Deployment) -> None:
    with deployment.source() as source, deployment.owner() as generator:
        source.run("CREATE TABLE payroll (person text)")
        try:
            assert generator.run("SELECT count(*) FROM dim_users")[0][0] > 0
            for statement in ("SELECT * FROM payroll", "DELETE FROM payroll", "DROP TABLE payroll"):
                with pytest.raises(pg8000.exceptions.DatabaseError) as caught:
                    generator.run(statement)
                assert caught.value.args[0]["C"] == "42501", statement
        finally:
            source.run("DROP TABLE payroll")


def test_the_database_speaks_to_nobody_unencrypted(deployment: Deployment) -> None:
    endpoint = deployment.client("rds").describe_db_instances()["DBInstances"][0]["Endpoint"]
    user = "lakehouse_generator"
    address = {"DBHostname": endpoint["Address"], "Port": endpoint["Port"]}
    token = deployment.client("rds").generate_db_auth_token(**address, DBUsername=user)
    where = {"host": endpoint["Address"], "port": endpoint["Port"], "database": "shop"}
    authority = deployment.home / "state" / "rds" / "ca.pem"
    encrypted = ssl.create_default_context(cafile=authority)
    pg8000.native.Connection(user, password=token, ssl_context=encrypted, **where).close()
    with pytest.raises(pg8000.exceptions.DatabaseError, match="no encryption"):
        pg8000.native.Connection(user, password=token, ssl_context=False, **where)
