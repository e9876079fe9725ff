"""What a host asks of the dashboard's server: is it alive, is it ready, how does it end."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from servers import GOLD_DATABASE, ROOT, base_environment

Serve = Callable[..., str]


def ask(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_ready_means_that_athena_and_gold_answer(serve: Serve, lake: Any) -> None:
    address = serve(GOLD_DATABASE=GOLD_DATABASE, **lake.environment)
    assert ask(f"{address}/health/live")[0] == 200
    status, told = ask(f"{address}/health/ready")
    assert (status, json.loads(told)) == (200, {"status": "ready"})


def test_unready_is_not_dead(serve: Serve, lake: Any) -> None:
    for variables in (
        {"GOLD_DATABASE": "missing_gold"},
        {"GOLD_DATABASE": GOLD_DATABASE, "WORKGROUP": "missing"},
        {"GOLD_DATABASE": GOLD_DATABASE, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    ):
        address = serve(**{**lake.environment, **variables})
        assert ask(f"{address}/health/live")[0] == 200
        status, told = ask(f"{address}/health/ready")
        assert (status, json.loads(told)) == (503, {"status": "unready"})


def test_a_missing_setting_is_one_line(tmp_path: Path) -> None:
    environment = {**base_environment(), "PORT": "high"}
    command = [sys.executable, "-m", "dashboard.server"]
    ended = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: environment of HostEnvironment: 'port'")
    assert len(ended.stderr.splitlines()) == 1
