"""Stages beside each other in one account, in one region or two, in networks of others."""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from lakehouse.settings import APP, load_stage, stage_names
from tests.infrastructure.conftest import Composed
from tests.infrastructure.nag import ENDPOINTS, NETWORK, SUBNETS, VPC
from tests.infrastructure.templates import of_type, only

Templates = dict[str, dict[str, Any]]
Name = tuple[str, str, str]
"""Of what type, in which property, and the name as JSON."""

_NO_NAMES = {"DBName", "ServiceName"}
"""Properties that are called so and name something inside the resource, or of AWS."""
_OF_THE_ACCOUNT = {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::S3::Bucket"}
"""Their names are taken in every region at once."""


def _names(templates: Templates) -> Iterator[Name]:
    """Every name that the stage gives a resource; the others get theirs from CloudFormation."""
    for template in templates.values():
        for resource in template["Resources"].values():
            kind, properties = resource["Type"], resource.get("Properties", {})
            if kind.startswith("Custom::"):
                continue
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
            paths = schema.get("primaryIdentifier", []) + schema.get("createOnlyProperties", [])
            for key in {path.split("/")[2] for path in paths}:
                value = properties.get(key)
                given = isinstance(value, str) or (isinstance(value, dict) and "Fn::Join" in value)
                if key.endswith(("Name", "Identifier")) and key not in _NO_NAMES and given:
                    yield kind, key, json.dumps(value)


def _of(synthesized: Path, stage: str) -> Templates:
    return {
        path.name: json.loads(path.read_text())
        for path in (synthesized / stage).glob("*.template.json")
    }


def test_every_name_tells_its_stage(templates: Templates, stage_name: str) -> None:
    names = list(_names(templates))
    assert {kind for kind, _, _ in names} >= {
        "AWS::Athena::WorkGroup",
        "AWS::DynamoDB::GlobalTable",
        "AWS::Glue::Crawler",
        "AWS::Glue::Database",
        "AWS::Glue::Job",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::RDS::DBInstance",
        "AWS::Scheduler::Schedule",
        "AWS::SecretsManager::Secret",
        "AWS::StepFunctions::StateMachine",
    }
    own = (f"{APP}-{stage_name}", f"{APP}_{stage_name}")
    assert [name for name in names if not any(prefix in name[2] for prefix in own)] == []
    exports = [
        output["Export"]["Name"]
        for template in templates.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    ]
    assert exports
    assert [name for name in exports if not name.startswith(f"{APP}-{stage_name}-")] == []


@pytest.mark.parametrize("pair", list(combinations(stage_names(), 2)), ids="-".join)
def test_two_stages_have_no_name_in_common(synthesized: Path, pair: tuple[str, str]) -> None:
    first, second = (set(_names(_of(synthesized, stage))) for stage in pair)
    assert len(first) > 20
    assert first & second == set()


def test_names_of_the_whole_account_tell_their_region(
    templates: Templates, stage_name: str
) -> None:
    region = json.dumps(load_stage(stage_name).region or {"Ref": "AWS::Region"}).strip('"')
    names = [name for name in _names(templates) if name[0] in _OF_THE_ACCOUNT]
    assert names
    assert [name for name in names if region not in name[2]] == []


@pytest.mark.parametrize("variant", [NETWORK, ENDPOINTS])
def test_a_stage_goes_into_a_network_that_is_there(composed: Composed, variant: str) -> None:
    source, ingest = (composed.templates(variant)[stack] for stack in ("source", "ingest"))
    for kind in ("VPC", "Subnet", "RouteTable", "SubnetRouteTableAssociation"):
        assert not of_type(source, f"AWS::EC2::{kind}")
    subnets = [subnet["id"] for subnet in SUBNETS]
    assert only(source, "AWS::RDS::DBSubnetGroup")["SubnetIds"] == subnets
    inside = [
        function["VpcConfig"]["SubnetIds"]
        for template in (source, ingest)
        for function in of_type(template, "AWS::Lambda::Function").values()
    ]
    assert inside == [subnets] * 3
    groups = of_type(source, "AWS::EC2::SecurityGroup").values()
    assert {group["VpcId"] for group in groups} == {VPC}


def test_endpoints_are_added_to_its_route_tables(composed: Composed) -> None:
    endpoints = of_type(composed.templates(NETWORK)["source"], "AWS::EC2::VPCEndpoint")
    assert len(endpoints) == 2
    for endpoint in endpoints.values():
        assert endpoint["VpcId"] == VPC
        assert endpoint["RouteTableIds"] == [subnet["route_table"] for subnet in SUBNETS]
        assert endpoint["PolicyDocument"]["Statement"]


def test_endpoints_that_are_there_are_left_alone(composed: Composed) -> None:
    templates = composed.templates(ENDPOINTS)
    assert not any(of_type(template, "AWS::EC2::VPCEndpoint") for template in templates.values())
