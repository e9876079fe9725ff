"""Headers that bind the browser: what a page may load, who may frame it, what it tells others."""

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util

_INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def security_headers() -> dict[str, str]:
    """The headers of every answer."""
    page = (Path(file_util.get_static_dir()) / "index.html").read_text()
    allowed = " ".join(f"'sha256-{_sha256(text)}'" for text in _INLINE_SCRIPT.findall(page))
    policy = {
        "default-src": "'none'",
        # The scripts that Streamlit's page contains are known by their digests.
        "script-src": f"'self' {allowed}",
        # Its components style themselves from their code.
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' blob:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {what}" for name, what in policy.items()),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }


_TLS: Final = {"strict-transport-security": "max-age=31536000"}


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class SecurityHeaders:
    """Every answer of `app` carries `headers`; by HTTPS also that it is to stay so."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = {**self._headers, **(_TLS if scope.get("scheme") == "https" else {})}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(added)
            await send(message)

        await self._app(scope, receive, with_headers)
