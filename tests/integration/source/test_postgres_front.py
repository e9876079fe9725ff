"""The front of the local RDS instance, with real clients: pg8000 and DuckDB's libpq."""

import contextlib
import socket
import ssl
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pg8000.exceptions
import pg8000.native
import pytest

from lakehouse import roles
from local.engines import postgres_protocol as protocol
from tests.integration.source.conftest import (
    MASTER,
    PASSWORD,
    TOKEN,
    Connect,
    Source,
    refusal,
)


def _refusal(source: Source, user: str, password: str, tls: ssl.SSLContext | bool) -> str:
    return refusal(
        pg8000.exceptions.DatabaseError,
        lambda: pg8000.native.Connection(
            user,
            password=password,
            host="localhost",
            port=source.front.port,
            database=source.database,
            ssl_context=tls,
        ),
    )


def _duckdb() -> duckdb.DuckDBPyConnection:
    package = find_spec("duckdb_extension_postgres_scanner")
    assert package is not None
    assert package.origin is not None
    (extension,) = Path(package.origin).parent.rglob("postgres_scanner.duckdb_extension")
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")
    return connection


def _dsn(source: Source, **changes: str) -> str:
    words = {
        "host": "localhost",
        "port": str(source.front.port),
        "user": roles.INGEST,
        "password": f"'{TOKEN}'",
        "dbname": source.database,
        "sslmode": "verify-full",
        "sslrootcert": str(source.front.ca_file),
        **changes,
    }
    return " ".join(f"{key}={value}" for key, value in words.items()).replace("'", "''")


def test_the_master_logs_in_by_password(bootstrapped: Source) -> None:
    connection = bootstrapped.connect()
    assert connection.run("SELECT current_user") == [[MASTER]]
    connection.close()


def test_a_member_of_rds_iam_logs_in_by_token(bootstrapped: Source) -> None:
    connection = bootstrapped.connect(roles.INGEST)
    assert connection.run("SELECT current_user, session_user") == [[roles.INGEST] * 2]
    connection.close()


def test_refusals_are_those_of_rds(bootstrapped: Source) -> None:
    tls = bootstrapped.tls
    for user, password, context, message in (
        (roles.INGEST, "stale", tls, f'PAM authentication failed for user "{roles.INGEST}"'),
        (MASTER, "wrong", tls, f'password authentication failed for user "{MASTER}"'),
        (MASTER, TOKEN, tls, f'password authentication failed for user "{MASTER}"'),
        ("stranger", TOKEN, tls, 'password authentication failed for user "stranger"'),
        ("rdsadmin", TOKEN, tls, "pg_hba.conf rejects connection"),
        (
            MASTER,
            PASSWORD,
            False,
            f'no pg_hba.conf entry for host "127.0.0.1", user "{MASTER}", '
            f'database "{bootstrapped.database}", no encryption',
        ),
    ):
        assert message in _refusal(bootstrapped, user, password, context)


def test_iam_roles_have_no_way_in_over_plain_tcp(bootstrapped: Source) -> None:
    said = refusal(
        pg8000.exceptions.DatabaseError,
        lambda: pg8000.native.Connection(
            roles.INGEST,
            password=TOKEN,
            host="127.0.0.1",
            port=bootstrapped.engine.port,
            database=bootstrapped.database,
        ),
    )
    assert "password authentication failed" in said


def test_a_certificate_of_another_authority_is_not_trusted(bootstrapped: Source) -> None:
    public = ssl.create_default_context()
    with socket.create_connection(("localhost", bootstrapped.front.port)) as client:
        client.sendall(protocol.Startup(protocol.SSL_REQUEST, b"").packet)
        assert client.recv(1) == b"S"
        with pytest.raises(ssl.SSLCertVerificationError):
            public.wrap_socket(client, server_hostname="localhost")


