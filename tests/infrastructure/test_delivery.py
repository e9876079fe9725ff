"""Who may deploy, from the delivery stack's template; and that no stage contains any of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from lakehouse.settings import load_stage
from local.toolchain import tool_environment
from stacks import permissions
from tests.infrastructure.templates import of_type, only, statements

ROOT = Path(__file__).parents[2]
Template = dict[str, Any]


def _synth(out: Path, **context: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=tool_environment()
        | {"CDK_CONTEXT_JSON": json.dumps({"delivery": "true"} | context), "CDK_OUTDIR": str(out)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("delivery")
    ended = _synth(out, repository="some-owner/some-lake")
    assert ended.returncode == 0, ended.stderr
    (found,) = out.glob("*.template.json")
    return found


@pytest.fixture(scope="module")
def template(path: Path) -> Template:
    found: Template = json.loads(path.read_text())
    return found


def _role(template: Template, name: str) -> tuple[str, Template]:
    return next(
        (key, role)
        for key, role in of_type(template, "AWS::IAM::Role").items()
        if role["RoleName"] == name
    )


def _allowed(template: Template, name: str) -> dict[str, str]:
    """Action to its resources as text, of one role."""
    key, _ = _role(template, name)
    policies = {
        "Resources": {
            policy: resource
            for policy, resource in template["Resources"].items()
            if {"Ref": key} in resource.get("Properties", {}).get("Roles", [])
        }
    }
    allowed: dict[str, str] = {}
    for statement in statements(policies):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            allowed[action] = allowed.get(action, "") + json.dumps(statement["Resource"])
    return allowed


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("lakehouse-dev-delivery", "repo:some-owner/some-lake:environment:dev"),
        ("lakehouse-prod-delivery", "repo:some-owner/some-lake:environment:prod"),
        ("lakehouse-diff", "repo:some-owner/some-lake:pull_request"),
    ],
)
def test_a_role_trusts_one_kind_of_job(template: Template, role: str, subject: str) -> None:
    _, properties = _role(template, role)
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Principal"] == {"Federated": {"Fn::GetAtt": ["GitHub", "Arn"]}}
    assert trust["Condition"] == {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}
    }
    assert "ManagedPolicyArns" not in properties


def test_a_deployer_takes_on_the_bootstrap_roles_and_may_do_the_smoke_run(
    template: Template,
) -> None:
    allowed = _allowed(template, "lakehouse-dev-delivery")
    assert set(allowed) == {
        "sts:AssumeRole",
        "states:StartExecution",
        "states:DescribeExecution",
        "states:GetExecutionHistory",
    }
    taken = allowed["sts:AssumeRole"]
    assert taken.count(":role/") == 5
    for role in ("deploy", "file-publishing", "image-publishing", "lookup"):
        assert f":role/cdk-hnb659fds-{role}-role-" in taken
    assert ':role/lakehouse-dev-dashboard-", {"Ref": "AWS::Region"}' in taken
    assert "cfn-exec" not in taken
    assert "prod" not in json.dumps(allowed)
    assert "*" not in allowed["states:StartExecution"] + taken


def test_the_differ_reads_templates_and_nothing_else(template: Template) -> None:
    allowed = _allowed(template, "lakehouse-diff")
    assert set(allowed) == {"cloudformation:DescribeStacks", "cloudformation:GetTemplate"}
    for resources in allowed.values():
        assert resources.count(":stack/") == 2
        assert ":stack/lakehouse-dev-*" in resources
        assert ":stack/lakehouse-prod-*" in resources


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_what_its_roles_may_was_tried(template: Template, stage: str) -> None:
    held = permissions.statements({"Delivery": template}, stage)
    of_others = {role for role, _ in held if role.startswith("Deploys") and "<stage>" not in role}
    tried = {(row["role"], row["statement"]): row["actions"] for row in permissions.tried()}
    assert len(of_others) == 1
    for (role, sid), actions in held.items():
        assert role in of_others or tried[role, sid] == actions, "make test-permissions"


def test_it_lints(path: Path) -> None:
    found = lint(path.read_text(), config=ManualArgs(regions=["eu-west-1"]))
    assert not [match for match in found if match.rule.severity == "error"]


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({}, "error: say which GitHub repository may deploy: -c repository=OWNER/NAME"),
        ({"repository": "lake"}, "error: repository 'lake' is not of the form OWNER/NAME"),
        ({"repository": "a/*"}, "error: repository 'a/*' is not of the form OWNER/NAME"),
        ({"repository": "a/b", "stages": "test"}, "error: stage 'test' does not exist"),
        ({"repository": "a/b", "provider": "new"}, "error: provider is 'new'; leave it out"),
    ],
)
def test_a_wrong_context_is_one_line(tmp_path: Path, context: dict[str, str], words: str) -> None:
    ended = _synth(tmp_path, **context)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(words)
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "manifest.json").exists()


def test_an_account_with_one_stage_and_a_provider_of_its_own(tmp_path: Path) -> None:
    ended = _synth(tmp_path, repository="a/b", stages="prod", provider="existing")
    assert ended.returncode == 0, ended.stderr
    template = json.loads(next(tmp_path.glob("*.template.json")).read_text())
    names = {role["RoleName"] for role in of_type(template, "AWS::IAM::Role").values()}
    assert names == {"lakehouse-prod-delivery", "lakehouse-diff"}
    assert not of_type(template, "AWS::IAM::OIDCProvider")


def test_no_stage_holds_any_of_it(templates: dict[str, Template], stage_name: str) -> None:
    for template in templates.values():
        assert not of_type(template, "AWS::IAM::OIDCProvider")
        assert "githubusercontent" not in json.dumps(template)


def test_the_names_are_those_of_the_stage(templates: dict[str, Template], stage_name: str) -> None:
    machine = only(templates["orchestration"], "AWS::StepFunctions::StateMachine")
    assert machine["StateMachineName"] == f"lakehouse-{stage_name}-pipeline"
    roles = of_type(templates["dashboard"], "AWS::IAM::Role").values()
    name = f"lakehouse-{stage_name}-dashboard-"
    # Where the stage names no region, CloudFormation fills in its own.
    region = load_stage(stage_name).region
    named = name + region if region else {"Fn::Join": ["", [name, {"Ref": "AWS::Region"}]]}
    assert named in [role.get("RoleName") for role in roles]
    workgroup = only(templates["transform"], "AWS::Athena::WorkGroup")
    assert workgroup["Name"] == f"lakehouse-{stage_name}"
