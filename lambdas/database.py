"""Connections to the source database: verified TLS, an IAM token or a secret for a password."""

import json
import os
import ssl
from typing import Final

import boto3
import pg8000.exceptions
import pg8000.native
from botocore.exceptions import BotoCoreError, ClientError

from lakehouse.environment import DatabaseEnvironment
from lakehouse.errors import SourceError, SourceUnavailableError

CA_FILE_VARIABLE: Final = "PGSSLROOTCERT"
DEFAULT_CA_FILE: Final = "/var/runtime/ca-cert.pem"
"""The Lambda runtime's bundle; it holds the RDS root certificates."""
_NETWORK_SLACK_SECONDS: Final = 5
"""The server's own timeout comes first, since it says which statement was too slow."""
_LASTING: Final = ("28", "3D", "42")
"""SQLSTATE classes that a retry does not heal: who may log in, and where to."""


def ca_file() -> str:
    """Path of the certificate authorities that the database's certificate must chain to."""
    return os.environ.get(CA_FILE_VARIABLE, DEFAULT_CA_FILE)


def auth_token(target: DatabaseEnvironment) -> str:
    """An IAM database token for `target`, signed offline, valid for 15 minutes."""
    token: str = boto3.client("rds").generate_db_auth_token(
        DBHostname=target.database_host,
        Port=target.database_port,
        DBUsername=target.database_user,
    )
    return token


def password(target: DatabaseEnvironment) -> str:
    """What `target` asks of its user: a token, or what its secret holds.

    Raises SourceError naming the secret where that can't be read.
    """
    if not target.database_secret:
        return auth_token(target)
    try:
        client = boto3.client("secretsmanager")
        text: str = client.get_secret_value(SecretId=target.database_secret)["SecretString"]
    except (ClientError, BotoCoreError) as refused:
        raise SourceError(f"secret {target.database_secret}: {refused}") from None
    try:
        fields = json.loads(text)
    except ValueError:
        return text
    return str(fields["password"]) if isinstance(fields, dict) and "password" in fields else text


def tls(target: DatabaseEnvironment) -> ssl.SSLContext | None:
    """How the connection is kept to itself; None on the same machine, where it is off."""
    return None if target.database_tls == "off" else ssl.create_default_context(cafile=ca_file())


def connect(
    target: DatabaseEnvironment, application_name: str, statement_timeout_seconds: int
) -> pg8000.native.Connection:
    """Opens a connection for small statements.

    Raises SourceUnavailableError when the database does not answer now, SourceError when it does
    not let the user in; both name host, database and user.
    """
    try:
        connection = pg8000.native.Connection(
            user=target.database_user,
            password=password(target),
            host=target.database_host,
            port=target.database_port,
            database=target.database_name,
            ssl_context=tls(target),
            application_name=application_name,
            timeout=statement_timeout_seconds + _NETWORK_SLACK_SECONDS,
        )
        connection.run(f"SET statement_timeout = {int(statement_timeout_seconds * 1000)}")
        return connection
    except (pg8000.exceptions.Error, OSError) as refused:
        lasting = sql_state(refused).startswith(_LASTING)
        raise (SourceError if lasting else SourceUnavailableError)(
            f"database {target.database_name!r} at {target.database_host}:{target.database_port} "
            f"refused {target.database_user!r}: {said(refused)}"
        ) from refused


def said(error: BaseException) -> str:
    """PostgreSQL's own message; pg8000 puts all fields of the protocol into its exceptions."""
    fields = _fields(error)
    return str(fields["M"]) if "M" in fields else str(error)


def sql_state(error: BaseException) -> str:
    """The five characters of SQLSTATE, or nothing when the error did not come from the server."""
    return str(_fields(error).get("C", ""))


def _fields(error: BaseException) -> dict[str, str]:
    first = error.args[0] if error.args else None
    return first if isinstance(first, dict) else {}
