"""What the templates say: what exists, what may talk to what, and what dies with its stack."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from lakehouse.contract import load_contracts
from lakehouse.environment import BootstrapEnvironment, GeneratorEnvironment, IngestEnvironment
from lakehouse.settings import load_stage
from lakehouse.views import load_views
from tests.infrastructure.templates import of_type, only, statements

STACKS = {
    "source",
    "storage",
    "ingest",
    "transform",
    "orchestration",
    "upkeep",
    "dashboard",
    "monitoring",
    "budget",
}
Templates = dict[str, dict[str, Any]]


def test_the_stacks_are_the_stops_of_the_data(templates: Templates) -> None:
    assert set(templates) == STACKS


def test_no_way_in_or_out_of_the_network(templates: Templates) -> None:
    for template in templates.values():
        types = {resource["Type"] for resource in template["Resources"].values()}
        assert not types & {
            "AWS::EC2::NatGateway",
            "AWS::EC2::InternetGateway",
            "AWS::EC2::EIP",
            "AWS::EC2::Instance",
        }
    endpoints = of_type(templates["source"], "AWS::EC2::VPCEndpoint").values()
    assert {endpoint["VpcEndpointType"] for endpoint in endpoints} == {"Gateway"}
    assert {json.dumps(endpoint["ServiceName"]).split(".")[-1][:2] for endpoint in endpoints} == {
        "s3",
        "dy",
    }


def test_database_is_private_encrypted_and_open_to_its_clients_alone(templates: Templates) -> None:
    source = templates["source"]
    database = only(source, "AWS::RDS::DBInstance")
    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    assert database["EnableIAMDatabaseAuthentication"] is True
    parameters = only(source, "AWS::RDS::DBParameterGroup")["Parameters"]
    assert parameters == {"rds.force_ssl": "1", "track_activities": "1"}
    rules = list(of_type(source, "AWS::EC2::SecurityGroupIngress").values())
    assert [(rule["FromPort"], rule["ToPort"]) for rule in rules] == [(5432, 5432)]
    assert "Clients" in json.dumps(rules[0]["SourceSecurityGroupId"])


@pytest.mark.parametrize(
    ("stack", "function", "model"),
    [
        ("source", "Generator", GeneratorEnvironment),
        ("source", "Bootstrap", BootstrapEnvironment),
        ("ingest", "Ingest", IngestEnvironment),
    ],
)
def test_stack_writes_the_environment_that_the_handler_reads(
    templates: Templates, stack: str, function: str, model: type[IngestEnvironment]
) -> None:
    found = {
        name: properties
        for name, properties in of_type(templates[stack], "AWS::Lambda::Function").items()
        if name.startswith(function)
    }
    properties = next(iter(found.values()))
    variables = properties["Environment"]["Variables"]
    assert {name.upper() for name in model.model_fields} <= set(variables)
    assert properties["Handler"] == f"lambdas.{function.lower()}.handler.handler"
    assert properties["VpcConfig"]["SubnetIds"]
    assert properties["TracingConfig"] == {"Mode": "Active"}


def test_functions_follow_the_stage(templates: Templates, stage_name: str) -> None:
    stage = load_stage(stage_name)
    for template in templates.values():
        for function in of_type(template, "AWS::Lambda::Function").values():
            assert function["Runtime"] == f"python{stage.functions.python_version}"
            assert function["Architectures"] == [stage.functions.machine]


def test_every_function_may_reach_the_database_as_one_user_only(templates: Templates) -> None:
    for stack, user in (("source", "lakehouse_generator"), ("ingest", "lakehouse_ingest")):
        resources = [
            json.dumps(statement["Resource"])
            for statement in statements(templates[stack])
            if "rds-db:connect" in statement["Action"]
        ]
        assert len(resources) == 1
        assert f"/{user}" in resources[0]


def test_ingest_touches_bronze_and_deletes_nothing(templates: Templates) -> None:
    touched = [s for s in statements(templates["ingest"]) if "s3:" in json.dumps(s["Action"])]
    actions = json.dumps([s["Action"] for s in touched])
    assert "s3:PutObject" in actions
    assert "Delete" not in actions
    text = json.dumps([s["Resource"] for s in touched])
    assert "/bronze/*" in text
    assert not any(layer in text for layer in ("Silver", "Gold", "Results"))


def test_dashboard_reads_gold_and_silver_and_writes_only_its_results(templates: Templates) -> None:
    for statement in statements(templates["dashboard"]):
        text = json.dumps(statement)
        assert "Bronze" not in text
        assert "_bronze" not in text
        if "s3:PutObject" in text:
            assert "Results" in text
            assert "Silver" not in text
            assert "Gold" not in text
        assert "glue:Create" not in text
        assert "glue:Update" not in text


def test_no_role_may_do_everything_or_read_the_secret(templates: Templates) -> None:
    for template in templates.values():
        for statement in statements(template):
            actions = statement["Action"]
            actions = [actions] if isinstance(actions, str) else actions
            assert "*" not in actions
            assert not any(action.startswith("secretsmanager:") for action in actions)
            if statement["Resource"] == "*":
                # X-Ray, log delivery and ECR's login know no narrower resource.
                known = ("xray:", "logs:", "ec2:", "ecr:GetAuthorizationToken")
                assert "Condition" in statement or all(a.startswith(known) for a in actions)


def test_job_is_glue_5_1_with_two_small_workers(templates: Templates, stage_name: str) -> None:
    stage = load_stage(stage_name)
    job = only(templates["transform"], "AWS::Glue::Job")
    assert (job["GlueVersion"], job["WorkerType"], job["NumberOfWorkers"]) == ("5.1", "G.1X", 2)
    assert job["ExecutionClass"] == stage.glue.execution_class
    assert job["Timeout"] == stage.glue.timeout_minutes
    assert job["DefaultArguments"]["--datalake-formats"] == "iceberg"
    assert "IcebergSparkSessionExtensions" in json.dumps(job["DefaultArguments"]["--conf"])


def test_crawler_has_a_target_per_contract(templates: Templates) -> None:
    targets = only(templates["transform"], "AWS::Glue::Crawler")["Targets"]["S3Targets"]
    text = [json.dumps(target["Path"]) for target in targets]
    for table in load_contracts():
        assert any(f"/bronze/{table}/" in path for path in text)


def test_workgroup_enforces_its_limits(templates: Templates, stage_name: str) -> None:
    settings = only(templates["transform"], "AWS::Athena::WorkGroup")["WorkGroupConfiguration"]
    assert settings["EnforceWorkGroupConfiguration"] is True
    limit = load_stage(stage_name).athena.scan_limit_mib * 1024 * 1024
    assert settings["BytesScannedCutoffPerQuery"] == limit


def test_buckets_are_private_encrypted_and_ask_for_tls(templates: Templates) -> None:
    storage = templates["storage"]
    buckets = of_type(storage, "AWS::S3::Bucket")
    assert {name.rstrip("0123456789ABCDEF") for name in buckets} >= {"Silver", "Results"}
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
    policies = json.dumps(of_type(storage, "AWS::S3::BucketPolicy"))
    assert policies.count('"aws:SecureTransport": "false"') == len(buckets)


def test_data_die_only_where_two_settings_agree(templates: Templates, stage_name: str) -> None:
    may_die = load_stage(stage_name).data.may_die
    kept = {
        name: resource["DeletionPolicy"]
        for template in templates.values()
        for name, resource in template["Resources"].items()
        if resource["Type"]
        in ("AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::RDS::DBInstance")
    }
    assert len(kept) == 6
    assert set(kept.values()) == ({"Delete"} if may_die else {"Retain", "Snapshot"})


def test_schedules_follow_the_stage(templates: Templates, stage_name: str) -> None:
    stage = load_stage(stage_name)
    for stack, expression, action in (
        ("source", stage.generator.schedule, "lambda:InvokeFunction"),
        ("orchestration", stage.pipeline.schedule, "states:StartExecution"),
        ("upkeep", stage.maintenance.schedule, "states:StartExecution"),
    ):
        schedule = only(templates[stack], "AWS::Scheduler::Schedule")
        assert schedule["ScheduleExpression"] == expression
        roles = [
            role
            for role in of_type(templates[stack], "AWS::IAM::Role").values()
            if "scheduler.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
        ]
        assert len(roles) == 1
        assert action in json.dumps(roles[0]["Policies"])


def test_the_job_makes_silver_and_gold_again_in_databases_of_their_own(
    templates: Templates, stage_name: str
) -> None:
    stage = load_stage(stage_name)
    databases = {
        properties["DatabaseInput"]["Name"]
        for properties in of_type(templates["storage"], "AWS::Glue::Database").values()
    }
    copies = {stage.rebuild_database("silver"), stage.rebuild_database("gold")}
    assert copies < databases
    moved = [s for s in statements(templates["transform"]) if "UpdateDatabase" in str(s["Action"])]
    (statement,) = moved
    places = [
        json.dumps(resource) for resource in statement["Resource"] if "database/" in str(resource)
    ]
    assert len(places) == 2
    assert all(any(f"database/{name}" in place for place in places) for name in copies)


def test_every_stage_lints(synthesized: Path, stage_name: str) -> None:
    region = load_stage(stage_name).region or "eu-west-1"
    for path in sorted((synthesized / stage_name).glob("*.template.json")):
        found = lint(path.read_text(), config=ManualArgs(regions=[region]))
        faults = [match for match in found if match.rule.severity == "error"]
        assert not faults, f"{path.name}: {faults}"


def test_views_are_made_by_the_run(templates: Templates) -> None:
    machine = json.dumps(only(templates["orchestration"], "AWS::StepFunctions::StateMachine"))
    for view in load_views():
        assert f".{view} AS" in machine
