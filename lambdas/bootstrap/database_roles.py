"""The roles of the source database, created by its administrator over verified TLS."""

import ssl
import time
from typing import Final

import pg8000.exceptions
import pg8000.native

from lakehouse import roles
from lakehouse.environment import BootstrapEnvironment
from lakehouse.errors import SourceError, SourceUnavailableError
from lakehouse.sql.source import statement
from lambdas.database import ca_file, said

CONNECT_ATTEMPTS: Final = 5
CONNECT_SECONDS: Final = 10
PAUSE_SECONDS: Final = 3.0
STATEMENT_SECONDS: Final = 60


def create_roles(target: BootstrapEnvironment, admin: str, password: str) -> None:
    """Creates both roles and their rights in one transaction; harmless when they exist.

    Raises SourceUnavailableError when the database can't be reached, SourceError when it refuses.
    Neither message holds the password.
    """
    connection = _connect(target, admin, password)
    try:
        apply(connection)
    except pg8000.exceptions.Error as refused:
        raise SourceError(
            f"{_place(target)}: creating the roles {roles.INGEST} and {roles.GENERATOR} as "
            f"{admin!r} failed: {said(refused)}"
        ) from None
    finally:
        connection.close()


def apply(connection: pg8000.native.Connection) -> None:
    """Runs the statements on an administrator's connection, all or none."""
    connection.run("BEGIN")
    try:
        connection.run(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        connection.run("SELECT pg_advisory_xact_lock(hashtext('lakehouse roles'))")
        for setting, role in (("ingest", roles.INGEST), ("generator", roles.GENERATOR)):
            connection.run("SELECT set_config(:n, :r, true)", n=f"lakehouse.{setting}_role", r=role)
        connection.run(statement("roles"))
        connection.run("COMMIT")
    except pg8000.exceptions.DatabaseError:
        connection.run("ROLLBACK")
        raise


def _connect(target: BootstrapEnvironment, admin: str, password: str) -> pg8000.native.Connection:
    context = ssl.create_default_context(cafile=ca_file())
    for attempt in range(1, CONNECT_ATTEMPTS + 1):
        try:
            return pg8000.native.Connection(
                user=admin,
                password=password,
                host=target.database_host,
                port=target.database_port,
                database=target.database_name,
                ssl_context=context,
                application_name="lakehouse bootstrap",
                timeout=CONNECT_SECONDS + STATEMENT_SECONDS,
            )
        except pg8000.exceptions.DatabaseError as refused:
            raise SourceError(
                f"{_place(target)} refused the administrator {admin!r}: {said(refused)}"
            ) from None
        except (pg8000.exceptions.InterfaceError, OSError) as unreachable:
            # A new instance may say "available" a moment before it answers.
            reason = said(unreachable)
        if attempt < CONNECT_ATTEMPTS:
            time.sleep(PAUSE_SECONDS)
    raise SourceUnavailableError(
        f"{_place(target)} can't be reached after {CONNECT_ATTEMPTS} attempts: {reason}"
    )


def _place(target: BootstrapEnvironment) -> str:
    address = f"{target.database_host}:{target.database_port}"
    return f"database {target.database_name!r} at {address}"