def test_duckdb_reads_by_token_with_verify_full(bootstrapped: Source, connect: Connect) -> None:
    connect(roles.GENERATOR).run(
        "CREATE TABLE goods AS SELECT id, repeat('x', 100) AS text"
        " FROM generate_series(1, 50000) id"
    )
    with _duckdb() as duck:
        duck.execute(f"ATTACH '{_dsn(bootstrapped)}' AS shop (TYPE postgres, READ_ONLY)")
        query = "SELECT count(*), sum(id), max(length(text)) FROM postgres_query('shop', ?)"
        row = duck.execute(query, ["SELECT * FROM goods"]).fetchone()
        assert row == (50_000, 1_250_025_000, 100)
        duck.execute("DETACH shop")


def test_duckdb_is_refused_without_a_good_token_or_tls(bootstrapped: Source) -> None:
    with _duckdb() as duck:
        for change, why in (
            ({"password": "stale"}, "PAM authentication failed"),
            ({"sslmode": "disable", "sslrootcert": "none"}, "no encryption"),
        ):
            with pytest.raises(duckdb.Error, match=why):
                duck.execute(f"ATTACH '{_dsn(bootstrapped, **change)}' AS shop (TYPE postgres)")


def test_large_messages_go_both_ways(connect: Connect) -> None:
    text = "0123456789abcdef" * 2**18
    (row,) = connect().run("SELECT :text || '.', length(:text)", text=text)
    assert row == [text + ".", len(text)]


def test_a_cancel_request_reaches_the_server(bootstrapped: Source, connect: Connect) -> None:
    sleeper = connect()
    pid, secret = sleeper._backend_key_data[:4], sleeper._backend_key_data[4:]
    failures: list[str] = []

    def sleep() -> None:
        try:
            sleeper.run("SELECT pg_sleep(20)")
        except pg8000.exceptions.DatabaseError as cancelled:
            failures.append(cancelled.args[0]["M"])

    thread = threading.Thread(target=sleep)
    thread.start()
    time.sleep(0.3)
    request = protocol.Startup(protocol.CANCEL_REQUEST, pid + secret)
    with socket.create_connection(("127.0.0.1", bootstrapped.front.port)) as canceller:
        canceller.sendall(request.packet)
        assert canceller.recv(1) == b""
    thread.join(10)
    assert failures == ["canceling statement due to user request"]


def test_a_client_that_goes_away_ends_its_session(bootstrapped: Source, connect: Connect) -> None:
    watcher, leaver = connect(), bootstrapped.connect()
    ((pid,),) = leaver.run("SELECT pg_backend_pid()")
    with contextlib.suppress(OSError):
        leaver._usock.shutdown(socket.SHUT_RDWR)
    deadline = time.monotonic() + 5
    while watcher.run("SELECT FROM pg_stat_activity WHERE pid = :pid", pid=pid):
        assert time.monotonic() < deadline, "the session of a client that left lives on"
        time.sleep(0.05)


def test_garbage_does_no_harm(bootstrapped: Source) -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4", b"\x16\x03\x01\x00\x05hello", b""):
        client = socket.create_connection(("127.0.0.1", bootstrapped.front.port))
        # The server may have closed already: ENOTCONN is an OSError of no finer class.
        with client, contextlib.suppress(OSError):
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            while client.recv(1000):
                pass
    bootstrapped.connect().close()


def test_a_stopped_server_is_named_and_comes_back(bootstrapped: Source) -> None:
    live = bootstrapped.connect()
    live.run("CREATE TABLE kept AS SELECT 1 AS id")
    bootstrapped.engine.stop()
    try:
        with pytest.raises((pg8000.exceptions.Error, OSError)):
            live.run("SELECT 1")
        with contextlib.suppress(pg8000.exceptions.InterfaceError):
            live.close()
        said = _refusal(bootstrapped, roles.INGEST, TOKEN, bootstrapped.tls)
        assert f'the database system is not running: "{bootstrapped.engine.database}"' in said
        assert not bootstrapped.engine.is_running()
    finally:
        bootstrapped.engine.start()
    again = bootstrapped.connect()
    assert again.run("SELECT id FROM kept") == [[1]]
    again.close()
