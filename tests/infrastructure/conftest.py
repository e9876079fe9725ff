"""Templates of every stage, synthesized once by the real CDK CLI without credentials."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakehouse.settings import stage_names
from local.toolchain import tool_environment
from tests import shell

# The app is imported here too, and its library needs Node: the pinned one, also on a bare machine.
os.environ["PATH"] = tool_environment()["PATH"]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `cdk.out/<stage>` of every stage, and of what no stage file says."""
    home = tmp_path_factory.mktemp("synth")
    for command in (*(("synth", name) for name in stage_names()), ("synth-besides",)):
        subprocess.run(
            [sys.executable, "-m", "local", *command],
            cwd=ROOT,
            env=shell.environment(LAKEHOUSE_HOME=str(home)),
            check=True,
        )
    return home / "cdk.out"


@pytest.fixture(scope="session", params=stage_names())
def stage_name(request: pytest.FixtureRequest) -> str:
    """Each stage in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def templates(synthesized: Path, stage_name: str) -> dict[str, dict[str, Any]]:
    """The stage's templates by stack name in lower case."""
    return {
        path.name.removesuffix(".template.json").lower(): json.loads(path.read_text())
        for path in (synthesized / stage_name).glob("*.template.json")
    }


@dataclass(frozen=True)
class Composed:
    """What `tests.infrastructure.nag` left in its folder."""

    folder: Path
    findings: dict[str, list[str]]

    def templates(self, variant: str) -> dict[str, dict[str, Any]]:
        """A variant's templates by stack name in lower case."""
        return {
            path.name.removesuffix(".template.json").lower(): json.loads(path.read_text())
            for path in (self.folder / variant).glob("*.template.json")
        }


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Composed:
    """Every stage under cdk-nag, and the variant that no stage chooses."""
    folder = tmp_path_factory.mktemp("composed")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.infrastructure.nag", str(folder)],
        cwd=ROOT,
        env=tool_environment(),
        check=True,
        capture_output=True,
    )
    return Composed(folder, json.loads((folder / "findings.json").read_text()))
