"""cdk-nag over every stage: what it finds is what was accepted, each with its reason."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from lakehouse.settings import stage_names
from tests.infrastructure.conftest import Composed
from tests.infrastructure.nag import APP_RUNNER, CUSTOMER, ENDPOINTS, FARGATE, NETWORK

ACCEPTED = tomllib.loads((Path(__file__).parent / "accepted_findings.toml").read_text())["accepted"]


FLOW_LOG = "Source/Network/Vpc AwsSolutions-VPC7"


VARIANTS = [CUSTOMER, NETWORK, ENDPOINTS, APP_RUNNER, FARGATE]


@pytest.mark.parametrize("stage", [*stage_names(), *VARIANTS])
def test_nothing_is_found_that_was_not_accepted(composed: Composed, stage: str) -> None:
    # The variants are prod with other keys, networks or hosts: no more than is said of them.
    chosen = stage if stage in stage_names() else "prod"
    elsewhere = {FLOW_LOG} if stage in (NETWORK, ENDPOINTS) else set()
    accepted = [
        finding
        for entry in ACCEPTED
        for finding in entry["findings"]
        if _is_of(entry, stage, chosen) and finding not in elsewhere
    ]
    assert sorted(composed.findings[stage]) == sorted(accepted)


def _is_of(entry: dict[str, Any], stage: str, chosen: str) -> bool:
    if "variants" in entry:
        return stage in entry["variants"]
    return chosen in entry.get("stages", stage_names())


def test_every_acceptance_says_why() -> None:
    for entry in ACCEPTED:
        assert len(entry["reason"].split()) > 8, entry["findings"]
        assert set(entry) <= {"reason", "stages", "variants", "findings"}
