"""The dashboard's hosts: what they may do, who gets in, what they cost."""

import json
from decimal import Decimal
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from dashboard.server.settings import HostEnvironment
from dashboard.settings import DashboardEnvironment
from lakehouse.cost.estimate import estimate_stage
from lakehouse.cost.workload import Volume
from lakehouse.settings import load_stage
from tests.infrastructure.conftest import Composed
from tests.infrastructure.nag import APP_RUNNER, CERTIFICATE, FARGATE
from tests.infrastructure.templates import of_type, only, statements

HOSTS = [APP_RUNNER, FARGATE]
Template = dict[str, Any]


def template(composed: Composed, variant: str) -> Template:
    return composed.templates(variant)["dashboard"]


def environment(found: Template) -> dict[str, str]:
    """The variables of the process, what CloudFormation fills in as JSON."""
    if service := of_type(found, "AWS::AppRunner::Service"):
        (properties,) = service.values()
        image = properties["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
        pairs = image["RuntimeEnvironmentVariables"]
    else:
        (container,) = only(found, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
        pairs = container["Environment"]
    texts = {pair["Name"]: pair["Value"] for pair in pairs}
    return {n: v if isinstance(v, str) else json.dumps(v) for n, v in texts.items()}


def role(found: Template, construct: str) -> dict[str, Any]:
    (one,) = (
        properties
        for name, properties in of_type(found, "AWS::IAM::Role").items()
        if name.startswith(construct)
    )
    return one


@pytest.mark.parametrize("variant", HOSTS)
def test_the_server_reads_what_the_stack_writes(composed: Composed, variant: str) -> None:
    variables = environment(template(composed, variant))
    host = HostEnvironment.read(variables)
    assert host.sign_in == {APP_RUNNER: "code", FARGATE: "load-balancer"}[variant]
    assert host.transport == {APP_RUNNER: "http", FARGATE: "websocket"}[variant]
    assert (host.address, host.port, host.trusted_proxies) == ("0.0.0.0", 8501, "*")
    page = DashboardEnvironment.read(variables)
    assert (page.gold_database, page.stage) == ("lakehouse_prod_gold", "prod")
    # The name under which AWS's client for Python looks for its region; it knows no other.
    assert variables.pop("AWS_DEFAULT_REGION")
    known = {*HostEnvironment.model_fields, *DashboardEnvironment.model_fields}
    assert {name.lower() for name in variables} <= known
    assert not [name for name in variables if "SECRET" in name or "PASSWORD" in name]


@pytest.mark.parametrize("variant", HOSTS)
def test_nobody_signs_up_and_who_signs_in_has_a_second_factor(
    composed: Composed, variant: str
) -> None:
    found = template(composed, variant)
    pool = only(found, "AWS::Cognito::UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    assert pool["DeletionProtection"] == "ACTIVE"
    client = only(found, "AWS::Cognito::UserPoolClient")
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["GenerateSecret"] is (variant == FARGATE)
    (callback,) = client["CallbackURLs"]
    assert json.dumps(callback).count("https://") == 1


@pytest.mark.parametrize("variant", HOSTS)
def test_the_host_has_the_readers_permissions_and_fetches_one_image(
    composed: Composed, variant: str
) -> None:
    found = template(composed, variant)
    reader = role(found, "Reader")
    services = [
        statement["Principal"]["Service"]
        for statement in reader["AssumeRolePolicyDocument"]["Statement"]
        if "Service" in statement["Principal"]
    ]
    own = {APP_RUNNER: "tasks.apprunner.amazonaws.com", FARGATE: "ecs-tasks.amazonaws.com"}
    assert services == [own[variant]]
    for statement in statements(found):
        actions = statement["Action"]
        actions = actions if isinstance(actions, list) else [actions]
        assert not any("*" in action for action in actions)
        if statement["Resource"] == "*":
            assert actions == ["ecr:GetAuthorizationToken"]
        elif any(action.startswith("ecr:") for action in actions):
            assert "container-assets" in json.dumps(statement["Resource"])
    sids = {statement["Sid"] for statement in statements(found)}
    assert ("FindTheClient" in sids) is (variant == APP_RUNNER)


def test_app_runner_has_one_instance_and_asks_whether_it_lives(composed: Composed) -> None:
    found = template(composed, APP_RUNNER)
    service = only(found, "AWS::AppRunner::Service")
    sizes = only(found, "AWS::AppRunner::AutoScalingConfiguration")
    assert (sizes["MinSize"], sizes["MaxSize"]) == (1, 1)
    assert service["HealthCheckConfiguration"]["Path"] == "/health/live"
    assert service["SourceConfiguration"]["AutoDeploymentsEnabled"] is False


def test_nothing_but_the_load_balancer_reaches_the_task(composed: Composed) -> None:
    found = template(composed, FARGATE)
    groups = of_type(found, "AWS::EC2::SecurityGroup")
    (inside,) = (name for name in groups if name.startswith("HostInside"))
    assert "SecurityGroupIngress" not in groups[inside]
    ingress = only(found, "AWS::EC2::SecurityGroupIngress")
    assert ingress["GroupId"] == {"Fn::GetAtt": [inside, "GroupId"]}
    assert "HostOutside" in json.dumps(ingress["SourceSecurityGroupId"])
    assert (ingress["FromPort"], ingress["ToPort"]) == (8501, 8501)
    (out,) = groups[inside]["SecurityGroupEgress"]
    assert (out["FromPort"], out["ToPort"], out["IpProtocol"]) == (443, 443, "tcp")
    service = only(found, "AWS::ECS::Service")
    assert service["DesiredCount"] == 1
    assert not of_type(found, "AWS::EC2::NatGateway")


def test_the_load_balancer_lets_nobody_through_without_sign_in(composed: Composed) -> None:
    found = template(composed, FARGATE)
    listeners = {
        one["Port"]: one for one in of_type(found, "AWS::ElasticLoadBalancingV2::Listener").values()
    }
    (redirect,) = listeners[80]["DefaultActions"]
    assert redirect["RedirectConfig"]["Protocol"] == "HTTPS"
    first, second = listeners[443]["DefaultActions"]
    assert (first["Type"], second["Type"]) == ("authenticate-cognito", "forward")
    assert first["AuthenticateCognitoConfig"].get("OnUnauthenticatedRequest") in (
        None,
        "authenticate",
    )
    assert listeners[443]["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert "TLS13" in listeners[443]["SslPolicy"]
    assert not of_type(found, "AWS::ElasticLoadBalancingV2::ListenerRule")
    variables = environment(found)
    assert "HostBalancer" in variables["LOAD_BALANCER"]
    assert variables["LOAD_BALANCER_KEYS"] == "https://public-keys.auth.elb.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("variant", "services", "at_least", "at_most"),
    [
        (APP_RUNNER, {"Dashboard on App Runner"}, 10, 20),
        (FARGATE, {"Dashboard on Fargate", "Load balancer", "Public addresses"}, 35, 55),
    ],
)
def test_the_month_has_the_host_in_it(
    composed: Composed, variant: str, services: set[str], at_least: int, at_most: int
) -> None:
    prod = load_stage("prod")
    month = estimate_stage(prod, composed.templates(variant).values(), Volume(10_000))
    without = estimate_stage(prod, composed.templates("prod").values(), Volume(10_000))
    assert month.unpriced == ()
    lines = {item.service: item.dollars for item in month.items}
    host = {service: lines[service] for service in services}
    assert month.total - without.total == sum(host.values())
    assert Decimal(at_least) <= sum(host.values()) <= Decimal(at_most)


@pytest.mark.parametrize("variant", HOSTS)
def test_the_templates_are_lint_clean(composed: Composed, variant: str) -> None:
    path = composed.folder / variant / "Dashboard.template.json"
    found = lint(path.read_text(), config=ManualArgs(regions=["eu-west-1"]))
    assert [str(match) for match in found] == []
