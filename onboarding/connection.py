"""A connection by a DSN, as libpq writes them: `postgresql://user:password@host:port/database`."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import pg8000.exceptions
import pg8000.native

from lakehouse.errors import ConfigurationError, SourceError

STATEMENT_SECONDS: Final = 20
"""No look at a table may take longer; what does is left out, and said."""
_LOCK_SECONDS: Final = 3
_CONNECT_SECONDS: Final = 10
_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Dsn:
    """Where the source is. Its text, with the password, is in no message."""

    host: str
    port: int
    database: str
    user: str
    password: str
    sslmode: str = "prefer"
    sslrootcert: str = ""

    @property
    def place(self) -> str:
        """The source, for people."""
        return f"database {self.database!r} at {self.host}:{self.port}"


def parse(text: str) -> Dsn:
    """Reads a DSN; raises ConfigurationError, without its text, where it is none."""
    parts = urlsplit(text.strip())
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    sslmode = options.pop("sslmode", "prefer")
    rootcert = options.pop("sslrootcert", "")
    try:
        port = parts.port or 5432
    except ValueError:
        port = 0
    for is_right, fault in (
        (parts.scheme in ("postgres", "postgresql"), "does not begin with postgresql://"),
        (parts.hostname, "names no host"),
        (port, "names a port that is no number"),
        (parts.path.strip("/"), "names no database"),
        (parts.username, "names no user"),
        (sslmode in _MODES, f"has an sslmode that is none of {', '.join(_MODES)}"),
        (not options, f"has the option {next(iter(options), '')}, which is not known"),
    ):
        if not is_right:
            raise ConfigurationError(
                f"the DSN {fault}; write DSN=postgresql://user:password@host:5432/database"
            )
    return Dsn(
        parts.hostname or "", port, unquote(parts.path.strip("/")), unquote(parts.username or ""),
        unquote(parts.password or ""), sslmode, rootcert,
    )  # fmt: skip


class Session:
    """A connection whose statements raise SourceError in PostgreSQL's own words."""

    def __init__(self, connection: pg8000.native.Connection, dsn: Dsn, encrypted: bool) -> None:
        self._connection = connection
        self.dsn = dsn
        self.is_encrypted = encrypted

    def rows(self, sql: str, **parameters: object) -> list[list[Any]]:
        """Runs one statement."""
        try:
            return self._connection.run(sql, **parameters) or []
        except pg8000.exceptions.DatabaseError as refused:
            raise SourceError(_said(refused)) from None

    @contextmanager
    def transaction(self, mode: str = "") -> Iterator[None]:
        """One transaction, committed at its end."""
        self.rows(f"BEGIN {mode}")
        try:
            yield
        except BaseException:
            self.rows("ROLLBACK")
            raise
        self.rows("COMMIT")

    @contextmanager
    def looking(self) -> Iterator[None]:
        """A read-only transaction with short patience, one snapshot for all that it reads."""
        with self.transaction("ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            self.rows(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            self.rows(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            # types are named as the ingest's own session will name them
            self.rows("SET LOCAL search_path = public")
            yield

    def attempt(self, sql: str) -> list[list[Any]] | str:
        """Rows inside of a transaction that goes on, or why there are none."""
        self.rows("SAVEPOINT attempt")
        try:
            found: list[list[Any]] | str = self.rows(sql)
        except SourceError as refused:
            self.rows("ROLLBACK TO SAVEPOINT attempt")
            return str(refused)
        self.rows("RELEASE SAVEPOINT attempt")
        return found


@contextmanager
def connect(dsn: Dsn, application: str = "lakehouse onboarding") -> Iterator[Session]:
    """Opens a session; raises SourceError naming place and user when it is not let in."""
    connection, encrypted = _open(dsn, application)
    try:
        yield Session(connection, dsn, encrypted)
    finally:
        connection.close()


def _open(dsn: Dsn, application: str) -> tuple[pg8000.native.Connection, bool]:
    tries: list[ssl.SSLContext | None] = [None] if dsn.sslmode == "disable" else [_tls(dsn)]
    if dsn.sslmode == "prefer":
        tries.append(None)
    for attempt in tries:
        try:
            connection = pg8000.native.Connection(
                dsn.user, password=dsn.password, host=dsn.host, port=dsn.port,
                database=dsn.database, ssl_context=attempt, application_name=application,
                timeout=_CONNECT_SECONDS + STATEMENT_SECONDS,
            )  # fmt: skip
            return connection, attempt is not None
        except (pg8000.exceptions.Error, OSError) as refused:
            if attempt is not None and tries[-1] is None and "SSL" in str(refused):
                continue  # the server has no TLS, and the DSN does not insist
            raise SourceError(
                f"{dsn.place} does not let {dsn.user!r} in: {_said(refused)}; check host, port, "
                "user, password and network"
            ) from None
    raise AssertionError("one attempt returns or raises")


def _tls(dsn: Dsn) -> ssl.SSLContext:
    if dsn.sslmode.startswith("verify") or dsn.sslrootcert:
        if dsn.sslrootcert and not Path(dsn.sslrootcert).is_file():
            raise ConfigurationError(f"sslrootcert={dsn.sslrootcert} is no file; name the CA's")
        context = ssl.create_default_context(cafile=dsn.sslrootcert or None)
        context.check_hostname = dsn.sslmode == "verify-full"
        return context
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _said(error: BaseException) -> str:
    first = error.args[0] if error.args else None
    return str(first.get("M", first)) if isinstance(first, dict) else str(error)
