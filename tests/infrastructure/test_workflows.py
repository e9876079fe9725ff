"""The workflows: what actionlint says of them, and what it doesn't ask.

Each rule that is ours is tried on a workflow that breaks it, so that none passes for not looking.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import toolchain

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

_PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$|uses: \./\.github/workflows/")
_OFFICIAL = ("actions/", "aws-actions/", "./")


def actionlint(pattern: str) -> subprocess.CompletedProcess[str]:
    node = toolchain.node_directory() / "node"
    return subprocess.run(
        [str(node), str(toolchain.ensure_actionlint()), pattern],
        capture_output=True,
        text=True,
        check=False,
    )


def faults(text: str) -> Iterator[str]:
    """What our own rules find wrong in one workflow."""
    workflow = yaml.safe_load(text)
    triggers = workflow[True]  # YAML 1.1 reads the key `on` as a boolean
    if "pull_request_target" in triggers or "workflow_run" in triggers:
        yield "runs with the base's rights on the code of others"
    if workflow.get("permissions") != {}:
        yield "grants permissions to all jobs at once"
    for line in text.splitlines():
        if re.match(r"\s*(- )?uses:", line) and not _PINNED.search(line):
            yield f"not pinned: {line.strip()}"
    if "secrets." in text:
        yield "reads a secret"
    for name, job in workflow["jobs"].items():
        yield from (f"{name}: {fault}" for fault in _faults_of(job))


def _faults_of(job: dict[str, Any]) -> Iterator[str]:
    if "permissions" not in job:
        yield "says no permissions"
    if "uses" not in job and not isinstance(job.get("timeout-minutes"), int):
        yield "has no timeout"
    for step in job.get("steps", []):
        used = step.get("uses", "")
        if used and not used.startswith(_OFFICIAL):
            yield f"uses {used}, which is neither GitHub's nor AWS's"
        if "${{" in step.get("run", ""):
            yield f"puts an expression into a script: {step['run']}"
        if used.startswith("actions/checkout") and step["with"]["persist-credentials"] is not False:
            yield "leaves the token in the checkout"
        if "configure-aws-credentials" in used:
            if job["permissions"].get("id-token") != "write":
                yield "takes a role without id-token"
            if set(step["with"]) & {"aws-access-key-id", "aws-secret-access-key"}:
                yield "has keys"


def test_there_are_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["deploy.yml", "diff.yml", "stage.yml", "test.yml"]


def test_actionlint_finds_nothing() -> None:
    linted = actionlint(str(ROOT / ".github" / "workflows" / "*.yml"))
    assert linted.returncode == 0, linted.stdout
    assert f"Checking {len(WORKFLOWS)} workflow" in linted.stdout


def test_actionlint_is_at_work(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text((ROOT / ".github/workflows/stage.yml").read_text().replace("steps:", "stps:"))
    linted = actionlint(str(broken))
    assert linted.returncode == 1
    assert 'unexpected key "stps"' in linted.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_our_rules_are_kept(path: Path) -> None:
    assert list(faults(path.read_text())) == []


@pytest.mark.parametrize(
    ("given", "instead", "found"),
    [
        ("on:\n  pull_request:", "on:\n  pull_request_target:", "runs with the base's rights"),
        ("permissions: {}", "permissions:\n  contents: write", "grants permissions to all"),
        ("@d23441a48e516b6c34aea4fa41551a30e30af803 # v6.1.0", "@v6", "not pinned"),
        ("actions/setup-python@", "someone/setup-python@", "neither GitHub's nor AWS's"),
        ("    timeout-minutes: 20\n", "", "synth: has no timeout"),
        ("    permissions:\n      contents: read\n    steps:", "    steps:", "says no permissions"),
        ("run: make install", "run: echo ${{ github.head_ref }}", "an expression into a script"),
        ("persist-credentials: false", "persist-credentials: true", "leaves the token"),
        ("      id-token: write\n", "", "without id-token"),
        ("aws-region:", "aws-access-key-id: x\n          aws-region:", "has keys"),
        ("github.token", "secrets.TOKEN", "reads a secret"),
    ],
)
def test_each_rule_sees_its_breach(given: str, instead: str, found: str) -> None:
    text = (ROOT / ".github" / "workflows" / "diff.yml").read_text()
    assert given in text
    assert any(found in fault for fault in faults(text.replace(given, instead)))


def test_code_of_a_pull_request_never_meets_credentials() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "diff.yml").read_text())["jobs"]
    for job in jobs.values():
        checkout = next(step for step in job["steps"] if "checkout" in step.get("uses", ""))
        ref = checkout["with"].get("ref", "the pull request's")
        if "id-token" in job["permissions"]:
            assert ref == "${{ github.event.pull_request.base.sha }}"
            assert "head.repo.full_name == github.repository" in job["if"]
        else:
            assert set(job["permissions"].values()) == {"read"}


def test_prod_follows_dev_and_both_are_tried() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())["jobs"]
    assert (jobs["dev"]["with"]["stage"], jobs["prod"]["with"]["stage"]) == ("dev", "prod")
    assert jobs["prod"]["needs"] == "dev"
    assert jobs["dev"]["needs"] == "test"
    stage = yaml.safe_load((ROOT / ".github" / "workflows" / "stage.yml").read_text())
    (job,) = stage["jobs"].values()
    assert job["environment"] == "${{ inputs.stage }}"
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    deployed = next(i for i, script in enumerate(scripts) if "deploy --app" in script)
    assert scripts[deployed + 1] == 'make smoke STAGE="$STAGE"'
    assert scripts[deployed + 2].startswith("make rollback-advice")


def test_every_target_that_a_workflow_makes_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    made = {
        target for path in WORKFLOWS for target in re.findall(r"\bmake ([a-z-]+)", path.read_text())
    }
    assert "smoke" in made
    assert made <= targets
