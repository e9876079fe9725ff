"""The measured process: one invocation of the ingest for one table, as a cold function makes it.

python -m bench.chunks_once PORT DATABASE TABLE ROWS SECONDS -> one JSON object: rows, has_more.
"""

import json
import sys

import boto3
import pg8000.native

from bench.names import BUCKET, CHUNKED, LEDGER, PASSWORD, USER
from lakehouse.ledger_client import Ledger
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options


def main() -> None:
    """Runs one invocation and prints what it landed."""
    port, database, table, rows, seconds = sys.argv[1:]
    application = f"lakehouse-ingest/{table}"
    settings = {
        "host": "127.0.0.1", "port": port, "dbname": database, "user": USER, "password": PASSWORD,
        "application_name": application, "options": session_options(600),
    }  # fmt: skip

    def connect() -> pg8000.native.Connection:
        return pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=int(port), database=database,
            application_name=application,
        )  # fmt: skip

    result = Ingest(
        contract=CHUNKED[table],
        source=Source(database, connect, lambda: conninfo(**settings)),
        ledger=Ledger(boto3.client("dynamodb"), LEDGER),
        bronze=Bronze(boto3.client("s3"), BUCKET),
        run_id="bench",
        budget=Budget(rows=int(rows), seconds=float(seconds), bytes=512 * 1024 * 1024),
        margin_seconds=1,
    ).run()
    print(json.dumps({"rows": result.rows, "has_more": result.has_more}))


if __name__ == "__main__":
    main()
