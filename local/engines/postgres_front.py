"""The address of a local "RDS instance": TLS and IAM tokens in front of a plain PostgreSQL.

The bundled PostgreSQL has no OpenSSL and knows no IAM. The front terminates TLS, refuses plain
text as RDS does with `rds.force_ssl`, has tokens checked for members of `rds_iam`, leaves other
passwords to PostgreSQL's own SCRAM, and from then on only passes bytes. One thread per session:
sessions are few, and a blocking TLS socket moves bytes faster than an event loop does.
"""

import logging
import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from lakehouse.errors import LocalError
from local.engines import postgres_protocol as protocol
from local.engines.certificates import server_certificate
from local.engines.postgres_pump import pump

logger = logging.getLogger(__name__)

Verify = Callable[[str, str], str | None]
"""Judges (user, token): None lets in, a text says why not (for the log, never for the client)."""
LOGIN_SECONDS: Final = 30
_SUPERUSER: Final = "rdsadmin"
# USAGE, not MEMBER: since PostgreSQL 16 whoever creates a role is a member of it, without its
# rights; that alone must not take the master's password login away.
_USES_IAM: Final = """
SELECT pg_has_role(oid, 'rds_iam', 'USAGE') FROM pg_roles WHERE rolname = :name AND NOT rolsuper
"""


class Backend(Protocol):
    """What the front needs of the PostgreSQL behind it (see `PostgresEngine`)."""

    @property
    def port(self) -> int:
        """Its TCP port on 127.0.0.1."""
        ...

    @property
    def database(self) -> str:
        """The instance's database, named in refusals."""
        ...

    @property
    def socket(self) -> Path:
        """Its unix socket, which trusts whoever may open it."""
        ...

    def query(self, statement: str, **parameters: object) -> list[list[object]]:
        """Runs a statement as superuser; raises LocalError when the server does not answer."""
        ...


class PostgresFront:
    """Listens on 127.0.0.1:`port`; the files of its certificate are made in `tls`."""

    def __init__(self, backend: Backend, port: int, tls: Path, verify: Verify) -> None:
        self.backend = backend
        self.port = port
        self._verify = verify
        files = server_certificate(tls)
        self.ca_file = files.ca
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_cert_chain(files.certificate, files.key)
        self._tls.set_alpn_protocols(["postgresql"])
        self._listener: socket.socket | None = None
        self._sessions: set[socket.socket] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begins to listen; raises OSError when the port is taken."""
        if self._listener is not None:
            return
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(
            target=self._accept, args=(self._listener,), name=f"rds-{self.port}", daemon=True
        ).start()

    def stop(self) -> None:
        """Stops listening and ends every session; harmless when stopped."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with suppress(OSError):
            # Wakes the thread in accept(), which close() alone would not.
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            with suppress(OSError):
                session.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # A second handle: TLS takes the first one over, and `stop` must still reach the connection.
        handle = client.dup()
        with self._lock:
            self._sessions.add(handle)
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(LOGIN_SECONDS)
            self._session(client)
        except (protocol.DisconnectedError, OSError) as gone:
            # Scanners, health checks and killed clients; no fault of the database.
            logger.debug("session ended: %s", gone)
        finally:
            with self._lock:
                self._sessions.discard(handle)
            client.close()
            handle.close()

    def _session(self, raw: socket.socket) -> None:
        client: socket.socket = raw
        try:
            client, startup = self._handshake(raw)
            if startup.code == protocol.CANCEL_REQUEST:
                self._cancel(startup)
                return
            if not isinstance(client, ssl.SSLSocket):
                raise protocol.RefusedError("28000", _no_encryption(startup))
            backend, greeting = self._log_in(client, startup)
        except (protocol.RefusedError, protocol.BackendRefusedError) as refused:
            client.sendall(refused.packet)
            _close(client)
            return
        with backend:
            client.sendall(greeting + protocol.LOGGED_IN)
            pump(client, backend)
        _close(client)

    def _handshake(self, raw: socket.socket) -> tuple[socket.socket, protocol.Startup]:
        """Answers requests for encryption until the client names its user."""
        client = raw
        if raw.recv(1, socket.MSG_PEEK)[:1] == bytes([protocol.TLS_HANDSHAKE]):
            client = self._tls.wrap_socket(raw, server_side=True)
        while True:
            startup = protocol.read_startup(client)
            if startup.code == protocol.SSL_REQUEST and client is raw:
                raw.sendall(b"S")
                client = self._tls.wrap_socket(raw, server_side=True)
            elif startup.code in (protocol.SSL_REQUEST, protocol.GSS_REQUEST):
                client.sendall(b"N")
            else:
                return client, startup

    def _log_in(
        self, client: ssl.SSLSocket, startup: protocol.Startup
    ) -> tuple[socket.socket, bytes]:
        user = startup.parameters.get("user", "")
        if not user:
            raise protocol.RefusedError(
                "28000", "no PostgreSQL user name specified in startup packet"
            )
        if user == _SUPERUSER:
            raise protocol.RefusedError("28000", _rejected(startup))
        uses_iam = self._uses_iam(user)
        client.sendall(protocol.ASK_PASSWORD)
        password = protocol.read_password(client)
        if not uses_iam:
            # Over TCP PostgreSQL itself asks for the password; the socket would trust anyone.
            backend = self._open(socket.AF_INET, ("127.0.0.1", self.backend.port))
            return backend, self._begin(backend, startup, password)
        if reason := self._verify(user, password):
            logger.warning("IAM token of database user %s refused: %s", user, reason)
            raise protocol.RefusedError("28000", f'PAM authentication failed for user "{user}"')
        backend = self._open(socket.AF_UNIX, str(self.backend.socket))
        return backend, self._begin(backend, startup, None)

    def _uses_iam(self, user: str) -> bool:
        try:
            rows = self.backend.query(_USES_IAM, name=user)
        except LocalError as down:
            raise self._down(down) from down
        return bool(rows and rows[0][0])

    def _open(self, family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
        backend = socket.socket(family)
        try:
            backend.settimeout(LOGIN_SECONDS)
            backend.connect(address)
        except OSError as down:
            backend.close()
            raise self._down(down) from down
        return backend

    def _begin(
        self, backend: socket.socket, startup: protocol.Startup, password: str | None
    ) -> bytes:
        try:
            return protocol.log_in(backend, startup, password)
        except BaseException:
            backend.close()
            raise

    def _down(self, cause: Exception) -> protocol.RefusedError:
        return protocol.RefusedError(
            "57P03",
            f'the database system is not running: "{self.backend.database}" does not accept '
            f"connections ({cause})",
        )

    def _cancel(self, startup: protocol.Startup) -> None:
        with self._open(socket.AF_UNIX, str(self.backend.socket)) as backend:
            backend.sendall(startup.packet)
            # PostgreSQL closes when it has acted; the client waits for the same sign.
            select.select([backend], [], [], LOGIN_SECONDS)


def _no_encryption(startup: protocol.Startup) -> str:
    return f"no pg_hba.conf entry for {_who(startup)}, no encryption"


def _rejected(startup: protocol.Startup) -> str:
    return f"pg_hba.conf rejects connection for {_who(startup)}, SSL encryption"


def _who(startup: protocol.Startup) -> str:
    user = startup.parameters.get("user", "")
    database = startup.parameters.get("database", user)
    return f'host "127.0.0.1", user "{user}", database "{database}"'


def _close(client: socket.socket) -> None:
    with suppress(OSError, ValueError):
        client.settimeout(1)
        if isinstance(client, ssl.SSLSocket):
            client.unwrap()
    with suppress(OSError):
        client.close()
