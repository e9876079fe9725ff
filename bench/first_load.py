"""A first load from PostgreSQL to reconciled silver and gold, beside the COPY binary floor.

    python -m bench.first_load --rows 10000000

A real PostgreSQL with users, products and sales; S3, DynamoDB and the Glue catalog by the local
AWS; the ingest as the functions run it, one process per table; the deployed job under spark-submit
with Java's archive of classes, if the checkout has one. The floor is `psql` copying the sales in
binary to a file. At the end silver is compared with PostgreSQL by count and sum, beside the job's
own reconciliation. The last line is one JSON object; exit code 1 where they differ.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import boto3
import pg8000.native
import pyarrow as pa
import pyarrow.compute as pc

from bench.names import DATABASE, PASSWORD, USER
from bench.processes import measure
from bench.stage import HOME, PSQL, ROOT, Stage, free_port
from lakehouse.contract import load_contracts
from lakehouse.ledger_client import Ledger
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.ruleset import load_ruleset
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options
from local.engines.postgres import PostgresEngine
from tests.integration.glue.emulated_lake import CREDENTIALS, EmulatedLake

PYTHON: Final = str(ROOT / ".local" / "venv" / "bin" / "python")
LARGE_WORKERS: Final = 4
"""As the stages give to a run over so many rows."""
BUYERS: Final = """
INSERT INTO dim_users (name, email, address, city, country, created_at, updated_at)
SELECT 'Name ' || i, 'u' || i || '@example.org', i || ' Road', 'City ' || i % 400, 'DE',
    timestamptz '2026-01-01 00:00:00+00', timestamptz '2026-01-01 00:00:00+00'
FROM generate_series(1, 200000) AS i;
INSERT INTO dim_products (name, category, price, created_at, updated_at)
SELECT 'Product ' || i, 'Category ' || i % 20, 5 + i % 90,
    timestamptz '2026-01-01 00:00:00+00', timestamptz '2026-01-01 00:00:00+00'
FROM generate_series(1, 3000) AS i
"""


def land(table: str, port: int) -> None:
    """The measured process: the ingest of one table until nothing is left."""
    name = f"lakehouse-ingest/{table}"
    settings = {
        "host": "127.0.0.1", "port": str(port), "dbname": DATABASE, "user": USER,
        "password": PASSWORD, "application_name": name, "options": session_options(600),
    }  # fmt: skip

    def connect() -> pg8000.native.Connection:
        return pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=port, database=DATABASE,
            application_name=name,
        )  # fmt: skip

    contract = load_contracts()[table]
    ingest = Ingest(
        contract=contract,
        source=Source(DATABASE, connect, lambda: conninfo(**settings)),
        ledger=Ledger(boto3.client("dynamodb"), "watermarks"),
        bronze=Bronze(boto3.client("s3"), "test-bronze"),
        run_id="bench",
        budget=Budget(5_000_000, 30, 512 * 1024 * 1024),  # the stages' own
        margin_seconds=1,
        rules=compile_rules(contract, load_ruleset(contract)),
    )
    rows = 0
    while (result := ingest.run()).has_more:
        rows += result.rows
    print(json.dumps({"rows": rows + result.rows}))


def load(rows: int) -> tuple[dict[str, float], dict[str, float], bool]:
    """Seconds by step, seconds by table within the job, and whether silver is the source."""
    HOME.mkdir(parents=True, exist_ok=True)
    engine = PostgresEngine(HOME / "postgres", free_port(), "shop", USER, PASSWORD)
    engine.destroy()
    engine.start()
    with tempfile.TemporaryDirectory(dir=HOME) as name:
        directory = Path(name)
        lake = EmulatedLake(directory, ROOT / ".local" / "jars")
        try:
            return _load(Stage(engine, lake.endpoint), lake, directory, rows)
        finally:
            lake.close()
            engine.destroy()


def _load(
    here: Stage, lake: EmulatedLake, directory: Path, rows: int
) -> tuple[dict[str, float], dict[str, float], bool]:
    here.fill(DATABASE, rows)
    session = here.connect(DATABASE)
    session.execute_simple(BUYERS)
    columns = ", ".join(load_contracts()["fact_sales"].columns)
    copy = f"COPY (SELECT {columns} FROM fact_sales) TO STDOUT (FORMAT binary)"
    floor = measure(
        [str(PSQL), here.dsn(DATABASE), "-qc", copy, "-o", str(directory / "floor")],
        here.environment,
    )
    (directory / "floor").unlink()
    seconds = {"floor": floor.seconds}
    environment = here.environment | {k: v for k, v in CREDENTIALS.items() if k != "AWS_REGION"}
    environment["AWS_DEFAULT_REGION"] = CREDENTIALS["AWS_REGION"]
    for table in load_contracts():
        command = [PYTHON, "-m", "bench.first_load", "--land", table, str(here.engine.port)]
        done = measure(command, environment)
        seconds[f"ingest {table}"] = done.seconds
        print(table, done.output, f"{done.seconds:.1f} s, {done.peak_mb:.0f} MB", flush=True)
    merged: dict[str, float] = {}

    def told(line: str) -> None:
        print(line, flush=True)
        if found := re.search(r"(\w+): merged .* in ([\d.]+) s", line):
            merged[found[1]] = float(found[2])

    begun = time.monotonic()
    outcome = lake.run(on_line=told, workers=LARGE_WORKERS)
    seconds["job"] = time.monotonic() - begun
    if outcome.state != "SUCCEEDED":
        print(f"the job {outcome.state}: {outcome.error_message}", file=sys.stderr)
        return seconds, merged, False
    [source] = session.run("SELECT count(*), sum(total_amount) FROM fact_sales")
    session.close()
    return seconds, merged, source == _sales(lake)


def _sales(lake: EmulatedLake) -> list[object]:
    """Count and sum of silver's sales, read without Spark."""
    table = lake.catalog().load_table("test_silver.fact_sales")
    amounts = table.scan(selected_fields=("total_amount",)).to_arrow().column(0)
    return [len(amounts), pc.sum(amounts.cast(pa.decimal128(30, 2))).as_py()]


def main() -> int:
    """Command line."""
    if sys.argv[1:2] == ["--land"]:
        land(sys.argv[2], int(sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(prog="make bench-first-load", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="sales")
    chosen = parser.parse_args()
    seconds, merged, is_exact = load(chosen.rows)
    floor = seconds.pop("floor")
    total = sum(seconds.values())
    print(f"\nfloor: psql COPY binary of {chosen.rows:,} sales: {floor:.1f} s\n")
    print("| step | seconds | x floor | share |\n| --- | --- | --- | --- |")
    for step, taken in {**seconds, "all": total}.items():
        print(f"| {step} | {taken:.1f} | {taken / floor:.2f} | {taken / total:.0%} |")
    print(f"within the job, side by side: {merged}")
    print("silver is the source, by count and sum" if is_exact else "silver is NOT the source")
    print(json.dumps({
        "bench": "first_load", "rows": chosen.rows, "floor_seconds": round(floor, 2),
        "seconds": {step: round(taken, 1) for step, taken in seconds.items()},
        "ratio_to_floor": round(total / floor, 2), "exact": is_exact,
    }))  # fmt: skip
    return 0 if is_exact else 1


if __name__ == "__main__":
    sys.exit(main())
