"""Passes bytes between a TLS client and PostgreSQL, both ways, in one thread."""

import select
import socket
import ssl
from typing import Final

_FROM_BACKEND: Final = 256 * 1024
_FROM_CLIENT: Final = 16 * 1024
"""Bytes; a TLS record is never longer, and one read returns at most one record."""
_READ: Final = select.POLLIN | select.POLLHUP | select.POLLERR


def pump(client: ssl.SSLSocket, backend: socket.socket) -> None:
    """Returns when either side has closed and what it said last has been passed on.

    A side is only read while nothing read from it waits to be written: a slow reader slows the
    writer down instead of filling the memory.
    """
    client.setblocking(False)
    backend.setblocking(False)
    to_client = memoryview(b"")
    to_backend = memoryview(b"")
    backend_open = True
    while True:
        if not to_backend:
            data = _receive(client, _FROM_CLIENT)
            if data == b"":
                return
            to_backend = memoryview(data or b"")
        if backend_open and not to_client:
            data = _receive(backend, _FROM_BACKEND)
            backend_open = data != b""
            to_client = memoryview(data or b"")
        if not backend_open and not to_client:
            return
        sent_to_backend = _send(backend, to_backend) if backend_open else len(to_backend)
        sent_to_client = _send(client, to_client)
        to_backend, to_client = to_backend[sent_to_backend:], to_client[sent_to_client:]
        if not sent_to_backend and not sent_to_client:
            _wait(client, backend, bool(to_client), bool(to_backend), backend_open)


def _receive(peer: socket.socket, size: int) -> bytes | None:
    """Bytes, b"" at the end, None when there are none yet."""
    try:
        return peer.recv(size)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except (ConnectionError, ssl.SSLError):
        return b""


def _send(peer: socket.socket, data: memoryview) -> int:
    """Bytes taken: 0 when there are none or the peer is slow, all when it has gone."""
    sent = 0
    try:
        while sent < len(data):
            sent += peer.send(data[sent:])
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return sent
    except (ConnectionError, ssl.SSLError):
        return len(data)
    return sent


def _wait(
    client: ssl.SSLSocket,
    backend: socket.socket,
    client_owed: bool,
    backend_owed: bool,
    backend_open: bool,
) -> None:
    poll = select.poll()
    for peer, owed, other_owed in (
        (client, client_owed, backend_owed),
        (backend, backend_owed, client_owed),
    ):
        wanted = (0 if other_owed else _READ) | (select.POLLOUT if owed else 0)
        # Without a wish a closed peer would still wake the poll, over and over.
        if wanted and (peer is client or backend_open):
            poll.register(peer, wanted)
    poll.poll()
