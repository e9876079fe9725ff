"""Every command of the README was typed by a test of this folder, and every target is explained."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.e2e.account import ROOT, typed

README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_clean_removes_all_that_was_made(tmp_path: Path) -> None:
    for name in ("Makefile", "local"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    (tmp_path / ".local" / "jars").mkdir(parents=True)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True)
    typed.append("make clean")
    assert not (tmp_path / ".local").exists()


def test_every_command_of_the_readme_was_typed() -> None:
    # `make test` is what runs this test.
    done = [shlex.split(command) for command in [*typed, "make test"]]

    def was_typed(command: str) -> bool:
        *first, last = shlex.split(command)
        return any(t[:-1] == first and t[-1].startswith(last) for t in done)

    assert commands()
    assert [command for command in commands() if not was_typed(command)] == []


def test_every_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(
        re.findall(r"\bmake ([a-z-]+)", "\n".join([*re.findall(r"`[^`\n]+`", README), *commands()]))
    )
    assert named
    assert named <= targets
