"""What stands before an App Runner service: an HTTP proxy that knows no Upgrade and buffers.

python -m local.engines.front LISTEN_PORT TARGET_PORT

A request is passed on once it is whole, an answer once it is whole; `Upgrade` is not passed on: a
WebSocket is answered as the app answers a plain GET. A request may take 120 s, as on AWS.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import urllib3
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

SECONDS: Final = 120
_AT_ONCE: Final = 256
_HOP: Final = frozenset(
    (
        "connection",
        "keep-alive",
        "upgrade",
        "te",
        "trailer",
        "transfer-encoding",
        "proxy-connection",
    )
) | {"content-length", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"}


def front(target: int) -> ASGIApp:
    """The proxy before the port `target` of this machine."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", target, maxsize=_AT_ONCE, retries=False)
    threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="front")

    def ask(
        method: str, path: str, headers: dict[str, str], body: bytes
    ) -> urllib3.BaseHTTPResponse:
        return pool.urlopen(
            method, path, body=body, headers=headers, redirect=False, decode_content=False,
            timeout=urllib3.Timeout(connect=2, read=SECONDS),
        )  # fmt: skip

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        path = scope["raw_path"].decode()
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode()
        headers = {n: v for n, v in request.headers.items() if n not in _HOP}
        # App Runner ends TLS; here the browser's own scheme is told on.
        headers |= {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": scope["scheme"]}
        try:
            got = await asyncio.get_running_loop().run_in_executor(
                threads, ask, request.method, path, headers, body
            )
        except urllib3.exceptions.HTTPError:
            await Response("no answer from the service", 503)(scope, receive, send)
            return
        answer = Response(got.data, got.status)
        answer.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in got.headers.items()
            if name.lower() not in _HOP
        ]
        answer.raw_headers.append((b"content-length", str(len(got.data)).encode()))
        await answer(scope, receive, send)

    return serve


def main() -> None:
    """Serves until SIGTERM."""
    listen, target = map(int, sys.argv[1:])
    uvicorn.run(
        front(target), host="127.0.0.1", port=listen, ws="none", lifespan="off", log_level="error",
        server_header=False, date_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
