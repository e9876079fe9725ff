"""`make bench-dashboard`: from navigation to the first figure, in headless Chromium.

Over the running local AWS (`make up`, `make run`), each round starts a dashboard of its own. Cold:
its first reader, so that every view is asked of Athena. Warm: later readers, each with an empty
browser cache. Next: a reader who comes from another page. The last line is one JSON object.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bench.stage import free_port
from lakehouse.errors import LocalError
from local import layout, toolchain
from local.account import Account
from local.screenshot import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES: Final = {"Overview": "", "Cities": "cities", "Products": "products",
                "Fulfilment": "fulfilment", "Data health": "health"}  # fmt: skip
TARGETS: Final = {"cold": 4.0, "warm": 2.0}
"""Seconds of the issue; they are printed, and never fail."""
_FIGURE: Final = '[data-testid="stMetricValue"]'
_START_SECONDS: Final = 30

Seconds = dict[str, list[float]]


def main(arguments: list[str] | None = None) -> int:
    """Opens every page cold and warm; 0, since timings never fail."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="dashboards started for each page")
    parser.add_argument("--readers", type=int, default=5, help="warm readers of each")
    chosen = parser.parse_args(arguments)
    found: dict[str, dict[str, Seconds]] = {}
    with browser() as running:
        account = Account.load()
        for name, path in PAGES.items():
            found[name] = measure(running, account, name, path, chosen.rounds, chosen.readers)
    print("| page | " + " | ".join(f"{kind} s" for kind in ("cold", "warm", "next")) + " |")
    print("| --- | --- | --- | --- |")
    for name, kinds in found.items():
        cells = [f"{statistics.median(s):.2f} (at most {max(s):.2f})" for s in kinds.values()]
        print(f"| {name} | {' | '.join(cells)} |")
    told = ", ".join(f"{kind} {seconds:.0f} s" for kind, seconds in TARGETS.items())
    print(f"medians; targets: {told}")
    print(json.dumps({"bench": "dashboard", "seconds": found}))
    return 0


def measure(
    running: "Browser", account: Account, name: str, path: str, rounds: int, readers: int
) -> dict[str, Seconds]:
    """Seconds to the first figure of the page at `path`: `cold`, `warm` and `next`."""
    found: dict[str, list[float]] = {"cold": [], "warm": [], "next": []}
    for _ in range(rounds):
        with _dashboard(account) as address:
            url = f"{address}/{path}"
            found["cold"].append(_navigate(running, url))
            found["warm"] += [_navigate(running, url) for _ in range(readers)]
            found["next"].append(_go_on(running, address, name))
    return found


def _navigate(running: "Browser", url: str) -> float:
    context = running.new_context()
    try:
        page = context.new_page()
        begun = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.locator(_FIGURE).first.wait_for(timeout=60_000)
        return time.perf_counter() - begun
    finally:
        context.close()


def _go_on(running: "Browser", address: str, name: str) -> float:
    page = running.new_page()
    try:
        other = "Cities" if name != "Cities" else "Products"
        page.goto(f"{address}/{PAGES[other]}")
        _wait_for(page, other)
        begun = time.perf_counter()
        page.get_by_role("link", name=name).click()
        _wait_for(page, name)
        return time.perf_counter() - begun
    finally:
        page.close()


def _wait_for(page: "Page", name: str) -> None:
    subtitle = "Sales overview" if name == "Overview" else name
    page.locator(".lh-head p", has_text=subtitle).first.wait_for(timeout=60_000)
    page.locator(_FIGURE).first.wait_for(timeout=60_000)


@contextmanager
def _dashboard(account: Account) -> Iterator[str]:
    """A dashboard of its own with empty caches, as the dashboard's role; its address."""
    outputs, port = account.outputs, free_port()
    role = account.client("sts").assume_role(
        RoleArn=outputs["dashboard_role"], RoleSessionName="bench"
    )["Credentials"]
    environment = toolchain.tool_environment() | account.environment() | {
        "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
        "AWS_SESSION_TOKEN": role["SessionToken"],
        "PYTHONPATH": str(layout.ROOT),
        "GOLD_DATABASE": outputs["gold_database"],
        "WORKGROUP": outputs["workgroup"],
        "ADDRESS": "127.0.0.1",
        "PORT": str(port),
    }  # fmt: skip
    command = [sys.executable, "-m", "dashboard.server"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _is_healthy(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise LocalError("the dashboard did not start; see why with: make dashboard")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
