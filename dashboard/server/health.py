"""Two questions that a host asks: is the process alive, and can it reach what it shows."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

import boto3
from botocore.config import Config
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.settings import DashboardEnvironment

LIVE: Final = "/health/live"
"""200 while Streamlit runs: a host that gets anything else starts the process anew."""
READY: Final = "/health/ready"
"""200 while Athena's workgroup and the gold database answer, 503 else. Starting anew mends no
Athena, and the pages say themselves what is wrong: this one is for people and monitors."""
KEEP_SECONDS: Final = 10
"""An answer stands for so long, whoever asks: nobody can have AWS asked more often."""
_STREAMLIT: Final = "/_stcore/health"

Probe = Callable[[], None]
"""Asks what must answer; raises whatever its client raises."""

_logger = logging.getLogger(__name__)


def gold_probe(settings: DashboardEnvironment) -> Probe:
    """Asks for the workgroup and the gold database, which costs nothing."""

    def ask() -> None:
        config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})
        group = boto3.client("athena", config=config).get_work_group(WorkGroup=settings.workgroup)
        if group["WorkGroup"].get("State", "ENABLED") != "ENABLED":
            raise RuntimeError(f"the workgroup {settings.workgroup} is disabled; enable it")
        boto3.client("glue", config=config).get_database(Name=settings.gold_database)

    return ask


class Health:
    """Answers the two paths, beside `app`; one word each, the cause is in the log.

    `alive` is the Streamlit app, whose own health says whether the process lives.
    """

    def __init__(self, app: ASGIApp, probe: Probe, *, alive: ASGIApp) -> None:
        self._app = app
        self._alive = alive
        self._probe = probe
        self._asking = asyncio.Lock()
        self._ready = False
        self._asked_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] == "http" and scope["path"] == LIVE:
            alive = {**scope, "path": _STREAMLIT, "raw_path": _STREAMLIT.encode()}
            await self._alive(alive, receive, send)
        elif scope["type"] == "http" and scope["path"] == READY:
            ready = await self._is_ready()
            answer = JSONResponse(
                {"status": "ready" if ready else "unready"},
                200 if ready else 503,
                headers={"cache-control": "no-store"},
            )
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_ready(self) -> bool:
        async with self._asking:
            if time.monotonic() - self._asked_at > KEEP_SECONDS:
                try:
                    await asyncio.to_thread(self._probe)
                    self._ready = True
                except Exception as cause:
                    _logger.warning("not ready: %s", cause)
                    self._ready = False
                self._asked_at = time.monotonic()
            return self._ready
