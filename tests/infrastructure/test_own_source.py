"""A stage over a database and tables of one's own: what it makes, and what it leaves out."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.settings import DashboardEnvironment
from lakehouse.contract import load_contracts
from lakehouse.cost.inventory import inventory
from stacks.dashboard import told_figures
from stacks.own_sql import check_own_gold
from tests.infrastructure.conftest import Composed
from tests.infrastructure.nag import BY_SECRET, BY_TOKEN, MANY, SECRET
from tests.infrastructure.templates import of_type, only

Templates = dict[str, dict[str, Any]]
OWN_TABLES = Path(__file__).parent.parent / "cases" / "own_tables"


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
    for name in ("v_freshness", "v_reconciliation", "v_quarantine"):
        assert name in definition
    for name in ("city_performance", "v_overview", "fact_sales"):
        assert name not in definition
    assert "bronze/order/" in json.dumps(only(own["transform"], "AWS::Glue::Crawler"))
    held = [
        {path.name for path in place.glob("*")}
        for place in Path(composed.folder / variant).glob("asset.*/lakehouse/contracts")
    ]
    assert held
    assert all(names == {path.name for path in OWN_TABLES.iterdir()} for names in held)


def test_own_gold_is_made_by_the_run(own: Templates) -> None:
    machine = only(own["orchestration"], "AWS::StepFunctions::StateMachine")
    definition = json.dumps(machine).replace("\\", "")
    assert "CREATE OR REPLACE VIEW lakehouse_prod_gold.lines_by_day AS" in definition
    assert 'FROM lakehouse_prod_silver."order"' in definition
    assert "group_amounts" not in definition  # the job's, which finds the file beside its contract


def test_the_dashboard_reads_what_the_stack_tells_of_own_gold() -> None:
    contracts = load_contracts(OWN_TABLES)
    variables = told_figures(check_own_gold(OWN_TABLES, contracts), has_shop=False)
    page = DashboardEnvironment.read({"GOLD_DATABASE": "g", "WORKGROUP": "w", **variables})
    assert not page.has_shop
    assert [(one.name, one.grain, one.chart, one.is_timed) for one in page.own_gold] == [
        ("group_amounts", ("group",), "auto", False),
        ("lines_by_day", ("day",), "bar", True),
    ]
    assert page.own_gold[0].title == "What the lines of each group come to."
    assert told_figures({}, has_shop=True) == {}


def test_200_tables_stay_within_the_limits_of_aws(composed: Composed) -> None:
    many = composed.templates(MANY)
    assert len(only(many["transform"], "AWS::Glue::Crawler")["Targets"]["S3Targets"]) == 200
    for template in many.values():
        assert len(json.dumps(template)) < 1_000_000
    definition = json.dumps(only(many["orchestration"], "AWS::StepFunctions::StateMachine"))
    assert len(definition) < 256 * 1024  # a variable may hold as much, a definition four times
    for alarm in of_type(many["monitoring"], "AWS::CloudWatch::Alarm").values():
        assert len(alarm.get("Metrics", [])) <= 10, alarm["AlarmName"]


def test_no_alarm_of_any_stage_adds_up_too_many_metrics(templates: Templates) -> None:
    for alarm in of_type(templates["monitoring"], "AWS::CloudWatch::Alarm").values():
        assert len(alarm.get("Metrics", [])) <= 10, alarm["AlarmName"]
