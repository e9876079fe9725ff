"""An upgrade from the last release keeps everything that holds data."""

import copy
import json
from pathlib import Path

import pytest

from tests.infrastructure.stateful import RELEASED, Identities, faults, identities

STAGES = sorted(path.stem for path in RELEASED.glob("*.json"))


def _released(stage: str) -> Identities:
    found: Identities = json.loads((RELEASED / f"{stage}.json").read_text())
    return found


def test_every_stage_that_people_keep_was_released() -> None:
    assert STAGES == ["dev", "prod"]


@pytest.mark.parametrize("stage", STAGES)
def test_an_upgrade_replaces_nothing_that_holds_data(synthesized: Path, stage: str) -> None:
    told = faults(_released(stage), identities(synthesized / stage))
    # Meant so? Then CHANGELOG.md says how the data move, and `make released` takes the new state.
    assert told == []


@pytest.mark.parametrize(
    ("change", "telling"),
    [
        ("renamed", "lakehouse-prod-storage/Bronze2BD6FD35 (AWS::S3::Bucket) is gone"),
        ("moved", "lakehouse-prod-storage/Bronze2BD6FD35 (AWS::S3::Bucket) is gone"),
        ("named", "would be replaced by another ['BucketName']"),
        ("retyped", "was AWS::S3::Bucket, is AWS::S3Express::DirectoryBucket"),
        ("rekeyed", "would be replaced by another ['KmsKeyId']"),
    ],
)
def test_what_would_replace_is_named(change: str, telling: str) -> None:
    released = _released("prod")
    now = copy.deepcopy(released)
    bronze = "lakehouse-prod-storage/Bronze2BD6FD35"
    (database,) = (n for n, one in now.items() if one["type"] == "AWS::RDS::DBInstance")
    match change:
        case "renamed":
            now["lakehouse-prod-storage/Raw2BD6FD35"] = now.pop(bronze)
        case "moved":
            now["lakehouse-prod-lake/Bronze2BD6FD35"] = now.pop(bronze)
        case "named":
            now[bronze]["replaced_by"]["BucketName"] = "bronze"
        case "retyped":
            now[bronze]["type"] = "AWS::S3Express::DirectoryBucket"
        case "rekeyed":
            now[database]["replaced_by"]["KmsKeyId"] = {"Fn::GetAtt": ["Key", "Arn"]}
    (told,) = faults(released, now)
    assert telling in told


def test_what_is_new_is_no_fault() -> None:
    released = _released("prod")
    more = {"lakehouse-prod-storage/Platinum": {"type": "AWS::S3::Bucket", "replaced_by": {}}}
    assert faults(released, released | more) == []
