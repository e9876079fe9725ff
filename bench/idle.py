"""`make bench-idle`: what a poll that finds nothing costs the source.

The server counts for each statement the time that went by and the processor's time
(`log_statement_stats`); its log is summed over the polls. On a busy machine only the latter says
what a poll costs. `client` is what the polls wait for the source: connecting, and the way there and
back. The last line is one JSON object.
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
import pg8000.native
from moto import mock_aws

from bench.adversary import aws
from bench.names import PASSWORD, USER
from bench.stage import Stage, free_port
from lakehouse.contract import load_contracts
from lakehouse.ledger_client import Ledger
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options
from lambdas.telemetry import logger
from local.engines.postgres import PostgresEngine

DATABASE: Final = "idle"
APPLICATION: Final = "lakehouse-ingest/fact_sales"
_USAGE = re.compile(r"!\t([0-9.]+) s user, ([0-9.]+) s system, ([0-9.]+) s elapsed")
"""Of one statement; those in brackets are of the whole session."""


@dataclass
class _Timed:
    """A session that notes how long the source kept it waiting."""

    session: pg8000.native.Connection
    seconds: list[float] = field(default_factory=list)

    def run(self, sql: str) -> list[list[Any]] | None:
        begun = time.perf_counter()
        answer: list[list[Any]] | None = self.session.run(sql)
        self.seconds.append(time.perf_counter() - begun)
        return answer

    def close(self) -> None:
        self.session.close()


def main(arguments: list[str] | None = None) -> int:
    """Runs the polls; 0, since timings never fail."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="sales in the table")
    parser.add_argument("--polls", type=int, default=100)
    chosen = parser.parse_args(arguments)
    logger.setLevel("ERROR")
    with tempfile.TemporaryDirectory() as directory, _engine(Path(directory)) as engine:
        measured = measure(engine, chosen.rows, chosen.polls)
    print(f"{chosen.polls} polls of {chosen.rows} sales without a change")
    print(f"server  {measured['server_cpu_ms']:8.2f} ms of its processor per poll")
    print(f"server  {measured['server_ms']:8.2f} ms per poll, by its own clock")
    print(f"client  {measured['client_ms']:8.2f} ms per poll, median: {measured['statements']} "
          "statements and connecting")  # fmt: skip
    print(json.dumps({"bench": "idle", "rows": chosen.rows, "polls": chosen.polls, **measured}))
    return 0


def measure(engine: PostgresEngine, rows: int, polls: int) -> dict[str, float]:
    """Milliseconds per poll as the server and as the client count them, statements per poll."""
    Stage(engine, "").fill(DATABASE, rows)
    waited: list[float] = []
    sessions: list[_Timed] = []

    def connect() -> _Timed:
        begun = time.perf_counter()
        session = pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=engine.port, database=DATABASE,
            application_name=APPLICATION,
        )  # fmt: skip
        sessions.append(_Timed(session, [time.perf_counter() - begun]))
        return sessions[-1]

    dsn = conninfo(
        host="127.0.0.1", port=engine.port, dbname=DATABASE, user=USER, password=PASSWORD,
        application_name=APPLICATION, options=session_options(300),
    )  # fmt: skip
    source = Source(f"database {DATABASE!r} at 127.0.0.1", connect, lambda: dsn)
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    os.environ.update(keys | {"AWS_DEFAULT_REGION": aws.REGION})
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        aws.make_bucket_and_ledger(s3, dynamodb)
        contract = load_contracts()["fact_sales"]
        ledger, bronze = Ledger(dynamodb, aws.LEDGER), Bronze(s3, aws.BUCKET)
        budget = Budget(rows=10_000_000, seconds=60, bytes=2**40)

        def poll() -> str | None:
            return Ingest(contract, source, ledger, bronze, "idle", budget, 1.0).run().batch_id

        time.sleep(1.5)
        while poll():  # the first load
            pass
        engine.query(f"ALTER DATABASE {DATABASE} SET log_statement_stats = on")
        start = engine.log.stat().st_size
        sessions.clear()
        for _ in range(polls):
            if poll() is not None:
                raise RuntimeError("a poll found something new; nobody else may write here")
            waited.append(sum(sessions[-1].seconds))
    with engine.log.open("rb") as log:
        log.seek(start)
        usage = [[float(s) for s in found] for found in _USAGE.findall(log.read().decode())]
    if not usage:
        raise RuntimeError(f"the server logged no statistics in {engine.log}")
    return {
        "server_cpu_ms": round(1000 * sum(user + system for user, system, _ in usage) / polls, 3),
        "server_ms": round(1000 * sum(elapsed for _, _, elapsed in usage) / polls, 3),
        "client_ms": round(1000 * statistics.median(waited), 3),
        "statements": len(sessions[-1].seconds) - 1,
    }


@contextmanager
def _engine(directory: Path) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(directory / "pg", free_port(), "shop", USER, PASSWORD)
    engine.start()
    try:
        yield engine
    finally:
        engine.destroy()


if __name__ == "__main__":
    sys.exit(main())
