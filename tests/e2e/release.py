"""The app as somebody would have checked it out: this release's or the last one's, in a folder."""

import shutil
import subprocess
import tarfile
from pathlib import Path

from local.toolchain import container_program, ensure_cdk, node_directory, tool_environment
from tests.e2e.account import ROOT
from tests.infrastructure.stateful import RELEASED

ARCHIVE = RELEASED / "app.tar.gz"
"""Of the last release, by `make released`: a clone need not reach back to its commit."""


class Release:
    """A checkout with one stage more than it came with."""

    def __init__(self, folder: Path, stage: str) -> None:
        self.folder = folder
        self.stage = stage
        # What was built for one release, or for the tests before, serves the other too.
        (folder / ".local").symlink_to(ROOT / ".local")
        self.set_stage(run_timeout_minutes=20)

    @classmethod
    def this(cls, folder: Path, stage: str) -> "Release":
        """Of the files as they are now."""
        with tarfile.open(ARCHIVE) as archive:
            # The release before had no image of the dashboard to build.
            parts = {name.split("/")[0] for name in archive.getnames()} | {"dashboard"}
        folder.mkdir()
        for part in parts:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        return cls(folder, stage)

    @classmethod
    def last(cls, folder: Path, stage: str) -> "Release":
        """Of the release before."""
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(folder, filter="data")
        return cls(folder, stage)

    def set_stage(self, *, run_timeout_minutes: int) -> None:
        """The local stage under another name; its schedules fire on no day of the tests."""
        text = (self.folder / "stages" / "local.toml").read_text()
        for was, becomes in (
            ('"rate(1 minute)"', '"rate(72 hours)"'),
            ('"cron(* * * * ? *)"', '"rate(72 hours)"'),
            ("run_timeout_minutes = 20", f"run_timeout_minutes = {run_timeout_minutes}"),
        ):
            assert was in text
            text = text.replace(was, becomes)
        (self.folder / "stages" / f"{self.stage}.toml").write_text(text)

    def plant(self, file: str, before: str, lines: str) -> None:
        """Puts lines into a file, before a line that is there."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, lines + before))

    def cdk(
        self, verb: str, *arguments: str, credentials: dict[str, str], check: bool = True
    ) -> str:
        """`cdk <verb> --all` of the stage with this release's code; what it printed."""
        result = subprocess.run(
            [
                str(node_directory() / "node"),
                str(ensure_cdk()),
                verb,
                "--all",
                "--context=stage=" + self.stage,
                "--output=" + str(self.folder / "cdk.out"),
                "--no-notices",
                "--ci",
                *arguments,
            ],
            cwd=self.folder,
            env=tool_environment() | {"CDK_DOCKER": str(container_program())} | credentials,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        told = result.stdout + result.stderr
        assert (result.returncode == 0) is check, told
        return told
