"""Every statement of every role is taken away once: what needs it is denied, and says so.

`make test-permissions` runs this; what it finds is kept for docs/permissions.md.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from stacks import permissions
from tests.e2e.account import Deployment
from tests.permissions import attached
from tests.permissions.lab import Lab, Told
from tests.permissions.trials import Trial, trials

TRIALS = list(trials())


@pytest.fixture(scope="module")
def lab(deployment: Deployment) -> Lab:
    """The account at rest, after a run that has merged."""
    for name in ("generator", "pipeline"):
        deployment.schedule(name, enabled=False)
    deployment.merge()
    return Lab(deployment)


@pytest.fixture(scope="module")
def controls() -> dict[str, Told]:
    return {}


@pytest.fixture(scope="module", autouse=True)
def record(deployment: Deployment) -> Iterator[list[dict[str, Any]]]:
    """What was found, put with what earlier runs have found of other statements."""
    found: list[dict[str, Any]] = []
    yield found
    known = {(row["role"], row["statement"]): row for row in (*permissions.tried(), *found)}
    held = {(one.title, one.sid) for one in attached.attached(deployment)}
    permissions.TRIED.write_text(
        json.dumps([known[key] for key in sorted(held & set(known))], indent=1, ensure_ascii=False)
        + "\n"
    )


@pytest.mark.parametrize("trial", TRIALS, ids=lambda t: f"{t.role}-{t.sid}".replace(" ", "-"))
def test_without_the_statement_it_is_denied(
    lab: Lab, controls: dict[str, Told], record: list[dict[str, Any]], trial: Trial
) -> None:
    one = attached.find(lab.deployment, trial.role, trial.sid)
    if trial.control not in controls:
        controls[trial.control] = trial.probe(lab)
    with attached.without(lab.deployment, one):
        told = trial.probe(lab)
    allowed, denied = controls[trial.control], told
    if one.denies:
        # Without a denial the same is allowed.
        allowed, denied = (
            told,
            replace(controls[trial.control], ended="a denial: without it, it is done"),
        )
    assert not allowed.denied, allowed
    assert denied.denied, f"nobody needs {trial.sid} of {one.title}: {denied}"
    assert denied.ended, denied
    # HEAD has no body to say more than 403, and neither has DuckDB's reading.
    refused = sorted(denied.actions & set(one.actions))
    assert refused or not denied.actions, f"denied for another reason: {denied}"
    record.append(
        {
            "role": one.title,
            "statement": one.sid,
            "actions": list(one.actions),
            "ran": trial.ran,
            "denied": refused,
            "told": denied.ended,
        }
    )


def test_every_statement_is_tried(deployment: Deployment) -> None:
    held = {(one.title, one.sid): one for one in attached.attached(deployment)}
    tried = {
        key for trial in TRIALS for key in held
        if key[0].startswith(trial.role) and key[1] == trial.sid
    }  # fmt: skip
    assert len(tried) == len(TRIALS)
    assert set(held) == tried
