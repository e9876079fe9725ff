"""A stage over a database and tables of one's own: what it makes, and what it leaves out."""

import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.cost.inventory import inventory
from tests.infrastructure.conftest import Composed
from tests.infrastructure.nag import BY_SECRET, BY_TOKEN, SECRET
from tests.infrastructure.templates import of_type, only

Templates = dict[str, dict[str, Any]]


@pytest.fixture(scope="session", params=[BY_TOKEN, BY_SECRET])
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def own(composed: Composed, variant: str) -> Templates:
    return composed.templates(variant)


def _function(templates: Templates) -> dict[str, Any]:
    return only(templates["ingest"], "AWS::Lambda::Function")


def test_nothing_is_made_beside_it(own: Templates) -> None:
    every = {found["Type"] for template in own.values() for found in template["Resources"].values()}
    assert not {kind for kind in every if kind.startswith(("AWS::RDS", "Custom::"))} - {
        "Custom::EmptyBuckets"
    }
    assert "AWS::SecretsManager::Secret" not in every
    names = [
        found["FunctionName"]
        for template in own.values()
        for found in of_type(template, "AWS::Lambda::Function").values()
    ]
    assert not [name for name in names if name.endswith(("generator", "bootstrap"))]
    assert inventory(own.values()).databases == 0


def test_the_ingest_may_log_in_there_and_nowhere_else(own: Templates, variant: str) -> None:
    variables = _function(own)["Environment"]["Variables"]
    assert variables["DATABASE_HOST"] == "shop.example.com"
    assert variables["DATABASE_USER"] == "reader"
    assert variables["DATABASE_TLS"] == "verify-full"
    statements = {
        statement["Sid"]: statement
        for policy in of_type(own["ingest"], "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    }
    if variant == BY_SECRET:
        assert "ConnectAsOwnUser" not in statements
        assert statements["OwnPassword"]["Resource"] == SECRET
        assert variables["DATABASE_SECRET"] == SECRET
        return
    assert "OwnPassword" not in statements
    assert "dbuser:db-ABC/reader" in json.dumps(statements["ConnectAsOwnUser"]["Resource"])
    assert variables["DATABASE_SECRET"] == ""


def test_the_way_there(own: Templates, variant: str) -> None:
    source = own["source"]
    kinds = [
        found["VpcEndpointType"] for found in of_type(source, "AWS::EC2::VPCEndpoint").values()
    ]
    if variant == BY_TOKEN:
        assert kinds.count("Interface") == 0
        opened = only(source, "AWS::EC2::SecurityGroupIngress")
        assert (opened["GroupId"], opened["FromPort"]) == (f"sg-{1:017x}", 5432)
    else:
        assert kinds.count("Interface") == 1
        assert inventory(own.values()).endpoint_zones == 2


def test_alarms_of_a_database_need_its_name(own: Templates, variant: str) -> None:
    alarms = [
        alarm["AlarmName"].rpartition("prod-")[2]
        for alarm in of_type(own["monitoring"], "AWS::CloudWatch::Alarm").values()
    ]
    watched = [name for name in alarms if name.startswith("database-")]
    assert len(watched) == (2 if variant == BY_SECRET else 0)
    assert len(alarms) - len(watched) == 8


def test_the_tables_are_its_own(own: Templates, composed: Composed, variant: str) -> None:
    definition = json.dumps(only(own["orchestration"], "AWS::StepFunctions::StateMachine"))
    for name in ("v_live_order", "v_freshness", "v_reconciliation", "v_quarantine"):
        assert name in definition
    for name in ("city_performance", "v_overview", "fact_sales"):
        assert name not in definition
    assert "bronze/order/" in json.dumps(only(own["transform"], "AWS::Glue::Crawler"))
    held = [
        {path.name for path in place.glob("*")}
        for place in Path(composed.folder / variant).glob("asset.*/lakehouse/contracts")
    ]
    assert held
    assert all(names == {"order.toml", "order.dqdl"} for names in held)
