"""The ASGI layer: requests below `/_transport`; each session is a WebSocket to the app."""

import asyncio
import hashlib
import json
import secrets
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.transport.channel import AheadError, Channel, GapError
from dashboard.transport.frames import Frame, Kind, MalformedError, decode, encode
from dashboard.transport.page import PageScript
from dashboard.transport.sessions import FullError, Limits, Session, Sessions

PREFIX: Final = "/_transport/"
COOKIE: Final = "transport_browser"
SESSION_HEADER: Final = "x-transport-session"
_SCRIPT: Final = (Path(__file__).parent / "client.js").read_bytes()
_ETAG: Final = f'"{hashlib.sha256(_SCRIPT).hexdigest()[:16]}"'
_BINARY: Final = "application/octet-stream"
_OPEN_BYTES: Final = 16 * 1024
_MAX_BROWSER: Final = 60 * 60 * 24 * 30

Owner = Callable[[Scope], str]
"""Who asks, beyond the browser: such as the name that is signed in."""


class _TooLargeError(Exception):
    pass


class HttpTransport:
    """Serves `app` and, for its WebSockets at `paths`, the transport beside it.

    `replace` puts the stand-in into the app's pages; without it the transport only stands ready,
    and pages use the WebSocket that passes through here too.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: Sequence[str],
        *,
        limits: Limits | None = None,
        owner: Owner = lambda _scope: "",
        replace: bool = True,
    ) -> None:
        self._app = app
        source = f".{PREFIX}client.js?{_ETAG[1:-1]}"
        self._pages = PageScript(app, source, paths=" ".join(paths)) if replace else app
        self._paths = frozenset(paths)
        self._limits = limits or Limits()
        self._owner = owner
        self.sessions = Sessions(self._limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection of the ASGI server."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._until_shutdown(send))
        elif scope["type"] == "http" and scope["path"].startswith(PREFIX):
            request = Request(scope, receive)
            try:
                response = await self._answer(request, scope["path"].removeprefix(PREFIX))
            except _TooLargeError:
                response = _refusal(413)
            except ClientDisconnect:
                return
            await response(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def _until_shutdown(self, send: Send) -> Send:
        async def closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                await self.sessions.close()
            await send(message)

        return closing

    async def _answer(self, request: Request, name: str) -> Response:
        match request.method, name:
            case (("GET" | "HEAD"), "client.js"):
                return _script(request)
            case "POST", "open":
                return await self._open(request)
            case ("POST", "send" | "close") | ("GET", "receive"):
                session = self.sessions.find(
                    request.headers.get(SESSION_HEADER, ""), self._owner_of(request)
                )
                if session is None:
                    return _refusal(404)
                if name == "send":
                    return await self._send(request, session)
                if name == "receive":
                    return await self._receive(request, session)
                self.sessions.drop(session, 1001)
                return Response(status_code=204)
        return _refusal(404)

    async def _open(self, request: Request) -> Response:
        wanted = _wanted(await _body(request, _OPEN_BYTES))
        if wanted is None or wanted["path"] not in self._paths:
            return _refusal(400)
        browser = request.cookies.get(COOKIE, "")
        known = len(browser) == 43  # what token_urlsafe(32) makes
        if not known:
            browser = secrets.token_urlsafe(32)
        accepted: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        scope = _websocket_scope(request.scope, **wanted)
        try:
            session = self.sessions.open(
                _digest(browser, self._owner(request.scope)),
                lambda channel: _serve(self._app, scope, channel, accepted),
            )
        except FullError:
            return _refusal(429)
        try:
            async with asyncio.timeout(self._limits.open_seconds):
                protocol = await accepted
        except (TimeoutError, ConnectionRefusedError):
            self.sessions.drop(session, 1006)
            return _refusal(403)
        response = JSONResponse(
            {
                "session": session.id,
                "protocol": protocol or "",
                "pollSeconds": self._limits.poll_seconds,
                "expirySeconds": self._limits.expiry_seconds,
            },
            headers={"cache-control": "no-store"},
        )
        if not known:
            response.set_cookie(
                COOKIE,
                browser,
                max_age=_MAX_BROWSER,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
            )
        return response

    async def _send(self, request: Request, session: Session) -> Response:
        if request.headers.get("content-type") != _BINARY:
            return _refusal(415)
        try:
            body = await _body(request, self._limits.message_bytes)
        except _TooLargeError:
            session.channel.end(1009, "too large")
            session.channel.disconnect(1009)
            raise
        try:
            received = session.channel.offer(*decode(body))
        except MalformedError as malformed:
            return _refusal(400, str(malformed))
        except GapError as gap:
            return _refusal(409, str(gap))
        return Response(struct.pack(">I", received), media_type=_BINARY, headers=_NEVER_STORED)

    async def _receive(self, request: Request, session: Session) -> Response:
        asked = request.query_params
        try:
            after, seconds = int(asked["after"]), float(asked["seconds"])
        except (KeyError, ValueError):
            return _refusal(400)
        if after < 0 or not 0 <= seconds < float("inf"):
            return _refusal(400)
        try:
            first, frames = await session.channel.collect(
                after, min(seconds, self._limits.poll_seconds), self._limits.response_bytes
            )
        except AheadError as ahead:
            return _refusal(409, str(ahead))
        if session.channel.drained:
            self.sessions.drop(session, 1000)
        else:
            self.sessions.touch(session)
        return Response(encode(first, frames), media_type=_BINARY, headers=_NEVER_STORED)

    def _owner_of(self, request: Request) -> str:
        return _digest(request.cookies.get(COOKIE, ""), self._owner(request.scope))


_NEVER_STORED: Final = {"cache-control": "no-store"}


def _digest(browser: str, owner: str) -> str:
    return hashlib.sha256(f"{browser}\n{owner}".encode()).hexdigest()


def _refusal(status: int, reason: str = "") -> Response:
    return Response(reason, status, headers=_NEVER_STORED, media_type="text/plain")


def _script(request: Request) -> Response:
    headers = {"etag": _ETAG, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == _ETAG:
        return Response(status_code=304, headers=headers)
    return Response(_SCRIPT, media_type="text/javascript", headers=headers)


async def _body(request: Request, at_most: int) -> bytes:
    """The request's body; raises _TooLargeError as soon as it is larger, whatever it says of it."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > at_most:
            raise _TooLargeError
        parts.append(part)
    return b"".join(parts)


