"""`make bench-tables`: one run over 200 tables on the local AWS, one of which fails.

A PostgreSQL of its own gets `--tables` tables, the first with 300 columns. `make contracts` drafts
their contracts, `make up` deploys the app over them, then a column of the second table is renamed,
and `make run` brings the rest. What is printed: seconds by state, the most connections that the
ingest held at once, the largest state of the run beside the 256 KiB that Step Functions allows,
and whether every other table is in silver to the row. Exit code 1 if one is not.

It brings up an account of its own: no other may run in this checkout's home.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pg8000.native

from bench.stage import free_port
from local.engines.postgres import PostgresEngine
from tests import shell

ROOT: Final = Path(__file__).parents[1]
USER, PASSWORD, DATABASE = "owner", "secret-of-the-bench", "many"
STATE_LIMIT: Final = 256 * 1024
WIDE, BROKEN = "t000", "t001"
_INGESTS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name LIKE 'lakehouse-ingest%' AND datname = current_database()
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs it; 1 if a table that should arrive did not."""
    parser = argparse.ArgumentParser(prog="python -m bench.many_tables", description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--rows", type=int, default=200, help="of each table")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lh-", dir="/tmp") as place:
        os.environ["LAKEHOUSE_HOME"] = f"{place}/home"
        os.environ["LAKEHOUSE_PORT"] = str(free_port())
        os.environ["LAKEHOUSE_DASHBOARD_PORT"] = str(free_port())
        server = PostgresEngine(Path(place) / "pg", free_port(), "none", USER, PASSWORD)
        server.start()
        try:
            return _measure(server, Path(place), chosen.tables, chosen.rows)
        finally:
            _make("down")
            server.destroy()


def _measure(server: PostgresEngine, place: Path, tables: int, rows: int) -> int:
    server.query(f"CREATE DATABASE {DATABASE} OWNER {USER}")
    session = _connect(server)
    for number in range(tables):
        _fill(session, f"t{number:03d}", 300 if number == 0 else 12, rows)
    dsn = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{server.port}/{DATABASE}"
    folder = place / "contracts"
    seconds = {"contracts": _make("contracts", f"DSN={dsn}", f"OUT={folder}")}
    seconds["up"] = _make("up", f"SOURCE={dsn}", f"CONTRACTS={folder}")
    session.run(f"ALTER TABLE {BROKEN} RENAME COLUMN c_1 TO renamed")
    with _most_connections(server) as most:
        seconds["run"] = _make("run", may_fail=True)
    # here, since they look for the home when they are imported
    from local import runs
    from local.account import Account
    from local.athena import asker

    account = Account.load()
    run = runs.follow(account, _longest(runs.executions(account)))
    largest = _largest_state(runs.history(account, run.arn))
    ask = asker(account)
    there = {
        row["source_table"]: int(row["rows"])
        for row in ask("SELECT source_table, rows FROM v_freshness")
    }
    expected = {f"t{n:03d}": rows for n in range(tables) if f"t{n:03d}" != BROKEN}
    wrong = {name for name, count in expected.items() if there.get(name) != count}
    print(f"{tables} tables of {rows} rows, {WIDE} with 300 columns")
    print("| step | seconds |\n| --- | --- |")
    for name, spent in seconds.items():
        print(f"| make {name} | {spent:.0f} |")
    for name, spent in Counter(run.state_seconds).most_common(8):
        print(f"| state {name}, all together | {spent:.0f} |")
    print(f"connections of the ingest at once: at most {most[0]}")
    print(f"largest state of the run: {largest:,} of {STATE_LIMIT:,} bytes")
    print(f"the run {run.status.lower()}: {run.cause[:200]}")
    print(f"in silver to the row: {len(expected) - len(wrong)} of {len(expected)} tables")
    is_told = BROKEN in run.cause
    print(json.dumps({"bench": "tables", "tables": tables, "seconds": seconds, "connections":
                      most[0], "largest_state": largest, "wrong": sorted(wrong)}))  # fmt: skip
    return 0 if not wrong and is_told and largest < STATE_LIMIT else 1


def _fill(session: pg8000.native.Connection, table: str, columns: int, rows: int) -> None:
    names = [f"c_{n}" for n in range(columns)]
    kinds = ", ".join(f"{name} text NOT NULL DEFAULT 'x'" for name in names)
    session.run(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {kinds})")
    session.run(f"INSERT INTO {table} SELECT generate_series(1, {rows})")


def _connect(server: PostgresEngine) -> pg8000.native.Connection:
    return pg8000.native.Connection(
        USER, password=PASSWORD, host="127.0.0.1", port=server.port, database=DATABASE
    )


def _make(*arguments: str, may_fail: bool = False) -> float:
    """Types `make ...`; its seconds. What it prints goes to stderr."""
    begun = time.monotonic()
    # what was said to the bench is not said to these
    environment = {name: text for name, text in shell.environment().items() if name != "ARGS"}
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, stdout=sys.stderr, check=False
    )
    if done.returncode and not may_fail:
        raise SystemExit(f"make {arguments[0]} failed")
    return time.monotonic() - begun


@contextmanager
def _most_connections(server: PostgresEngine) -> Iterator[list[int]]:
    """The most connections that the ingest held at once, looked for ten times a second."""
    most, is_over = [0], threading.Event()

    def watch() -> None:
        session = _connect(server)
        while not is_over.wait(0.1):
            ((count,),) = session.run(_INGESTS)
            most[0] = max(most[0], count)
        session.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        is_over.set()
        watcher.join()


def _longest(executions: Iterable[dict[str, Any]]) -> str:
    """ARN of the run that did the work: a schedule's own finds the lease taken, and ends."""
    ended = (one for one in executions if "stopDate" in one)
    arn: str = max(ended, key=lambda one: one["stopDate"] - one["startDate"])["executionArn"]
    return arn


def _largest_state(events: Iterable[dict[str, Any]]) -> int:
    """Bytes of the largest input or output of a state."""
    told = (
        event[f"state{kind}EventDetails"].get(text, "")
        for event in events
        for kind, text in (("Entered", "input"), ("Exited", "output"))
        if f"state{kind}EventDetails" in event
    )
    return max(len(text.encode()) for text in told)


if __name__ == "__main__":
    sys.exit(main())
