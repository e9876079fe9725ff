"""The measured process: the product's ingest until nothing is left, then its deltas.

python -m bench.ingest_once PORT DATABASE DELTAS -> one JSON object. Before each delta 1,000 rows
are changed all over the table; the process is then as warm as a function between two schedules.
"""

import json
import sys
import time
from typing import Any

import boto3
import pg8000.native

from bench.names import BUCKET, LEDGER, PASSWORD, USER
from lakehouse.contract import load_contracts
from lakehouse.ledger_client import Ledger
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.ruleset import load_ruleset
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options

CHANGED = 1_000
CHANGE = """
UPDATE fact_sales SET updated_at = clock_timestamp()
WHERE sale_id IN (SELECT n * :step FROM generate_series(1, :count) AS n)
"""


def main() -> None:
    """Prints rows, bytes and seconds of the load; rows, seconds and extraction of each delta."""
    port, database, deltas = sys.argv[1:]
    settings = {
        "host": "127.0.0.1", "port": port, "dbname": database, "user": USER, "password": PASSWORD,
        "application_name": "lakehouse-ingest/fact_sales", "options": session_options(600),
    }  # fmt: skip

    def connect() -> pg8000.native.Connection:
        return pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=int(port), database=database,
            application_name="lakehouse-ingest/fact_sales",
        )  # fmt: skip

    ledger = Ledger(boto3.client("dynamodb"), LEDGER)
    contract = load_contracts()["fact_sales"]
    ingest = Ingest(
        contract=contract,
        source=Source(database, connect, lambda: conninfo(**settings)),
        ledger=ledger,
        bronze=Bronze(boto3.client("s3"), BUCKET),
        run_id="bench",
        budget=Budget(5_000_000, 30, 512 * 1024 * 1024),  # the stages' own
        margin_seconds=1,
        rules=compile_rules(contract, load_ruleset(contract)),
    )
    begun = time.monotonic()
    first = ingest.run()
    facts: dict[str, Any] = {
        "rows": first.rows, "bytes": first.bytes, "seconds": time.monotonic() - begun, "deltas": [],
    }  # fmt: skip
    if int(deltas):
        session = connect()
        for _ in range(int(deltas)):
            session.run(CHANGE, step=first.rows // CHANGED, count=CHANGED)
            session.run("SELECT pg_sleep(1.2)")  # below the horizon, which keeps a second's margin
            begun = time.monotonic()
            delta = ingest.run()
            seconds = time.monotonic() - begun
            [*_, batch] = ledger.batches("fact_sales")
            facts["deltas"].append((delta.rows, seconds, batch.seconds))
        session.close()
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
