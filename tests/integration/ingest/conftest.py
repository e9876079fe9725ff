"""A real PostgreSQL with a small shop, a bucket and a ledger in moto, and an ingest over them."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pg8000.native
import pytest
from moto import mock_aws

from bench.adversary import aws
from lakehouse.contract import TableContract
from lakehouse.ledger_client import Ledger
from lakehouse.rowhash import row_hash
from lakehouse.sourcetable import named_rows
from lambdas.ingest import horizon
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.models import IngestResult
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options
from local.engines.postgres import PostgresEngine

MARGIN_SECONDS = 0.05
"""Enough where a test's sessions take turns; concurrent writers need the product's second."""
USER, PASSWORD, DATABASE = "owner", "secret-of-the-test", "shop"

SALES = TableContract(
    table="sales",
    key=("sale_id",),
    cursor="updated_at",
    columns={
        "sale_id": "bigint",
        "buyer": "text",
        "amount": "numeric(12,2)",
        "updated_at": "timestamptz",
    },
    personal=("buyer",),
)

DDL = """
CREATE TABLE sales (
    sale_id bigint PRIMARY KEY, buyer text, amount numeric(12,2),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON sales (updated_at, sale_id);
CREATE TABLE lakehouse_tombstones (
    source_table text NOT NULL, row_key jsonb, deleted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON lakehouse_tombstones (source_table, deleted_at);
CREATE FUNCTION bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lakehouse_tombstones (source_table, row_key)
    VALUES (TG_TABLE_NAME, jsonb_build_object('sale_id', OLD.sale_id));
    RETURN NULL;
END $$;
CREATE FUNCTION bury_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lakehouse_tombstones (source_table, row_key) VALUES (TG_TABLE_NAME, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER sales_bury AFTER DELETE ON sales FOR EACH ROW EXECUTE FUNCTION bury();
CREATE TRIGGER sales_bury_all AFTER TRUNCATE ON sales FOR EACH STATEMENT
    EXECUTE FUNCTION bury_all();
"""

Row = tuple[Any, ...]


@dataclass
class Shop:
    """The source, the ledger and bronze of one test."""

    engine: PostgresEngine
    database: str
    ledger: Ledger
    bronze: Bronze
    directory: Path
    contract: TableContract = SALES
    sessions: list[pg8000.native.Connection] = field(default_factory=list)

    def connect(self, **settings: Any) -> pg8000.native.Connection:
        """A session that the test's end closes."""
        session = pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=self.engine.port,
            **{"database": self.database} | settings,
        )  # fmt: skip
        self.sessions.append(session)
        return session

    def connect_as(self, role: str, password: str) -> pg8000.native.Connection:
        """A session of another role."""
        session = pg8000.native.Connection(
            role, password=password, host="127.0.0.1", port=self.engine.port, database=self.database
        )
        self.sessions.append(session)
        return session

    def run_script(self, script: str) -> None:
        """Runs several statements."""
        session = self.connect()
        session.execute_simple(script)

    def source(self, **changes: Any) -> Source:
        """The source by plain TCP."""
        settings = {
            "host": "127.0.0.1", "port": self.engine.port, "dbname": self.database, "user": USER,
            "password": PASSWORD, "application_name": f"lakehouse-ingest/{self.contract.table}",
            "options": session_options(30),
        } | changes  # fmt: skip
        return Source(
            address=f"database {self.database!r} at 127.0.0.1",
            connect=lambda: self.connect(
                application_name=f"lakehouse-ingest/{self.contract.table}"
            ),
            dsn=lambda: conninfo(**settings),
        )

    def attempt(self, chunk_rows: int = 1_000_000, **changes: Any) -> Ingest:
        """One invocation, not yet run."""
        return Ingest(
            **{
                "contract": self.contract,
                "source": self.source(),
                "ledger": self.ledger,
                "bronze": self.bronze,
                "run_id": "run",
                "budget": Budget(chunk_rows, seconds=60, bytes=2**40),
                "margin_seconds": MARGIN_SECONDS,
            }
            | changes
        )

    def ingest(self, **changes: Any) -> list[IngestResult]:
        """Invocations until none has more, as the state machine does."""
        results = [self.attempt(**changes).run()]
        while results[-1].has_more:
            results.append(self.attempt(**changes).run())
        return results

    def read(self, columns: str, prefix: str = "bronze") -> list[Row]:
        """Columns of all objects that committed batches list, in order of batch and key."""
        paths = []
        for batch in self.ledger.batches(self.contract.table):
            if batch.state.value == "committed":
                files = batch.files if prefix == "bronze" else batch.quarantine_files
                for file in files:
                    path = self.directory / file.key.replace("/", "_")
                    self.bronze.get(file.key, path)
                    paths.append(str(path))
        if not paths:
            return []
        relation = duckdb.sql(
            f"SELECT {columns} FROM read_parquet({paths!r}, union_by_name = true) ORDER BY ALL"
        )
        return relation.fetchall()

    def living(self) -> list[Row]:
        """The last version of each key in bronze that is no delete, with its hash."""
        keys = ", ".join(f'"{name}"' for name in self.contract.key)
        rows = self.read(f"{keys}, _batch_id, _op, _row_hash")
        last: dict[Row, Row] = {}
        width = len(self.contract.key)
        for row in sorted(rows, key=lambda row: row[width]):
            key = row[:width]
            assert last.get(key, (None,) * (width + 1))[width] != row[width], (
                f"{key} twice in a batch"
            )
            last[key] = row
        return sorted((*k, row[-1]) for k, row in last.items() if row[width + 1] != "D")

    def truth(self) -> list[Row]:
        """The source's keys and hashes, computed by PostgreSQL."""
        keys = ", ".join(f'"{name}"' for name in self.contract.key)
        rows = self.connect().run(
            f"SELECT {keys}, {row_hash(self.contract, 'postgres')} "
            f"FROM {named_rows(self.contract)} AS source"
        )
        return sorted(tuple(row) for row in rows or [])

    def objects(self) -> list[str]:
        """Keys of all objects in the bucket."""
        listing = self.bronze.client.list_objects_v2(Bucket=self.bronze.bucket)
        return sorted(item["Key"] for item in listing.get("Contents", []))


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresEngine]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = PostgresEngine(tmp_path_factory.mktemp("pg"), port, DATABASE, USER, PASSWORD)
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def shop(
    engine: PostgresEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Shop]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws.REGION)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(horizon, "MINIMUM_MARGIN_SECONDS", MARGIN_SECONDS)
    database = "t" + str(abs(hash(request.node.nodeid)))[:12]
    engine.query(f"CREATE DATABASE {database} OWNER {USER}")
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        aws.make_bucket_and_ledger(s3, dynamodb)
        made = Shop(
            engine, database, Ledger(dynamodb, aws.LEDGER), Bronze(s3, aws.BUCKET), tmp_path
        )
        made.run_script(DDL)
        yield made
        for session in made.sessions:
            with contextlib.suppress(pg8000.exceptions.Error):
                session.close()
    engine.query(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture
def wait() -> Callable[[], None]:
    """Lets what was just written fall below the next horizon."""
    return lambda: time.sleep(MARGIN_SECONDS * 1.2)
