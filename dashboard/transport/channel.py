"""One connection: two bounded queues with sequence numbers, between an ASGI app and a browser."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.transport.frames import Frame, Kind


class GapError(ValueError):
    """A batch begins after the next number that is expected; `received` is the last one taken."""

    def __init__(self, received: int) -> None:
        super().__init__(f"expected {received + 1}")
        self.received = received


class AheadError(ValueError):
    """What is acknowledged was never sent."""


@dataclass(frozen=True)
class Room:
    """How much may wait in a channel."""

    incoming_messages: int
    incoming_bytes: int
    outgoing_bytes: int


class Channel:
    """Numbers begin with 1 in each direction. All of it belongs to one event loop."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._changed = asyncio.Event()
        self._incoming: deque[Frame] = deque()
        self._incoming_bytes = 0
        self.received = 0
        """Number of the last message that was taken over from the browser."""
        self._outgoing: deque[Frame] = deque()
        self._outgoing_bytes = 0
        self._acknowledged = 0
        self._collectors = 0
        self._disconnected: int | None = None
        self._ended = False

    # The browser's side.

    def offer(self, first: int, frames: Sequence[Frame]) -> int:
        """Takes over what is new and has room; the number of the last message taken.

        Raises GapError when messages before `first` are missing.
        """
        if first > self.received + 1:
            raise GapError(self.received)
        for frame in frames[self.received + 1 - first :]:
            if self._disconnected is not None or not self._has_room(frame):
                break
            self._incoming.append(frame)
            self._incoming_bytes += len(frame.payload)
            self.received += 1
        self._wake()
        return self.received

    async def collect(
        self, acknowledged: int, seconds: float, at_most: int
    ) -> tuple[int, list[Frame]]:
        """Number of the first frame after `acknowledged`, and the frames, `at_most` bytes or one.

        Forgets all up to `acknowledged`; waits up to `seconds` while there is nothing to tell, or
        until another call takes its place. Raises AheadError.
        """
        if acknowledged > self._acknowledged + len(self._outgoing):
            raise AheadError(f"{acknowledged} was never sent")
        while self._acknowledged < acknowledged:
            self._outgoing_bytes -= len(self._outgoing.popleft().payload)
            self._acknowledged += 1
        self._collectors += 1
        turn = self._collectors
        self._wake()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(
                    lambda: bool(self._outgoing) or self._ended or turn != self._collectors
                )
        chosen: list[Frame] = []
        if turn == self._collectors:
            size = 0
            for frame in self._outgoing:
                size += len(frame.payload)
                if chosen and size > at_most:
                    break
                chosen.append(frame)
        return self._acknowledged + 1, chosen

    def disconnect(self, code: int) -> None:
        """The browser has gone: the app is told once it has read what came before."""
        if self._disconnected is None:
            self._disconnected = code
        self._wake()

    @property
    def drained(self) -> bool:
        """Whether the app has ended and the browser knows all it said."""
        return self._ended and not self._outgoing

    # The app's side.

    async def take(self) -> dict[str, Any]:
        """The next ASGI event for the app."""
        await self._until(
            lambda: bool(self._incoming) or self._disconnected is not None or self._ended
        )
        if not self._incoming:
            return {"type": "websocket.disconnect", "code": self._disconnected or 1006}
        frame = self._incoming.popleft()
        self._incoming_bytes -= len(frame.payload)
        if frame.kind is Kind.TEXT:
            return {"type": "websocket.receive", "text": frame.payload.decode()}
        return {"type": "websocket.receive", "bytes": frame.payload}

    async def put(self, frame: Frame) -> None:
        """Sends to the browser; waits while it has not yet acknowledged too much.

        Raises OSError when the browser has gone, as an ASGI server does.
        """
        await self._until(
            lambda: (
                self._disconnected is not None
                or not self._outgoing
                or self._outgoing_bytes + len(frame.payload) <= self._room.outgoing_bytes
            )
        )
        if self._disconnected is not None or self._ended:
            raise OSError("the browser has gone")
        self._append(frame)

    def end(self, code: int, reason: str = "") -> None:
        """The app has ended, in a WebSocket's `code`; harmless when it is repeated."""
        if not self._ended:
            self._append(Frame.close(code, reason))
            self._ended = True
            self._wake()

    def _append(self, frame: Frame) -> None:
        self._outgoing.append(frame)
        self._outgoing_bytes += len(frame.payload)
        self._wake()

    def _has_room(self, frame: Frame) -> bool:
        return not self._incoming or (
            len(self._incoming) < self._room.incoming_messages
            and self._incoming_bytes + len(frame.payload) <= self._room.incoming_bytes
        )

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()
