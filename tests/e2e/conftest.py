"""One local account for all end-to-end tests: deployed once, by the command that people type."""

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import shell
from tests.e2e.account import Deployment


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """`up` in a home and on ports of its own, beside any account that runs already."""
    # Short: PostgreSQL's socket path below it must stay under 107 bytes.
    home = Path(tempfile.mkdtemp(prefix="lh-", dir="/tmp"))
    running = Deployment(home, own_environment(home))
    try:
        running.make("up", timeout=400)
        running.outputs = json.loads((home / "outputs.json").read_text())
        yield running
    finally:
        running.make("down")
        shutil.rmtree(home, ignore_errors=True)


def own_environment(home: Path) -> dict[str, str]:
    """As typed in a shell, with a home and ports of its own."""
    return shell.environment(
        LAKEHOUSE_HOME=str(home),
        LAKEHOUSE_PORT=str(free_port()),
        LAKEHOUSE_DASHBOARD_PORT=str(free_port()),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
