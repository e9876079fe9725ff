"""What an ingest asks of its source: one connection at a time, no transaction beyond the chunk."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pg8000.native
import pytest

from lakehouse.environment import DatabaseEnvironment
from lakehouse.errors import SourceUnsafeError
from lakehouse.sqltext import literal
from lambdas import database
from lambdas.ingest.extraction import Extraction
from lambdas.ingest.source import Session, Source, lambda_source
from local.engines.postgres import PostgresEngine
from local.engines.postgres_commands import START_SECONDS, run
from tests.integration.ingest.conftest import DATABASE, PASSWORD, USER, Shop

TIMEOUT_SECONDS = 30
SEEN = """
SELECT pid, application_name, xact_start IS NOT NULL FROM pg_stat_activity
WHERE datname = :database AND usename = :user
"""
SET = (
    "SELECT current_setting('statement_timeout') AS timeout,"
    " current_setting('application_name') AS application"
)


class Observer:
    """Looks at the source's sessions from outside."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.connections: list[int] = []
        self.settings: set[tuple[str, str]] = set()

    def look(self, at_most: int = 1) -> None:
        """Counts the ingest's sessions; one that was closed may take a moment to go."""
        deadline = time.monotonic() + 5
        while True:
            found = self.shop.engine.query(SEEN, user=USER, database=self.shop.database)
            if len(found) <= at_most or time.monotonic() > deadline:
                break
            time.sleep(0.005)
        assert [row[1] for row in found] == ["lakehouse-ingest/sales"] * len(found)
        assert len(found) <= at_most, found
        assert at_most or not any(row[2] for row in found)
        self.connections.append(len(found))


class Watched:
    """A session that is looked at before and after each statement."""

    def __init__(self, session: Session, observer: Observer) -> None:
        self.session, self.observer = session, observer

    def run(self, sql: str) -> list[list[Any]] | None:
        self.observer.look()
        answer = self.session.run(sql)
        self.observer.look()
        [[timeout, application]] = self.session.run(SET) or []
        self.observer.settings.add((timeout, application))
        return answer

    def close(self) -> None:
        self.session.close()


def product_source(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, watch: Callable[[Session], Session]
) -> Source:
    """The Lambda's own source, without the TLS that this server does not speak."""
    target = DatabaseEnvironment(
        database_host="127.0.0.1", database_port=shop.engine.port, database_name=shop.database,
        database_user=USER,
    )  # fmt: skip
    connection = pg8000.native.Connection
    plain = {"ssl_context": None}
    monkeypatch.setattr(database, "auth_token", lambda _: PASSWORD)
    monkeypatch.setattr(database, "ca_file", lambda: None)
    monkeypatch.setattr(
        pg8000.native, "Connection", lambda *given, **named: connection(*given, **named | plain)
    )
    source = lambda_source(target, "sales", TIMEOUT_SECONDS)
    return replace(
        source,
        connect=lambda: watch(source.connect()),
        dsn=lambda: source.dsn().replace("sslmode='verify-full'", "sslmode='disable'"),
    )


def test_one_connection_at_a_time_and_none_beyond_the_chunk(
    shop: Shop, wait: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run_script(
        "INSERT INTO sales SELECT n, 'b', 1, clock_timestamp() FROM generate_series(1, 40) n"
    )
    for session in shop.sessions:
        session.close()
    shop.sessions.clear()
    wait()
    observer = Observer(shop)
    read = Extraction.run

    def watched(self: Extraction, statement: str) -> Any:
        observer.look()
        answer = read(self, statement)
        observer.look(at_most=0 if statement.startswith("DETACH") else 1)
        if statement.startswith("COPY"):
            [settings] = read(self, f"SELECT * FROM postgres_query('source', {literal(SET)})")
            observer.settings.add((settings[0], settings[1]))
        return answer

    monkeypatch.setattr(Extraction, "run", watched)
    source = product_source(shop, monkeypatch, lambda session: Watched(session, observer))
    committed = shop.ledger.commit
    monkeypatch.setattr(
        type(shop.ledger), "commit",
        lambda _, *given: (observer.look(at_most=0), committed(*given))[1],
    )  # fmt: skip
    results = shop.ingest(source=source, chunk_rows=15)
    assert [result.rows for result in results] == [15, 15, 10]
    assert observer.settings == {("30s", "lakehouse-ingest/sales")}
    assert max(observer.connections) == 1
    assert observer.connections.count(0) >= len(results)


def test_a_standby_is_refused(tmp_path: Path, shop: Shop) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = PostgresEngine(tmp_path / "pg", port, DATABASE, USER, PASSWORD)
    server.start()
    try:
        server.stop()
        (server.data / "standby.signal").touch()
        run("pg_ctl", "-D", server.data, "-l", server.log, "-t", START_SECONDS, "-w", "start",
            reach=server.directory, log=server.log)  # fmt: skip
        assert server.query("SELECT pg_is_in_recovery()") == [[True]]
        standby = replace(
            shop.source(),
            connect=lambda: pg8000.native.Connection(
                USER, password=PASSWORD, host="127.0.0.1", port=port, database=DATABASE
            ),
        )
        with pytest.raises(SourceUnsafeError, match="is a replica, which lags behind; point"):
            shop.ingest(source=standby)
        assert shop.objects() == []
    finally:
        server.destroy()
