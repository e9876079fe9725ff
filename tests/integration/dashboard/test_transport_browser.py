"""Streamlit in a browser through a proxy that forwards no Upgrade: each trouble leaves a page."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "signin"))
from identity_provider import CLIENT, running
from servers import (
    GOLD_DATABASE,
    ROOT,
    WORKGROUP,
    base_environment,
    free_port,
    healthy,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SERVE = Path(__file__).parent / "widgets" / "serve.py"
POLL_SECONDS, EXPIRY_SECONDS = 1, 5


@dataclass
class Host:
    """A server, and the proxy that alone is known to the browser; either can go and come back."""

    directory: Path
    command: list[str]
    variables: dict[str, str]
    server_port: int = field(default_factory=free_port)
    proxy_port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where the browser goes."""
        return f"http://127.0.0.1:{self.proxy_port}"

    def start(self, what: str) -> None:
        """Starts `server` or `proxy`, and waits until it answers."""
        ports = [str(self.proxy_port), str(self.server_port)]
        proxy = ["-m", "local.engines.front", *ports]
        command = [sys.executable, *(self.command if what == "server" else proxy)]
        environment = {
            **base_environment(),
            **self.variables,
            "PORT": str(self.server_port),
            "TRANSPORT": "http",
            "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
        }
        with (self.directory / f"{what}.log").open("ab") as log:
            self.running[what] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        port = self.server_port if what == "server" else self.proxy_port
        deadline = time.monotonic() + 60
        while not healthy(f"http://127.0.0.1:{port}"):
            if self.running[what].poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{what}: {(self.directory / f'{what}.log').read_text()[-3000:]}")
            time.sleep(0.05)

    def kill(self, what: str) -> None:
        """Ends it at once: every connection through it breaks."""
        self.running[what].send_signal(signal.SIGKILL)
        self.running[what].wait(10)

    def stop(self) -> None:
        """Ends both."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(20)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    shortened = {"POLL_SECONDS": str(POLL_SECONDS), "EXPIRY_SECONDS": str(EXPIRY_SECONDS)}
    host = Host(tmp_path_factory.mktemp("widgets"), [str(SERVE)], shortened)
    try:
        host.start("server")
        host.start("proxy")
        yield host
    finally:
        host.stop()


@dataclass
class Tab:
    """A page that is open."""

    page: "Page"
    sockets: list[str]
    refused: list[str]

    def shows(self, text: str, seconds: float = 15) -> None:
        """Waits for the text."""
        self.page.get_by_text(text, exact=True).wait_for(timeout=seconds * 1000)

    def count(self) -> None:
        """Presses the button."""
        self.page.get_by_role("button", name="Count").click()


@pytest.fixture
def open_tab(chromium: "Browser", host: Host) -> Iterator[Callable[[], Tab]]:
    context = chromium.new_context()
    tabs: list[Tab] = []

    def open_one() -> Tab:
        page = context.new_page()
        tab = Tab(page, [], [])
        page.on("websocket", lambda socket: tab.sockets.append(socket.url))
        page.on(
            "response",
            lambda answer: (
                tab.refused.append(f"{answer.status} {answer.url}")
                if answer.status >= 400
                else None
            ),
        )
        page.goto(host.address)
        tab.shows("count is 0")
        tabs.append(tab)
        return tab

    yield open_one
    context.close()
    assert [tab.sockets for tab in tabs] == [[] for _ in tabs]


def test_the_proxy_lets_no_websocket_through(host: Host) -> None:
    request = urllib.request.Request(
        f"{host.address}/_stcore/stream",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200  # the page, as for any address it does not know: no 101
        assert "upgrade" not in {name.lower() for name in answer.headers}


def test_an_upload_without_the_pages_token_is_refused(host: Host) -> None:
    request = urllib.request.Request(
        f"{host.address}/_stcore/upload_file/any/any", data=b"x", method="PUT"
    )
    assert status(request) == 403


def test_a_file_goes_up_and_comes_down(open_tab: Callable[[], Tab]) -> None:
    tab = open_tab()
    content = os.urandom(5 * 2**20)
    tab.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "up.bin", "mimeType": "application/octet-stream", "buffer": content}
    )
    tab.shows(f"digest {hashlib.sha256(content).hexdigest()} of {len(content)} bytes")
    with tab.page.expect_download() as begun:
        tab.page.get_by_role("button", name="Give it back").click()
    assert Path(begun.value.path()).read_bytes() == content
    assert tab.refused == []


def test_a_slider_that_is_dragged_fast_ends_where_it_was_left(open_tab: Callable[[], Tab]) -> None:
    tab = open_tab()
    thumb = tab.page.get_by_role("slider")
    box = thumb.bounding_box()
    assert box is not None
    mouse = tab.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    for step in range(200):
        mouse.move(box["x"] + (150 if step % 2 else -150) + step, box["y"] + 5)
    mouse.up()
    thumb.focus()
    for _ in range(60):  # each is a message of its own
        tab.page.keyboard.press("ArrowLeft")
    shown = thumb.input_value()
    assert shown != "500"
    tab.shows(f"amount is {shown}")
    assert tab.refused == []


def test_a_reload_begins_anew(open_tab: Callable[[], Tab]) -> None:
    tab = open_tab()
    tab.count()
    tab.shows("count is 1")
    tab.page.reload()
    tab.shows("count is 0")
    tab.count()
    tab.shows("count is 1")


def test_two_tabs_know_nothing_of_each_other(open_tab: Callable[[], Tab]) -> None:
    first, second = open_tab(), open_tab()
    first.count()
    first.shows("count is 1")
    first.count()
    first.shows("count is 2")
    second.count()
    second.shows("count is 1")
    first.count()
    first.shows("count is 3")
    assert first.refused == second.refused == []


@pytest.mark.parametrize("seconds", [EXPIRY_SECONDS / 3, EXPIRY_SECONDS * 2])
def test_a_lost_network_leaves_the_page_and_its_state(
    open_tab: Callable[[], Tab], host: Host, seconds: float
) -> None:
    """As 30 s are to the 90 s after which a session is over by default; and beyond its end."""
    tab = open_tab()
    tab.count()
    tab.shows("count is 1")
    host.kill("proxy")
    if seconds < EXPIRY_SECONDS:
        tab.count()  # while there is no network: it is sent when there is
    tab.page.wait_for_timeout(seconds * 1000)
    host.start("proxy")
    if seconds > EXPIRY_SECONDS:
        tab.page.wait_for_timeout(3000)
        tab.count()
    tab.shows("count is 2", 30)


def test_a_server_that_starts_anew_leaves_a_working_page(
    open_tab: Callable[[], Tab], host: Host
) -> None:
    tab = open_tab()
    for count in (1, 2):
        tab.count()
        tab.shows(f"count is {count}")
    host.kill("server")
    tab.page.wait_for_timeout(1500)
    with tab.page.expect_response(
        lambda answer: answer.url.endswith("/open") and answer.ok, timeout=30_000
    ):
        host.start("server")
    tab.page.wait_for_timeout(500)
    tab.count()
    tab.shows("count is 1")  # what the old process held is gone, the page is not


def test_the_server_lives_on_after_forged_and_oversized_requests(
    open_tab: Callable[[], Tab], host: Host
) -> None:
    tab = open_tab()
    for name, body in (("send", b"\xff" * 100), ("send", b"x" * 5 * 2**20), ("open", b"{" * 999)):
        request = urllib.request.Request(
            f"{host.address}/_transport/{name}",
            data=body,
            headers={"Content-Type": "application/octet-stream", "X-Transport-Session": "forged"},
        )
        assert 400 <= status(request) < 500
    tab.count()
    tab.shows("count is 1")


def test_the_dashboard_itself_goes_through(chromium: "Browser", lake: Any, tmp_path: Path) -> None:
    variables = {"GOLD_DATABASE": GOLD_DATABASE, "WORKGROUP": WORKGROUP, **lake.environment}
    host = Host(tmp_path, ["-m", "dashboard.server"], variables)
    page = chromium.new_page()
    problems: list[str] = []
    sockets: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("websocket", lambda socket: sockets.append(socket.url))
    try:
        host.start("server")
        host.start("proxy")
        page.goto(host.address)
        (row,) = lake.query("SELECT total_revenue FROM v_overview")
        page.get_by_text(f"${Decimal(row['total_revenue']):,}").first.wait_for(timeout=30_000)
        for name in ("Cities", "Products", "Fulfilment", "Data health"):
            page.get_by_role("link", name=name).click()
            page.get_by_test_id("stMetric").or_(page.locator("tbody")).first.wait_for(
                timeout=30_000
            )
            page.wait_for_timeout(1000)
    finally:
        page.close()
        host.stop()
    assert (problems, sockets) == ([], [])


def test_who_signs_in_sees_the_page_and_whose_sign_in_ends_signs_in_again(
    chromium: "Browser", tmp_path: Path
) -> None:
    context = chromium.new_context()
    with running() as provider:
        host = Host(
            tmp_path,
            [str(SERVE)],
            {
                "SIGN_IN": "code",
                "OIDC_ISSUER": provider.issuer,
                "OIDC_CLIENT": CLIENT,
                "POLL_SECONDS": str(POLL_SECONDS),
            },
        )
        provider.callbacks.add(f"{host.address}/oauth2/callback")
        page = context.new_page()
        try:
            host.start("server")
            host.start("proxy")
            page.goto(f"{host.address}/?city=Bern")
            sign_in(page)
            page.get_by_text("count is 0", exact=True).wait_for(timeout=15_000)
            assert page.url == f"{host.address}/?city=Bern"
            page.get_by_role("button", name="Count").click()
            page.get_by_text("count is 1", exact=True).wait_for(timeout=15_000)
            context.clear_cookies(name="lakehouse-session")
            sign_in(page)  # the next look of the page finds that it has ended
            page.get_by_text("count is 0", exact=True).wait_for(timeout=15_000)
        finally:
            context.close()
            host.stop()


def status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def sign_in(page: "Page") -> None:
    page.get_by_label("Name").fill("anna", timeout=40_000)
    page.get_by_role("button", name="Sign in").click()
