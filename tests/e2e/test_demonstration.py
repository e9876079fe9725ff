"""`make demo`, both ways, in a home of its own."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.account import ROOT, Deployment, typed, wait_for
from tests.e2e.conftest import own_environment


@pytest.fixture
def account() -> Iterator[Deployment]:
    home = Path(tempfile.mkdtemp(prefix="lh-", dir="/tmp"))
    demonstrated = Deployment(home, own_environment(home))
    try:
        yield demonstrated
    finally:
        demonstrated.make("down")
        shutil.rmtree(home, ignore_errors=True)


def test_demo_once_ends_reconciled(account: Deployment) -> None:
    printed = account.make("demo", "DEMO_ONCE=1", timeout=600)
    told = json.loads(printed.stdout.splitlines()[-1])
    assert told["reconciled"] is True
    assert told["executions"]["succeeded"] >= 1
    assert told["executions"]["failed"] == 0
    assert set(told["tables"]) == {"dim_users", "dim_products", "fact_sales"}
    for count in told["tables"].values():
        assert count["source"] == count["bronze"] == count["silver"] + count["quarantined"] > 0
    assert told["gold"]["cities"] > 0
    assert told["gold"]["revenue"] > 0
    assert {"deploy", "scheduled run", "total"} <= set(told["seconds"])
    assert not (account.home / "state").exists()


def test_demo_stays_until_it_is_interrupted(account: Deployment) -> None:
    typed.append("make demo")
    process = subprocess.Popen(
        ["make", "demo"],
        cwd=ROOT,
        env=account.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{account.environment['LAKEHOUSE_DASHBOARD_PORT']}"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        wait_for(answers, 200, "the dashboard")
        # As a terminal does: to the whole foreground group.
        wait_for((account.home / "outputs.json").exists, 60, "the outputs")
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert url in output
    assert not answers()
    assert not (account.home / "state").exists()
