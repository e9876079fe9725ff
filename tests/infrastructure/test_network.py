"""Network and secrets: each promise, looked for in what is deployed."""

import ast
import json
from pathlib import Path
from typing import Any

from lakehouse.settings import load_stage
from tests.infrastructure.conftest import Composed
from tests.infrastructure.nag import CUSTOMER
from tests.infrastructure.templates import of_type, only

ROOT = Path(__file__).parent.parent.parent
Templates = dict[str, dict[str, Any]]


def test_subnets_are_isolated(templates: Templates) -> None:
    source = templates["source"]
    assert not any(s["MapPublicIpOnLaunch"] for s in of_type(source, "AWS::EC2::Subnet").values())
    every = {r["Type"] for t in templates.values() for r in t["Resources"].values()}
    # Without a route, a table holds the way inside the network and those of gateway endpoints.
    assert not every & {
        "AWS::EC2::Route",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::EC2::VPCPeeringConnection",
        "AWS::EC2::TransitGatewayAttachment",
    }
    tables = set(of_type(source, "AWS::EC2::RouteTable"))
    assert len(tables) == len(of_type(source, "AWS::EC2::Subnet"))


def test_every_function_beside_the_database_is_in_the_isolated_subnets(
    templates: Templates,
) -> None:
    inside = {
        function["FunctionName"].rsplit("-", 1)[-1]
        for template in templates.values()
        for function in of_type(template, "AWS::Lambda::Function").values()
        if "VpcConfig" in function
    }
    assert inside == {"bootstrap", "generator", "ingest"}
    group = only(templates["source"], "AWS::RDS::DBSubnetGroup")
    subnets = {json.dumps(subnet) for subnet in group["SubnetIds"]}
    assert subnets == {
        json.dumps({"Ref": name}) for name in of_type(templates["source"], "AWS::EC2::Subnet")
    }


def test_endpoints_let_through_the_stage_and_no_one_elses_buckets(templates: Templates) -> None:
    endpoints = of_type(templates["source"], "AWS::EC2::VPCEndpoint")
    assert {endpoint["VpcEndpointType"] for endpoint in endpoints.values()} == {"Gateway"}
    allowed: dict[str, list[dict[str, Any]]] = {}
    for name, endpoint in endpoints.items():
        statements = endpoint["PolicyDocument"]["Statement"]
        assert {statement["Effect"] for statement in statements} == {"Allow"}
        assert not any("*" in str(statement["Action"]) for statement in statements)
        allowed[name.removeprefix("NetworkVpc")[:-8]] = statements
    answers, bronze = allowed["S3"]
    assert answers["Action"] == "s3:PutObject"
    assert "cloudformation-custom-resource-response-" in json.dumps(answers["Resource"])
    assert bronze["Sid"] == "Bronze"
    assert all("Bronze" in json.dumps(resource) for resource in bronze["Resource"])
    (ledger,) = allowed["DynamoDb"]
    assert "Watermarks" in json.dumps(ledger["Resource"])


def test_security_groups_let_out_what_is_needed(templates: Templates) -> None:
    source = templates["source"]
    rules = [
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for group in of_type(source, "AWS::EC2::SecurityGroup").values()
        for rule in group.get("SecurityGroupEgress", [])
    ]
    assert set(rules) == {("tcp", 443, 443)}
    assert not any(
        group.get("SecurityGroupIngress")
        for group in of_type(source, "AWS::EC2::SecurityGroup").values()
    )
    assert only(source, "AWS::EC2::SecurityGroupEgress")["FromPort"] == 5432


def test_nothing_is_public(templates: Templates) -> None:
    for template in templates.values():
        for database in of_type(template, "AWS::RDS::DBInstance").values():
            assert database["PubliclyAccessible"] is False
        assert not of_type(template, "AWS::Lambda::Url")
        for permission in of_type(template, "AWS::Lambda::Permission").values():
            assert permission["Principal"] != "*"
        for policy in of_type(template, "AWS::S3::BucketPolicy").values():
            opened = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
            assert not any("*" in json.dumps(s["Principal"]) for s in opened)


def test_the_master_password_goes_to_the_database_and_to_the_bootstrap(
    templates: Templates,
) -> None:
    readers = {
        resource["Type"]
        for template in templates.values()
        for resource in template["Resources"].values()
        if "resolve:secretsmanager" in json.dumps(resource)
    }
    assert readers == {"AWS::RDS::DBInstance", "Custom::DatabaseRoles"}
    for template in templates.values():
        for function in of_type(template, "AWS::Lambda::Function").values():
            variables = json.dumps(function["Environment"])
            assert not any(word in variables for word in ("resolve:", "Secret", "PASSWORD"))


def test_clients_of_the_database_verify_its_certificate_and_name() -> None:
    """TLS everywhere: `rds.force_ssl` on the server, `verify-full` in every client."""
    clients = 0
    for path in (ROOT / "lambdas").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call):
                given = {k.arg: ast.unparse(k.value) for k in call.keywords if k.arg}
                if ast.unparse(call.func) == "pg8000.native.Connection":
                    # Python's default context checks the chain and the host's name.
                    source = path.read_text()
                    assert "ssl.create_default_context(cafile=ca_file())" in source
                    assert given["ssl_context"]
                    clients += 1
                if "sslmode" in given:
                    assert given["sslmode"] == "'verify-full'"
                    assert "ca_file()" in given["sslrootcert"]
                    clients += 1
            if isinstance(call, ast.Attribute):
                assert call.attr not in ("CERT_NONE", "_create_unverified_context"), path
    assert clients == 3


def test_data_are_encrypted_by_the_services_keys_unless_the_stage_says(
    templates: Templates, stage_name: str
) -> None:
    assert load_stage(stage_name).data.keys == "service"
    assert not any(of_type(template, "AWS::KMS::Key") for template in templates.values())
    for bucket in of_type(templates["storage"], "AWS::S3::Bucket").values():
        assert '"AES256"' in json.dumps(bucket["BucketEncryption"])


def test_keys_of_its_own_encrypt_every_store(composed: Composed) -> None:
    templates = composed.templates(CUSTOMER)
    source, storage = templates["source"], templates["storage"]
    for template, stores in (
        (source, ("AWS::RDS::DBInstance", "AWS::SecretsManager::Secret")),
        (storage, ("AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable")),
    ):
        (name,) = of_type(template, "AWS::KMS::Key")
        key = only(template, "AWS::KMS::Key")
        assert key["EnableKeyRotation"] is True
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"
        account, through, *_ = key["KeyPolicy"]["Statement"]
        assert ":root" in json.dumps(account["Principal"])
        assert set(through["Condition"]["StringEquals"]) == {"kms:CallerAccount", "kms:ViaService"}
        for store in stores:
            for properties in of_type(template, store).values():
                assert f'["{name}", "Arn"]' in json.dumps(properties), store
    settings = only(templates["transform"], "AWS::Athena::WorkGroup")["WorkGroupConfiguration"]
    encryption = settings["ResultConfiguration"]["EncryptionConfiguration"]
    assert encryption["EncryptionOption"] == "SSE_KMS"
