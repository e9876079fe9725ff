"""The wire format: a batch is the number of its first frame, then the frames one after another.

All numbers are unsigned and big-endian: 4 bytes for the first number; then for each frame one byte
for its kind, 4 for the length of its payload, the payload.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_FIRST: Final = struct.Struct(">I")
_HEAD: Final = struct.Struct(">BI")
_CODE: Final = struct.Struct(">H")
LAST_NUMBER: Final = 2**32 - 1


class MalformedError(ValueError):
    """Bytes that are no batch."""


class Kind(IntEnum):
    """What a frame is."""

    TEXT = 0
    BINARY = 1
    CLOSE = 2
    """From the server only: the app ended the connection. Payload: code (2 bytes), reason."""


@dataclass(frozen=True)
class Frame:
    """One message of a WebSocket, or its end."""

    kind: Kind
    payload: bytes

    @classmethod
    def close(cls, code: int, reason: str = "") -> "Frame":
        """The end, with a WebSocket's code."""
        return cls(Kind.CLOSE, _CODE.pack(code) + reason.encode()[:123])


def encode(first: int, frames: Iterable[Frame]) -> bytes:
    """A batch whose first frame has the number `first`."""
    parts = [_FIRST.pack(first)]
    for frame in frames:
        parts += [_HEAD.pack(frame.kind, len(frame.payload)), frame.payload]
    return b"".join(parts)


def decode(batch: bytes) -> tuple[int, list[Frame]]:
    """Number of the first frame, and the messages; raises MalformedError for anything else."""
    if len(batch) < _FIRST.size:
        raise MalformedError("shorter than its first number")
    (first,) = _FIRST.unpack_from(batch)
    frames, place = [], _FIRST.size
    while place < len(batch):
        if len(batch) - place < _HEAD.size:
            raise MalformedError("ends within a frame's head")
        kind, length = _HEAD.unpack_from(batch, place)
        place += _HEAD.size
        if kind not in (Kind.TEXT, Kind.BINARY):
            raise MalformedError(f"a frame of kind {kind}")
        if len(batch) - place < length:
            raise MalformedError("ends within a frame")
        payload = batch[place : place + length]
        place += length
        if kind == Kind.TEXT and not _is_text(payload):
            raise MalformedError("a text that is not UTF-8")
        frames.append(Frame(Kind(kind), payload))
    if not 1 <= first <= LAST_NUMBER - len(frames):
        raise MalformedError("a number out of range")
    return first, frames


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
