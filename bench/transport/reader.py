"""A reader of the page: Streamlit's own messages over one way or the other, timed."""

import asyncio
import contextlib
import json
import struct
import time
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

PAGE: Final = "/_stcore/stream"


class Way(Protocol):
    """Messages there and back."""

    async def send(self, message: bytes) -> None:
        """One message."""

    async def receive(self) -> bytes:
        """The next one."""


class Reader:
    """Opens the page and moves its slider."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._slider = ""
        self.text = ""

    async def open(self) -> None:
        """The first run of the page."""
        await self._run(BackMsg(rerun_script={"query_string": ""}))

    async def move(self, least: int) -> float:
        """Moves the filter; seconds until the page is drawn for it."""
        message = BackMsg()
        state = WidgetState(id=self._slider)
        state.double_array_value.data.append(float(least))
        message.rerun_script.widget_states.widgets.append(state)
        begun = time.perf_counter()
        await self._run(message)
        seconds = time.perf_counter() - begun
        if not self.text.endswith(f"for {least}"):
            raise AssertionError(f"the page shows {self.text!r}, not {least}")
        return seconds

    async def _run(self, message: BackMsg) -> None:
        await self._way.send(message.SerializeToString())
        while True:
            told = ForwardMsg()
            told.ParseFromString(await self._way.receive())
            element = told.delta.new_element
            if element.WhichOneof("type") == "slider":
                self._slider = element.slider.id
            if element.WhichOneof("type") == "text":
                self.text = element.text.body
            if told.WhichOneof("type") == "script_finished":
                return


class _Socket:
    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def send(self, message: bytes) -> None:
        await self._socket.send(message)

    async def receive(self) -> bytes:
        message: bytes = await self._socket.recv()
        return message


@contextlib.asynccontextmanager
async def by_websocket(port: int) -> AsyncIterator[Way]:
    """Streamlit's own way."""
    address = f"ws://127.0.0.1:{port}{PAGE}"
    async with connect(
        address, subprotocols=["streamlit"], max_size=None, open_timeout=60
    ) as socket:
        yield _Socket(socket)


class _Connection:
    """One kept connection of HTTP/1.1; a broken one is made anew with the next request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, headers: str, body: bytes = b""
    ) -> tuple[str, bytes]:
        """Head and body of the answer; raises OSError."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{headers}"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            told = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(told.partition("content-length: ")[2].partition("\r\n")[0] or 0)
            return told, await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as broken:
            self.close()
            raise ConnectionError(str(broken)) from broken

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Transported:
    """As client.js does it."""

    def __init__(self, port: int) -> None:
        self._sending, self._receiving = _Connection(port), _Connection(port)
        self._headers = ""
        self._sent = self._received = 0
        self._waiting: list[bytes] = []
        self.repeated = 0

    async def open(self) -> None:
        """A session of a browser that was never here."""
        wanted = json.dumps({"path": PAGE, "query": "", "protocols": ["streamlit"]}).encode()
        head, body = await self._sending.ask("POST", "/_transport/open", "", wanted)
        if " 200 " not in head:
            raise ConnectionError(head)
        cookie = head.partition("set-cookie: transport_browser=")[2].partition(";")[0]
        session = json.loads(body)["session"]
        self._headers = f"X-Transport-Session: {session}\r\nCookie: transport_browser={cookie}\r\n"

    async def send(self, message: bytes) -> None:
        """Again until it is acknowledged."""
        self._sent += 1
        body = struct.pack(">IBI", self._sent, 1, len(message)) + message
        kind = "Content-Type: application/octet-stream\r\n"
        (taken,) = struct.unpack(
            ">I", await self._insist(self._sending, "POST", "/_transport/send", kind, body)
        )
        if taken != self._sent:
            raise AssertionError(f"{taken} of {self._sent} messages taken")

    async def receive(self) -> bytes:
        """The next message, in order."""
        while not self._waiting:
            path = f"/_transport/receive?after={self._received}&seconds=20"
            body = await self._insist(self._receiving, "GET", path)
            (number,) = struct.unpack_from(">I", body)
            place = 4
            while place < len(body):
                kind, length = struct.unpack_from(">BI", body, place)
                if kind != 1 or number != self._received + 1:
                    raise AssertionError(f"frame {number} of kind {kind} after {self._received}")
                self._waiting.append(body[place + 5 : place + 5 + length])
                self._received, number, place = number, number + 1, place + 5 + length
        return self._waiting.pop(0)

    def close(self) -> None:
        """Leaves without a word."""
        self._sending.close()
        self._receiving.close()

    async def _insist(
        self, connection: _Connection, method: str, path: str, headers: str = "", body: bytes = b""
    ) -> bytes:
        for _ in range(200):
            try:
                head, told = await connection.ask(method, path, self._headers + headers, body)
                if " 200 " in head.partition("\r\n")[0] + " ":
                    return told
                if " 503 " not in head:
                    raise AssertionError(head.partition("\r\n")[0])
            except ConnectionError:
                pass
            self.repeated += 1
            await asyncio.sleep(0.5)
        raise AssertionError("no answer in 100 s")


@contextlib.asynccontextmanager
async def by_transport(port: int) -> AsyncIterator[Transported]:
    """Over POST and a waiting GET."""
    way = Transported(port)
    await way.open()
    try:
        yield way
    finally:
        way.close()