def _wanted(body: bytes) -> dict[str, Any] | None:
    """`path`, `query` and `protocols` of a request to open; None when it is something else."""
    try:
        wanted = json.loads(body)
        path, query, protocols = wanted["path"], wanted["query"], wanted["protocols"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = [path, query, *protocols] if isinstance(protocols, list) else [None]
    # A name of a protocol is a token: nothing in it can end the header it is put into.
    fits = all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts)
    if not fits or any("," in protocol or " " in protocol for protocol in protocols):
        return None
    return {"path": path, "query": query, "protocols": protocols}


def _websocket_scope(scope: Scope, path: str, query: str, protocols: list[str]) -> Scope:
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if not name.startswith((b"content-", b"sec-websocket-", b"transfer-"))
    ]
    if protocols:
        headers.append((b"sec-websocket-protocol", ", ".join(protocols).encode()))
    opened = {
        **scope,
        "type": "websocket",
        "scheme": "wss" if scope.get("scheme") == "https" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "subprotocols": protocols,
    }
    del opened["method"]
    return opened


async def _serve(
    app: ASGIApp, scope: Scope, channel: Channel, accepted: "asyncio.Future[str | None]"
) -> None:
    """Runs the app on a channel; `accepted` gets its protocol, or ConnectionRefusedError."""
    connected = False

    async def receive() -> Message:
        nonlocal connected
        if not connected:
            connected = True
            return {"type": "websocket.connect"}
        return await channel.take()

    async def send(message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                if not accepted.done():
                    accepted.set_result(message.get("subprotocol"))
            case "websocket.send":
                text = message.get("text")
                await channel.put(
                    Frame(Kind.BINARY, message["bytes"])
                    if text is None
                    else Frame(Kind.TEXT, text.encode())
                )
            case "websocket.close":
                channel.end(message.get("code", 1000), message.get("reason") or "")

    try:
        await app(scope, receive, send)
    finally:
        if not accepted.done():
            accepted.set_exception(ConnectionRefusedError())
