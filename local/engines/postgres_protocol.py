"""The few PostgreSQL wire messages that the front speaks itself: start-up, login, refusal."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from scramp import ScramClient

SSL_REQUEST: Final = 80877103
GSS_REQUEST: Final = 80877104
CANCEL_REQUEST: Final = 80877102
TLS_HANDSHAKE: Final = 0x16
"""First byte of a TLS record: the client speaks TLS without asking first."""
MESSAGE_LIMIT: Final = 1 << 20
"""Bytes; nothing before the end of a login is longer, not even an IAM token."""

_AUTHENTICATION_OK: Final = 0
_AUTHENTICATION_CLEARTEXT: Final = 3
_AUTHENTICATION_SASL: Final = 10
_AUTHENTICATION_SASL_CONTINUE: Final = 11
_AUTHENTICATION_SASL_FINAL: Final = 12

ASK_PASSWORD: Final = struct.pack("!cii", b"R", 8, _AUTHENTICATION_CLEARTEXT)
LOGGED_IN: Final = struct.pack("!cii", b"R", 8, _AUTHENTICATION_OK)


class Stream(Protocol):
    """What the front needs of a blocking socket, plain or TLS."""

    def recv(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Writes all of `data`."""
        ...


class RefusedError(Exception):
    """The session ends with a FATAL message to the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.packet = fatal(code, message)


class BackendRefusedError(Exception):
    """PostgreSQL itself refused; `packet` is its own message, to be passed on."""

    def __init__(self, packet: bytes) -> None:
        super().__init__("refused by the backend")
        self.packet = packet


class DisconnectedError(Exception):
    """The other side went away in the middle of a message."""


@dataclass(frozen=True)
class Startup:
    """A start-up packet: `code` is the protocol version or a request, `body` what follows it."""

    code: int
    body: bytes

    @property
    def packet(self) -> bytes:
        """The packet as it came over the wire."""
        return struct.pack("!ii", len(self.body) + 8, self.code) + self.body

    @property
    def parameters(self) -> Mapping[str, str]:
        """`user`, `database` and whatever else the client asked for."""
        words = [word.decode(errors="replace") for word in self.body.rstrip(b"\0").split(b"\0")]
        return dict(zip(words[::2], words[1::2], strict=False))


def read_startup(stream: Stream) -> Startup:
    """Reads a start-up packet, which has no type byte."""
    length, code = struct.unpack("!ii", _exactly(stream, 8))
    if not 8 <= length <= MESSAGE_LIMIT:
        raise RefusedError("08P01", f"invalid length of startup packet: {length}")
    return Startup(code, _exactly(stream, length - 8))


def read_message(stream: Stream) -> tuple[bytes, bytes]:
    """Reads one message: its type byte and its body."""
    kind, length = struct.unpack("!ci", _exactly(stream, 5))
    if not 4 <= length <= MESSAGE_LIMIT:
        raise RefusedError("08P01", f"invalid message length {length} during login")
    return kind, _exactly(stream, length - 4)


def message(kind: bytes, body: bytes) -> bytes:
    """Frames one message."""
    return kind + struct.pack("!i", len(body) + 4) + body


def read_password(stream: Stream) -> str:
    """Reads the answer to `ASK_PASSWORD`."""
    kind, body = read_message(stream)
    if kind != b"p":
        raise RefusedError("08P01", f"expected password response, got message type {kind[0]}")
    return body.rstrip(b"\0").decode(errors="replace")


def fatal(code: str, text: str) -> bytes:
    """An ErrorResponse with which a session ends; `code` is the SQLSTATE."""
    fields = (b"SFATAL", b"VFATAL", b"C" + code.encode(), b"M" + text.encode())
    return message(b"E", b"".join(field + b"\0" for field in fields) + b"\0")


def log_in(backend: Stream, startup: Startup, password: str | None) -> bytes:
    """Starts a session at PostgreSQL, with SCRAM where it asks for a password.

    Returns what PostgreSQL said before it let the session in (a protocol negotiation, usually
    nothing). Raises BackendRefusedError with PostgreSQL's own error message.
    """
    backend.sendall(startup.packet)
    said = b""
    client: ScramClient | None = None
    while True:
        kind, body = read_message(backend)
        if kind == b"E":
            raise BackendRefusedError(message(kind, body))
        if kind != b"R":
            said += message(kind, body)
            continue
        (step,) = struct.unpack_from("!i", body)
        if step == _AUTHENTICATION_OK:
            return said
        if step == _AUTHENTICATION_SASL and password is not None:
            offered = [name.decode() for name in body[4:].split(b"\0") if name]
            client = ScramClient(offered, startup.parameters["user"], password)
            first = client.get_client_first().encode()
            mechanism = client.mechanism_name.encode() + b"\0"
            backend.sendall(message(b"p", mechanism + struct.pack("!i", len(first)) + first))
        elif step == _AUTHENTICATION_SASL_CONTINUE and client is not None:
            client.set_server_first(body[4:].decode())
            backend.sendall(message(b"p", client.get_client_final().encode()))
        elif step == _AUTHENTICATION_SASL_FINAL and client is not None:
            client.set_server_final(body[4:].decode())
        else:
            raise RefusedError("28000", f"the database asked for authentication method {step}")


def _exactly(stream: Stream, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        if not (part := stream.recv(size - len(data))):
            raise DisconnectedError
        data += part
    return bytes(data)
