"""Puts the stand-in's script into each page that an app answers with."""

from html import escape
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD: Final = b"<head>"
_CONDITIONAL: Final = {b"if-none-match", b"if-modified-since", b"accept-encoding", b"range"}


class PageScript:
    """Answers of `app` that are HTML begin with the script `source`; all else passes through."""

    def __init__(self, app: ASGIApp, source: str, **data: str) -> None:
        attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
        self._app = app
        self._tag = f'<script src="{escape(source)}"{attributes}></script>'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_page(scope):
            await self._app(scope, receive, send)
            return
        # The whole page as it is: neither "unchanged" nor compressed nor a part of it.
        headers = [(name, value) for name, value in scope["headers"] if name not in _CONDITIONAL]
        await self._app({**scope, "headers": headers}, receive, _Rewriter(send, self._tag))


def _wants_page(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


class _Rewriter:
    """Holds a page back until it is whole, then sends it with the script."""

    def __init__(self, send: Send, tag: bytes) -> None:
        self._send, self._tag = send, tag
        self._start: dict[str, Any] | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if headers.get("content-type", "").startswith("text/html"):
                self._start = dict(message)
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = self._body.replace(_HEAD, _HEAD + self._tag, 1)
            headers = MutableHeaders(raw=self._start["headers"])
            headers["content-length"] = str(len(page))
            for name in ("etag", "last-modified"):
                if name in headers:
                    del headers[name]
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": page})
            return
        await self._send(message)
