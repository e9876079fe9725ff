"""Templates of every stage, synthesized once by the real CDK CLI without credentials."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakehouse.settings import stage_names

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `cdk.out/<stage>` of every stage."""
    home = tmp_path_factory.mktemp("synth")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    for stage in stage_names():
        subprocess.run(
            [sys.executable, "-m", "local", "synth", stage],
            cwd=ROOT,
            env=environment | {"LAKEHOUSE_HOME": str(home)},
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
