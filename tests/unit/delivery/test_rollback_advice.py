"""The advice after a failed smoke run: commands that can be typed as they stand."""

import subprocess
from pathlib import Path

import pytest

from delivery import __main__ as command
from delivery.rollback import Earlier, advice, earlier
from lakehouse.settings import load_stage

PROD = load_stage("prod")


def git(root: Path, *arguments: str) -> str:
    own = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid"]
    asked = ["git", *own, *arguments]
    return subprocess.run(
        asked, cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "second")
    return tmp_path


def test_it_goes_back_to_the_commit_before(repository: Path) -> None:
    first, second = git(repository, "rev-parse", "HEAD^"), git(repository, "rev-parse", "HEAD")
    text = advice(PROD, earlier(repository))
    assert f"gh workflow run deploy.yml -f ref={first}" in text
    assert f"git checkout {first}" in text
    assert 'make cdk ARGS="deploy -c stage=prod --all"' in text
    assert "make smoke STAGE=prod" in text
    assert f"git revert {second}" in text
    assert "stateMachine:lakehouse-prod-upkeep" in text
    assert '{"task": "rebuild"}' in text


def test_a_tag_is_named_rather_than_its_commit(repository: Path) -> None:
    git(repository, "tag", "v1.2.0", "HEAD^")
    assert "-f ref=v1.2.0\n" in advice(PROD, earlier(repository))


def test_without_git_it_says_what_to_put_there(tmp_path: Path) -> None:
    assert earlier(tmp_path) == Earlier("THE-DEPLOYED-COMMIT", "THE-COMMIT-BEFORE")


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["rollback-advice", "dev"]) == 0
    assert "It leaves alone: the source database" in capsys.readouterr().out
