"""A browser for ASGI apps without a network: requests, cookies, and answers that can be lost."""

import asyncio
import json
import struct
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dashboard.transport.frames import Frame, Kind, encode

T = TypeVar("T")


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """What it returns, from a thread of its own: a browser's loop may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, scenario).result()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Browser:
    """Asks `app`, keeps its cookies."""

    app: Any
    cookies: dict[str, str] = field(default_factory=dict)
    scheme: str = "http"

    async def ask(
        self, method: str, path: str, body: bytes | Sequence[bytes] = b"", **headers: str
    ) -> Answer:
        """One request; `body` as a sequence arrives in parts."""
        path, _, query = path.partition("?")
        parts = [body] if isinstance(body, bytes) else list(body)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("shop.test", 80),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not parts:
                await asyncio.Event().wait()
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        found = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        for name, value in found:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        return Answer(
            sent[0]["status"], dict(found), b"".join(part.get("body", b"") for part in sent[1:])
        )


@dataclass
class Socket:
    """What client.js does, step by step, so that a test can leave steps out or repeat them."""

    browser: Browser
    session: str

    @classmethod
    async def open(cls, browser: Browser, path: str = "/socket", *protocols: str) -> "Socket":
        """A connection; fails when it is refused."""
        answer = await open_session(browser, path, *protocols)
        assert answer.status == 200, answer
        return cls(browser, json.loads(answer.body)["session"])

    async def send(self, first: int, *texts: str) -> int:
        """The last number that the server has now."""
        answer = await self.post(encode(first, [Frame(Kind.TEXT, t.encode()) for t in texts]))
        assert answer.status == 200, answer
        return int(struct.unpack(">I", answer.body)[0])

    async def post(self, body: bytes | Sequence[bytes], name: str = "send") -> Answer:
        """A POST as it is."""
        return await self.browser.ask(
            "POST",
            f"/_transport/{name}",
            body,
            content_type="application/octet-stream",
            x_transport_session=self.session,
        )

    async def get(self, after: object, seconds: object = 0) -> Answer:
        """A GET as it is."""
        path = f"/_transport/receive?after={after}&seconds={seconds}"
        return await self.browser.ask("GET", path, x_transport_session=self.session)

    async def receive(self, after: int, seconds: float = 1) -> list[tuple[int, int, bytes]]:
        """Number, kind and payload of what the server tells."""
        answer = await self.get(after, seconds)
        assert answer.status == 200, answer
        (number,) = struct.unpack_from(">I", answer.body)
        frames, place = [], 4
        while place < len(answer.body):
            kind, length = struct.unpack_from(">BI", answer.body, place)
            place += 5
            frames.append((number, kind, answer.body[place : place + length]))
            number, place = number + 1, place + length
        return frames

    async def texts(self, after: int) -> list[str]:
        """The payloads alone."""
        return [payload.decode() for _, _, payload in await self.receive(after)]


async def open_session(browser: Browser, path: str = "/socket", *protocols: str) -> Answer:
    """The answer to a request to open."""
    wanted = {"path": path, "query": "", "protocols": list(protocols)}
    return await browser.ask("POST", "/_transport/open", json.dumps(wanted).encode())
