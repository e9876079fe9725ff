"""A typo in a ruleset ends the synthesis with one line that names file and line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.toolchain import tool_environment

ROOT = Path(__file__).parents[2]
ROOMS = ("lakehouse", "lambdas", "stacks", "stages", "glue_scripts")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", tmp_path)
    return tmp_path


def _synth(checkout: Path) -> subprocess.CompletedProcess[str]:
    """The app as the CDK CLI calls it, with the Node that pip installed."""
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=checkout,
        env=tool_environment()
        | {
            "CDK_CONTEXT_JSON": json.dumps({"stage": "local"}),
            "CDK_OUTDIR": str(checkout / "out"),
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_typo_is_named(checkout: Path) -> None:
    file = checkout / "lakehouse" / "contracts" / "fact_sales.dqdl"
    file.write_text(file.read_text().replace("IsUnique", "IsUniqe"))
    ended = _synth(checkout)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last == "error: fact_sales.dqdl:8: unknown rule type IsUniqe"
    assert not (checkout / "out" / "manifest.json").exists()
