"""Takes a picture of a page: `python -m local.screenshot URL OUT.png`.

Drives Debian's Chromium without a window. It waits until Streamlit has drawn the page, then makes
the window as tall as the content, so that the picture holds all of it.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from lakehouse.errors import LocalError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Theme = Literal["light", "dark"]

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_STILL_MILLISECONDS: Final = 400
_WHERE: Final = ("/usr/bin/chromium", "/usr/bin/chromium-browser")
_DRAWN: Final = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && app.dataset.testScriptState === 'notRunning'
    && document.querySelector('.lh-trust, .lh-notice')
    && !document.querySelector('.lh-skeleton, [data-testid="stSkeleton"]');
}"""
_CONTENT_HEIGHT: Final = """() => {
  const block = document.querySelector('[data-testid="stMainBlockContainer"]');
  const main = document.querySelector('[data-testid="stMain"]');
  return Math.ceil(block.getBoundingClientRect().bottom + main.scrollTop);
}"""


def chromium() -> str:
    """Path of the browser; raises LocalError naming the package when there is none."""
    found = shutil.which("chromium") or next((p for p in _WHERE if Path(p).exists()), None)
    if not found:
        raise LocalError(
            "Chromium is not installed, so no picture can be taken; install the Debian package "
            "`chromium` (apt-get install chromium)"
        )
    return found


@contextmanager
def browser() -> Iterator["Browser"]:
    """A headless Chromium; raises LocalError when it, or playwright, is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise LocalError(
            "playwright is not installed; install the development requirements "
            "(pip install -r requirements-dev.txt)"
        ) from None
    executable = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS])
        try:
            yield running
        finally:
            running.close()


def open_dashboard(
    running: "Browser | BrowserContext",
    url: str,
    theme: Theme = "light",
    width: int = 1440,
    seconds: float = 60,
) -> "Page":
    """Opens `url` and waits until its figures, or a message, are drawn."""
    page = running.new_page()
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(color_scheme=theme)
    page.goto(url, timeout=seconds * 1000)
    page.wait_for_function(_DRAWN, timeout=seconds * 1000)
    page.evaluate("document.fonts.ready")
    _wait_until_still(page, seconds)
    return page


def _wait_until_still(page: "Page", seconds: float) -> None:
    # Streamlit loads the code of each kind of element when it first meets one.
    before, deadline = "", time.monotonic() + seconds
    while (now := page.inner_text("body")) != before and time.monotonic() < deadline:
        before = now
        page.wait_for_timeout(_STILL_MILLISECONDS)


def take(url: str, out: Path, theme: Theme = "light", width: int = 1440) -> None:
    """Writes a PNG of the whole page at `url`."""
    with browser() as running:
        page = open_dashboard(running, url, theme, width)
        page.wait_for_timeout(1500)  # charts fade in after their data has arrived
        height = int(page.evaluate(_CONTENT_HEIGHT))
        page.set_viewport_size({"width": width, "height": max(height, 400)})
        page.wait_for_timeout(700)
        out.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=out)


def main() -> int:
    """Command line; exit code 0 and a file, or 1 and one line that says why not."""
    parser = argparse.ArgumentParser(prog="python -m local.screenshot", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--width", type=int, default=1440, help="in pixels; 390 is a phone")
    options = parser.parse_args()
    try:
        take(options.url, options.out, options.theme, options.width)
    except LocalError as missing:
        print(missing, file=sys.stderr)
        return 1
    except Exception as failed:
        print(f"{options.url} could not be pictured: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
