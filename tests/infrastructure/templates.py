"""Looking into templates."""

import json
from collections.abc import Iterator
from typing import Any


def of_type(template: dict[str, Any], resource_type: str) -> dict[str, dict[str, Any]]:
    """Logical id to properties of all resources of a type."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == resource_type
    }


def only(template: dict[str, Any], resource_type: str) -> dict[str, Any]:
    """Properties of the one resource of a type."""
    found = list(of_type(template, resource_type).values())
    assert len(found) == 1, f"{len(found)} resources of type {resource_type}"
    return found[0]


def statements(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every statement that allows something, of policies attached to roles."""
    documents = [
        policy["PolicyDocument"] for policy in of_type(template, "AWS::IAM::Policy").values()
    ] + [
        inline["PolicyDocument"]
        for role in of_type(template, "AWS::IAM::Role").values()
        for inline in role.get("Policies", [])
    ]
    for document in documents:
        yield from (s for s in document["Statement"] if s["Effect"] == "Allow")


def definition(template: dict[str, Any]) -> dict[str, Any]:
    """The state machine's definition, with references to other resources as `<ref>`."""
    written = only(template, "AWS::StepFunctions::StateMachine")["DefinitionString"]
    if isinstance(written, dict):
        parts = written["Fn::Join"][1]
        written = "".join(part if isinstance(part, str) else "<ref>" for part in parts)
    machine: dict[str, Any] = json.loads(written)
    return machine
