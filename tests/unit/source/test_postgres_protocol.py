"""The front's share of PostgreSQL's wire protocol, without a server."""

import contextlib
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.engines import postgres_protocol as protocol


class Wire:
    """A stream that hands out its bytes in small pieces."""

    def __init__(self, data: bytes, piece: int = 3) -> None:
        self.data, self.piece, self.sent = data, piece, b""

    def recv(self, size: int, /) -> bytes:
        taken, self.data = self.data[: min(size, self.piece)], self.data[min(size, self.piece) :]
        return taken

    def sendall(self, data: bytes, /) -> None:
        self.sent += data


def _startup(words: Iterable[str], code: int = 196608) -> protocol.Startup:
    return protocol.Startup(code, b"".join(w.encode() + b"\0" for w in words) + b"\0")


_WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(_WORD, _WORD, min_size=1), st.integers(1, 50))
def test_a_startup_packet_survives_the_wire(parameters: dict[str, str], piece: int) -> None:
    sent = _startup(word for pair in parameters.items() for word in pair)
    read = protocol.read_startup(Wire(sent.packet, piece))
    assert read == sent
    assert read.parameters == parameters


@given(st.binary(max_size=300), st.integers(1, 50))
def test_a_message_survives_the_wire(body: bytes, piece: int) -> None:
    assert protocol.read_message(Wire(protocol.message(b"X", body), piece)) == (b"X", body)


@given(st.binary(max_size=64))
def test_garbage_is_refused_or_cut_off(data: bytes) -> None:
    for read in (protocol.read_startup, protocol.read_message):
        with contextlib.suppress(protocol.RefusedError, protocol.DisconnectedError):
            read(Wire(data))


def test_lengths_are_bounded() -> None:
    with pytest.raises(protocol.RefusedError, match="invalid length"):
        protocol.read_startup(Wire(struct.pack("!ii", 2**31 - 1, 196608)))
    with pytest.raises(protocol.RefusedError, match="invalid message length"):
        protocol.read_message(Wire(struct.pack("!ci", b"p", 2**30)))


def test_a_password_message_is_read_whole() -> None:
    token = "localhost:5432/?Action=connect&X-Amz-Signature=" + "0" * 2000
    assert protocol.read_password(Wire(protocol.message(b"p", token.encode() + b"\0"))) == token
    with pytest.raises(protocol.RefusedError, match="expected password response"):
        protocol.read_password(Wire(protocol.message(b"Q", b"SELECT 1\0")))


def test_a_refusal_is_a_fatal_error_message() -> None:
    packet = protocol.RefusedError("28000", "no entry").packet
    kind, body = protocol.read_message(Wire(packet))
    assert kind == b"E"
    assert body == b"SFATAL\0VFATAL\0C28000\0Mno entry\0\0"


def test_a_trusted_login_passes_on_what_came_before_it() -> None:
    negotiation = protocol.message(b"v", b"\0\0\0\0\0\0\0\0")
    wire = Wire(negotiation + protocol.LOGGED_IN)
    startup = _startup(["user", "reader"])
    assert protocol.log_in(wire, startup, None) == negotiation
    assert wire.sent == startup.packet


def test_the_backends_own_error_is_passed_on() -> None:
    error = protocol.fatal("3D000", 'database "x" does not exist')
    with pytest.raises(protocol.BackendRefusedError) as refused:
        protocol.log_in(Wire(error), _startup(["user", "reader"]), "secret")
    assert refused.value.packet == error


def test_an_unknown_authentication_method_is_refused() -> None:
    md5 = struct.pack("!cii", b"R", 8, 5)
    with pytest.raises(protocol.RefusedError, match="authentication method 5"):
        protocol.log_in(Wire(md5), _startup(["user", "reader"]), "secret")
