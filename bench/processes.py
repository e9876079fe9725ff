"""Runs each measured program as a process of its own: seconds, CPU seconds and peak memory.

The kernel's peak of a process begins with that of its parent, from which it is forked. So a process
that measures must itself stay small: what needs much memory there runs as a process of its own too.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LocalError


@dataclass(frozen=True)
class Measured:
    """One finished process: wall and CPU seconds, peak resident memory in MB, standard output."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Runs `command` to its end; raises LocalError with its last words when it fails."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.monotonic()
        process = subprocess.Popen(command, env=dict(environment), stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip().splitlines()[-3:]
            raise LocalError(f"{Path(command[0]).name} ended with {process.returncode}: {words}")
        output.seek(0)
        text = output.read().decode()
    return Measured(
        seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, text.strip()
    )


def kill_after(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> int:
    """Starts `command` and kills it by SIGKILL; 1 if it was still running then, 0 otherwise."""
    # a killed process can't tidy up
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        process = subprocess.Popen(
            command,
            env={**environment, "TMPDIR": temporary},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return 1
    return 0
