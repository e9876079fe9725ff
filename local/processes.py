"""The processes of the local AWS: starting them, finding them, ending them all."""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from lakehouse.errors import LocalError
from local import layout

_GRACE_SECONDS = 8


def start(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: Path = layout.ROOT,
) -> int:
    """Starts a process in a session of its own, its output in `.local/logs/<name>.log`; its pid."""
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    with (layout.LOGS / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env={**environment, layout.MARKER: str(layout.HOME)},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    identity = [process.pid, psutil.Process(process.pid).create_time()]
    (layout.STATE / f"{name}.pid").write_text(json.dumps(identity))
    return process.pid


def is_running(name: str) -> bool:
    """Whether the process that was started under `name` still runs."""
    pid, created = _identity(name)
    try:
        process = psutil.Process(pid)
        return process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ours() -> list[psutil.Process]:
    """Every process of this checkout's local AWS, whoever started it, but not the present one."""
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _is_ours(process)
    ]


def end(name: str) -> None:
    """Ends the process that was started under `name`, if it still runs."""
    if is_running(name):
        process = psutil.Process(_identity(name)[0])
        _signal(process, kill=False)
        with contextlib.suppress(psutil.NoSuchProcess):
            try:
                process.wait(_GRACE_SECONDS)
            except psutil.TimeoutExpired:
                _signal(process, kill=True)


def end_all() -> int:
    """Ends them, first kindly, then not; how many there were."""
    found = ours()
    first, _ = _identity("emulator")
    # The emulator first, so that it starts nothing anew while its children go.
    for process in sorted(found, key=lambda process: process.pid != first):
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(found, timeout=_GRACE_SECONDS)
    for process in alive + ours():
        _signal(process, kill=True)
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)
    return len(found)


def require_free_port(port: int, setting: str) -> None:
    """Raises LocalError when something already listens on the port."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise LocalError(
                f"port {port} is taken by another program; stop it, or choose another port: "
                f"{setting}={port + 100} make up"
            )


def wait_for_port(port: int, name: str, seconds: float) -> None:
    """Waits until `name` listens on the port; raises LocalError with its last log lines."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if not is_running(name):
            break
        time.sleep(0.1)
    raise LocalError(f"{name} did not come up: {tail(layout.LOGS / f'{name}.log')}")


def tail(path: Path, lines: int = 3) -> str:
    """The last non-empty lines of a log, joined."""
    text = path.read_text(errors="replace") if path.is_file() else ""
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])


def _identity(name: str) -> tuple[int, float]:
    """Number and start of the process `name`. The start tells it from a later one of that number.

    Its environment would not do: for a moment after the start it reads as empty.
    """
    pid_file = layout.STATE / f"{name}.pid"
    pid, created = json.loads(pid_file.read_text()) if pid_file.is_file() else (0, 0.0)
    return pid, created


def _is_ours(process: psutil.Process) -> bool:
    try:
        return process.environ().get(layout.MARKER) == str(layout.HOME)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _signal(process: psutil.Process, *, kill: bool) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill() if kill else process.terminate()
