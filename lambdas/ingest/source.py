"""The source database as the ingest sees it: one short session, then one reading connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pg8000.exceptions

from lakehouse.environment import DatabaseEnvironment
from lakehouse.errors import SourceError, SourceUnavailableError
from lambdas import database

APPLICATION: Final = "lakehouse-ingest"
"""First part of `application_name`, before `/<table>`."""


FAITHFUL: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}
"""Settings by which a value's text is the same on every server, and tells all of the value."""


class Session(Protocol):
    """What the ingest uses of a `pg8000.native.Connection`."""

    def run(self, sql: str) -> list[list[Any]] | None:
        """Runs one statement in its own transaction."""

    def close(self) -> None:
        """Ends the session."""


@dataclass(frozen=True)
class Source:
    """How to reach the source. `dsn` is a libpq connection string and holds a secret."""

    address: str
    """Database and host, for messages."""
    connect: Callable[[], Session]
    dsn: Callable[[], str]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for small statements; errors are named for the database."""
        session = self.connect()
        try:
            yield session
        except pg8000.exceptions.DatabaseError as refused:
            raise self.failure(database.said(refused), database.sql_state(refused)) from None
        except (pg8000.exceptions.InterfaceError, OSError) as broken:
            raise SourceUnavailableError(f"{self.address} broke the connection: {broken}") from None
        finally:
            _close(session)

    def failure(self, message: str, code: str = "") -> SourceError:
        """The error for a message of the database server (`code` is its SQLSTATE, if known)."""
        if any(sign in message for sign in _LOCKED_OUT):
            return SourceError(
                f"{self.address} does not let the ingest in: {message}; check the role, its token "
                "and the certificate authorities"
            )
        if code.startswith(("08", "57P", "53")) or any(sign in message for sign in _TRANSIENT):
            return SourceUnavailableError(f"{self.address} broke the connection: {message}")
        if code == "57014" or "statement timeout" in message:
            return SourceError(
                f"{self.address} stopped the statement: {message}; raise "
                "statement_timeout_seconds or lower chunk_seconds in the stage"
            )
        return SourceError(f"{self.address} refused the statement: {message}")


_LOCKED_OUT: Final = (
    "authentication failed",
    "no pg_hba.conf entry",
    "does not support SSL",
    "root certificate file",
    "certificate verify failed",
    "does not match host name",
)
"""A retry does not heal these."""
_TRANSIENT: Final = (
    "Unable to connect",
    "server closed the connection",
    "terminating connection",
    "connection to server",
    "could not receive data",
    "could not send data",
    "SSL SYSCALL",
    "the database system is",
    "no connection to the server",
)


def _close(session: Session) -> None:
    # the server may have ended it already; what went wrong is raised elsewhere
    with suppress(pg8000.exceptions.Error, OSError):
        session.close()


def lambda_source(target: DatabaseEnvironment, table: str, timeout_seconds: int) -> Source:
    """The source as the Lambda reaches it: TLS verified to the host name, IAM token or secret."""
    application = f"{APPLICATION}/{table}"
    tls = {"sslmode": "disable"}
    if target.database_tls != "off":
        tls = {"sslmode": "verify-full", "sslrootcert": database.ca_file()}

    def dsn() -> str:
        return conninfo(
            host=target.database_host,
            port=target.database_port,
            dbname=target.database_name,
            user=target.database_user,
            password=database.password(target),
            **tls,
            connect_timeout=10,
            application_name=application,
            options=session_options(timeout_seconds),
        )

    return Source(
        address=f"database {target.database_name!r} at {target.database_host}",
        connect=lambda: database.connect(target, application, timeout_seconds),
        dsn=dsn,
    )


def session_options(timeout_seconds: int) -> str:
    """Settings of the reading connection; it can't write, whatever the role may do.

    What is carried as text must not follow the settings of a server, a database or a role.
    """
    settings = {
        "statement_timeout": str(timeout_seconds * 1000),
        "default_transaction_read_only": "on",
        "client_encoding": "UTF8",
        **FAITHFUL,
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def conninfo(**settings: object) -> str:
    """A libpq connection string with every value quoted."""
    return " ".join(
        "{}='{}'".format(name, str(value).replace("\\", "\\\\").replace("'", "\\'"))
        for name, value in settings.items()
    )
