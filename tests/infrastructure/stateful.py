"""The identity of what holds data: another one, and CloudFormation would make it anew.

python -m tests.infrastructure.stateful .local/cdk.out/prod    (make released)
"""

import json
import sys
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

RELEASED = Path(__file__).parent / "released"
"""Of the last release, one file per stage."""

STATEFUL = {
    # Beside what AWS's own schemas call create-only.
    "AWS::S3::Bucket": (),
    "AWS::DynamoDB::GlobalTable": ("KeySchema",),
    "AWS::RDS::DBInstance": ("Engine",),
    "AWS::SecretsManager::Secret": (),
    "AWS::Glue::Database": (),
    "AWS::KMS::Key": (),
}
Identities = dict[str, dict[str, Any]]


def identities(folder: Path) -> Identities:
    """`<stack's name>/<logical id>` to type and create-only properties, of one stage's assembly."""
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    found: Identities = {}
    for artifact in artifacts.values():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        properties = artifact["properties"]
        template = json.loads((folder / properties["templateFile"]).read_text())
        for name, resource in template["Resources"].items():
            if resource["Type"] in STATEFUL:
                found[f"{properties['stackName']}/{name}"] = _identity(resource)
    return dict(sorted(found.items()))


def faults(released: Identities, now: Identities) -> list[str]:
    """What an upgrade from `released` to `now` would delete or replace."""
    told = []
    for name, before in released.items():
        after = now.get(name)
        if after is None:
            told.append(f"{name} ({before['type']}) is gone")
        elif after["type"] != before["type"]:
            told.append(f"{name} was {before['type']}, is {after['type']}")
        elif changed := sorted(
            key
            for key in before["replaced_by"].keys() | after["replaced_by"].keys()
            if before["replaced_by"].get(key) != after["replaced_by"].get(key)
        ):
            told.append(f"{name} ({before['type']}) would be replaced by another {changed}")
    return told


def _identity(resource: dict[str, Any]) -> dict[str, Any]:
    kind = resource["Type"]
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    named = {path.split("/")[2] for path in schema.get("createOnlyProperties", [])}
    properties = resource.get("Properties", {})
    fixed = sorted(named.union(STATEFUL[kind]) & properties.keys())
    return {"type": kind, "replaced_by": {key: properties[key] for key in fixed}}


if __name__ == "__main__":
    for argument in map(Path, sys.argv[1:]):
        text = json.dumps(identities(argument), indent=1)
        (RELEASED / f"{argument.name}.json").write_text(text + "\n")
