"""cdk-nag over every stage: what it finds is what was accepted, each with its reason."""

import tomllib
from pathlib import Path

import pytest

from lakehouse.settings import stage_names
from tests.infrastructure.conftest import Composed
from tests.infrastructure.nag import CUSTOMER, ENDPOINTS, NETWORK

ACCEPTED = tomllib.loads((Path(__file__).parent / "accepted_findings.toml").read_text())["accepted"]


FLOW_LOG = "Source/Network/Vpc AwsSolutions-VPC7"


@pytest.mark.parametrize("stage", [*stage_names(), CUSTOMER, NETWORK, ENDPOINTS])
def test_nothing_is_found_that_was_not_accepted(composed: Composed, stage: str) -> None:
    # The variants are prod with other keys or networks: nothing more may be found.
    chosen = stage if stage in stage_names() else "prod"
    elsewhere = {FLOW_LOG} if stage in (NETWORK, ENDPOINTS) else set()
    accepted = [
        finding
        for entry in ACCEPTED
        for finding in entry["findings"]
        if chosen in entry.get("stages", stage_names()) and finding not in elsewhere
    ]
    assert sorted(composed.findings[stage]) == sorted(accepted)


def test_every_acceptance_says_why() -> None:
    for entry in ACCEPTED:
        assert len(entry["reason"].split()) > 8, entry["findings"]
        assert set(entry) <= {"reason", "stages", "findings"}
