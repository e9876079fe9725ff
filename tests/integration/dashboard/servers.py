"""Starting what a test talks to, and waiting until it answers."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOLD_DATABASE, WORKGROUP = "shop_test_gold", "shop-test"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    command: list[str], environment: dict[str, str], log: Path, ready: Callable[[], bool]
) -> Iterator[None]:
    """Runs `command` until the block ends; fails with its log when it does not get ready."""
    with log.open("w") as output:
        running = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 60
        while not ready():
            if running.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command} did not get ready:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)
        yield
    finally:
        running.terminate()
        running.wait(20)


def base_environment() -> dict[str, str]:
    """The machine's variables without any AWS setting of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true"}


def healthy(address: str) -> bool:
    """Whether the dashboard at `address` answers its health check."""
    try:
        with urllib.request.urlopen(f"{address}/health/live", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
