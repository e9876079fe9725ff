"""Who may do what: the document equals the templates, statements are named and narrow, and what
nobody may do is refused by the policies as they are deployed."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from lakehouse.settings import load_stage
from stacks import permissions
from tests.infrastructure.templates import of_type

ROOT = Path(__file__).parent.parent.parent
Templates = dict[str, dict[str, Any]]


def test_the_document_says_what_every_stages_roles_may(synthesized: Path, stage_name: str) -> None:
    written = (ROOT / "docs" / "permissions.md").read_text()
    for role in permissions.roles(permissions.read(synthesized / stage_name), stage_name):
        assert role in written, "make permissions"


def test_the_document_says_no_more(synthesized: Path) -> None:
    written = (ROOT / "docs" / "permissions.md").read_text()
    assert permissions.page(synthesized) == written, "make permissions"


def test_every_statement_was_tried_without(synthesized: Path, stage_name: str) -> None:
    held = permissions.statements(permissions.read(synthesized / stage_name), stage_name)
    tried = {(row["role"], row["statement"]): row["actions"] for row in permissions.tried()}
    if stage_name == "local":
        for besides in ("sign-in", "fargate", "delivery"):
            held |= permissions.statements(permissions.read(synthesized / besides), stage_name)
        assert tried == held, "make test-permissions"
    assert held.items() <= tried.items(), "make test-permissions"


def test_the_document_says_what_other_hosts_and_githubs_jobs_may(synthesized: Path) -> None:
    written = (ROOT / "docs" / "permissions.md").read_text()
    names = ("sign-in", "fargate", "delivery")
    found = {name: permissions.read(synthesized / name) for name in names}
    for templates in found.values():
        for role in permissions.roles(templates, "local"):
            assert role in written, "make permissions"
    signed_in, hosted, jobs = (
        set(permissions.statements(templates, "local")) for templates in found.values()
    )
    assert ("Dashboard: reads the gold views through Athena", "FindTheClient") in signed_in
    assert "ECS: fetches the dashboard's image, writes its log" in {role for role, _ in hosted}
    assert {role for role, _ in jobs} == {
        "Deploys lakehouse-<stage> and tries it by one run",
        "Compares a pull request with what is deployed",
    }


def test_every_statement_says_what_for_and_names_its_actions(templates: Templates) -> None:
    for roles in _roles(templates).values():
        names = [statement["Sid"] for statement in roles]
        assert all(name.isalnum() for name in names)
        assert len(set(names)) == len(names)
        for statement in roles:
            assert not any("*" in action for action in _list(statement["Action"]))
    for template in templates.values():
        for role in of_type(template, "AWS::IAM::Role").values():
            assert "ManagedPolicyArns" not in role, "a managed policy allows what nobody here wrote"
        for policy in of_type(template, "AWS::S3::BucketPolicy").values():
            assert all(s["Sid"] for s in policy["PolicyDocument"]["Statement"])


ACTORS = {
    "dashboard": ("dashboard", "Reader"),
    "ingest": ("ingest", "IngestRole"),
    "generator": ("source", "GeneratorRole"),
    "bootstrap": ("source", "BootstrapRole"),
    "receipt": ("orchestration", "ReceiptRole"),
    "crawler": ("transform", "CrawlerRole"),
    "job": ("transform", "JobRole"),
    "run": ("orchestration", "Role"),
    "upkeep": ("upkeep", "Role"),
}
TABLE, CATALOG = "glue:table/lakehouse_STAGE_", "glue:database/lakehouse_STAGE_"


@pytest.mark.parametrize(
    ("actor", "action", "resource"),
    [
        ("dashboard", "s3:GetObject", "<Gold>/city_performance/data/1.parquet"),
        ("dashboard", "s3:PutObject", "<Results>/athena/1.csv"),
        ("ingest", "s3:PutObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("ingest", "dynamodb:PutItem", "<Watermarks>"),
        ("job", "s3:DeleteObject", "<Silver>/fact_sales/data/1.parquet"),
        ("job", "glue:UpdateTable", f"{TABLE}gold/city_performance"),
        ("crawler", "glue:CreateTable", f"{TABLE}bronze/fact_sales"),
        ("run", "glue:CreateTable", f"{TABLE}gold/v_overview"),
    ],
)
def test_what_an_actor_does_is_allowed(
    templates: Templates, stage_name: str, actor: str, action: str, resource: str
) -> None:
    assert _allows(templates, stage_name, actor, action, resource)


@pytest.mark.parametrize(
    ("actor", "action", "resource"),
    [
        # The dashboard reads what the views read and writes its answers, nothing else.
        ("dashboard", "s3:GetObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("dashboard", "s3:ListBucket", "<Bronze>"),
        ("dashboard", "glue:GetTable", f"{TABLE}bronze/fact_sales"),
        ("dashboard", "s3:PutObject", "<Gold>/city_performance/data/1.parquet"),
        ("dashboard", "s3:PutObject", "<Silver>/fact_sales/data/1.parquet"),
        ("dashboard", "s3:DeleteObject", "<Results>/athena/1.csv"),
        ("dashboard", "glue:UpdateTable", f"{TABLE}gold/v_overview"),
        ("dashboard", "dynamodb:GetItem", "<Watermarks>"),
        ("dashboard", "glue:StartJobRun", "glue:job/<MergeJob>"),
        # The ingest lands in bronze and looks nowhere else; what has landed stays.
        ("ingest", "s3:PutObject", "<Silver>/fact_sales/data/1.parquet"),
        ("ingest", "s3:PutObject", "<Gold>/city_performance/data/1.parquet"),
        ("ingest", "s3:GetObject", "<Gold>/city_performance/data/1.parquet"),
        ("ingest", "s3:DeleteObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("ingest", "s3:DeleteObjectVersion", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("ingest", "s3:PutBucketPolicy", "<Bronze>"),
        ("ingest", "dynamodb:DeleteTable", "<Watermarks>"),
        ("ingest", "rds-db:connect", "rds-db:dbuser:<Database>/lakehouse_generator"),
        ("ingest", "rds-db:connect", "rds-db:dbuser:<Database>/lakehouse_admin"),
        ("generator", "rds-db:connect", "rds-db:dbuser:<Database>/lakehouse_ingest"),
        ("generator", "s3:PutObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("generator", "dynamodb:PutItem", "<Watermarks>"),
        # The bootstrap gets the master password from CloudFormation; it reads no secret by itself.
        ("bootstrap", "rds-db:connect", "rds-db:dbuser:<Database>/lakehouse_admin"),
        ("bootstrap", "secretsmanager:GetSecretValue", "secretsmanager:secret:x"),
        ("bootstrap", "s3:PutObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        # The job never touches what was captured, nor a version of an object.
        ("job", "s3:PutObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("job", "s3:DeleteObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("job", "s3:DeleteObjectVersion", "<Silver>/fact_sales/data/1.parquet"),
        ("job", "s3:PutBucketPolicy", "<Gold>"),
        ("job", "s3:GetObject", "s3:cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/other.zip"),
        ("job", "glue:UpdateDatabase", f"{CATALOG}silver"),
        ("job", "glue:DeleteDatabase", f"{CATALOG}silver_rebuild"),
        ("job", "dynamodb:PutItem", "<Watermarks>"),
        ("crawler", "s3:GetObject", "<Bronze>/quarantine/fact_sales/1.parquet"),
        ("crawler", "s3:PutObject", "<Bronze>/bronze/fact_sales/1.parquet"),
        ("crawler", "glue:DeleteTable", f"{TABLE}bronze/fact_sales"),
        ("crawler", "glue:CreateTable", f"{TABLE}gold/fact_sales"),
        ("run", "glue:UpdateTable", f"{TABLE}silver/fact_sales"),
        ("run", "s3:PutObject", "<Gold>/city_performance/data/1.parquet"),
        ("run", "s3:DeleteObject", "<Gold>/pipeline_runs/data/1.parquet"),
        ("run", "dynamodb:DeleteItem", "<Watermarks>"),
        ("run", "lambda:InvokeFunction", "<Bootstrap>"),
        ("receipt", "states:StopExecution", "states:execution:lakehouse-STAGE-pipeline:1"),
        ("receipt", "states:GetExecutionHistory", "states:execution:lakehouse-STAGE-upkeep:1"),
        ("upkeep", "athena:StartQueryExecution", "athena:workgroup/<Queries>"),
    ],
)
def test_what_nobody_should_do_is_refused(
    templates: Templates, stage_name: str, actor: str, action: str, resource: str
) -> None:
    assert not _allows(templates, stage_name, actor, action, resource)


def test_nobody_takes_a_role_but_its_service(templates: Templates) -> None:
    takers = {
        (stack, str(taker))
        for stack, template in templates.items()
        for role in of_type(template, "AWS::IAM::Role").values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        for kind, taker in statement["Principal"].items()
        if kind != "Service"
    }
    # Principals of the account that may assume roles run the dashboard, or look as it does.
    assert {stack for stack, _ in takers} == {"dashboard"}
    assert all(":root" in taker for _, taker in takers)


def test_plain_http_is_refused_on_every_bucket(templates: Templates) -> None:
    for bucket, denials in _denials(templates).items():
        http = [s for s in denials if s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}]
        assert len(http) == 1, bucket
        assert (http[0]["Action"], http[0]["Principal"]) == ("s3:*", {"AWS": "*"})
        assert len(http[0]["Resource"]) == 2, "the bucket and its objects"


def test_bronze_is_deletable_by_its_key_holder_alone(templates: Templates, stage_name: str) -> None:
    found = {
        bucket: [s for s in denials if s["Sid"] == "NobodyDeletes"]
        for bucket, denials in _denials(templates).items()
    }
    held = {bucket for bucket, statements in found.items() if statements}
    assert held == ({"Bronze"} if load_stage(stage_name).data.bronze_immutable else set())
    for bucket in held:
        (statement,) = found[bucket]
        assert statement["Action"] == ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        assert statement["Principal"] == {"AWS": "*"}
        tag = {"StringNotEquals": {"aws:PrincipalTag/break-glass": "bronze"}}
        assert statement["Condition"] == tag


def _denials(templates: Templates) -> dict[str, list[dict[str, Any]]]:
    return {
        name[:-8].removesuffix("Policy"): [
            s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"
        ]
        for name, policy in of_type(templates["storage"], "AWS::S3::BucketPolicy").items()
    }


def _roles(templates: Templates) -> dict[tuple[str, str], list[dict[str, Any]]]:
    return {
        (stack, role_id): list(permissions.of_role(template["Resources"], role_id))
        for stack, template in templates.items()
        for role_id in of_type(template, "AWS::IAM::Role")
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _allows(templates: Templates, stage: str, actor: str, action: str, resource: str) -> bool:
    stack, construct = ACTORS[actor]
    (statements,) = (
        statements
        for (where, role_id), statements in _roles(templates).items()
        if where == stack and role_id[:-8] == construct
    )
    wanted = resource.replace("STAGE", "<stage>")
    matching = [
        statement["Effect"]
        for statement in statements
        if any(fnmatchcase(action, pattern) for pattern in _list(statement["Action"]))
        and any(_covers(permissions.plain(r, stage), wanted) for r in _list(statement["Resource"]))
    ]
    return "Allow" in matching and "Deny" not in matching


def _covers(pattern: str, resource: str) -> bool:
    first, *rest = pattern.split("*")
    return resource == pattern or (bool(rest) and resource.startswith(first))
