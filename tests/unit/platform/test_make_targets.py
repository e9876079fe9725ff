"""The Makefile's targets that an operator of a stage types: what they run."""

import subprocess
from pathlib import Path

import pytest

from tests import shell

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("typed", "runs"),
    [
        (("cost",), "-m local cost dev"),
        (
            ("cost", "STAGE=prod", "ARGS=--orders 20000 --months 24"),
            "-m local cost prod --orders 20000 --months 24",
        ),
        (("pause", "STAGE=dev"), "-m local pause dev"),
        (("resume", "STAGE=local"), "-m local resume local"),
        (("doctor", "STAGE=local"), "-m local doctor --stage local"),
        (("doctor", "DSN=postgresql://me@there/shop"), "-m local doctor"),
        (("contracts", "ARGS=--help"), "-m local contracts --help"),
    ],
)
def test_a_target_runs_its_command(typed: tuple[str, ...], runs: str) -> None:
    shown = subprocess.run(
        ["make", "--dry-run", *typed],
        cwd=ROOT,
        env=shell.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines()[-1].strip().endswith(runs)
