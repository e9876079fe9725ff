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


@pytest.mark.parametrize("last_words", ["deploy ...", "(Ctrl-C stops"])
def test_an_interrupted_demo_leaves_nothing(account: Deployment, last_words: str) -> None:
    typed.append("make demo")
    log = account.home / "demo.txt"
    with log.open("w") as written:
        process = subprocess.Popen(
            ["make", "demo"],
            cwd=ROOT,
            env=account.environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Whoever started the tests in the background has them ignore what a terminal sends.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    url = f"http://127.0.0.1:{account.environment['LAKEHOUSE_DASHBOARD_PORT']}"
    try:
        wait_for(lambda: last_words in log.read_text(), 200, last_words)
        assert ("deploy" in last_words) or (url in log.read_text() and _answers(url))
        # As a terminal does: to the whole foreground group.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()
    assert not _answers(url)
    assert not (account.home / "state").exists()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
