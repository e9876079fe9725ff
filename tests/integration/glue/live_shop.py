"""A shop under load over an emulated lake: PostgreSQL, ingest, crawler and Athena."""

import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pg8000.native
from pg8000.exceptions import DatabaseError

from lakehouse import ledger_requests, tombstones
from lakehouse.contract import TableContract
from lakehouse.ledger import State
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.ruleset import load_ruleset
from lakehouse.rowhash import row_hash
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options
from local.engines.athena import Engine, S3Settings
from local.engines.athena.result import QueryResult
from local.engines.crawler import Crawler
from local.engines.postgres import PostgresEngine
from tests.integration.glue.emulated_lake import CREDENTIALS, EmulatedLake
from tests.pipeline_states import Machine

MARGIN_SECONDS = 0.05
BUDGET = Budget(rows=5_000, seconds=60, bytes=2**30)
DATABASE, USER, PASSWORD = "shop", "owner", "secret-of-the-test"
HELD_BACK = {
    # what breaks a row-level rule, as SQL over the source
    "fact_sales": "NOT coalesce(quantity > 0, false)",
    "dim_users": "city IS NULL",
    "dim_products": "NOT coalesce(price >= 0, false)",
}
Rows = dict[tuple[str, ...], tuple[str | None, ...]]
"""Key to all columns and the hash, as Athena prints them."""

_WRITES = (
    "INSERT INTO fact_sales"
    " (user_id, product_id, quantity, unit_price, total_amount, status)"
    " VALUES ({n}, {n}, 1 + {n} % 5, 9.99, 9.99 * (1 + {n} % 5), 'PENDING')",
    "UPDATE fact_sales SET status = 'SHIPPED', updated_at = now() WHERE sale_id = {n}",
    "UPDATE fact_sales SET quantity = quantity + 1, updated_at = now() WHERE sale_id = {n}",
    "UPDATE fact_sales SET updated_at = now() WHERE sale_id = {n}",
    "UPDATE fact_sales SET quantity = -1, updated_at = now() WHERE sale_id = {n}",
    "UPDATE fact_sales SET quantity = 7, updated_at = now() WHERE quantity < 0 AND sale_id % 3 = 0",
    "DELETE FROM fact_sales WHERE sale_id = {n}",
    "INSERT INTO fact_sales VALUES ({n}, 1, 1, 3, 1, 3, 'DELIVERED') ON CONFLICT DO NOTHING",
    "INSERT INTO dim_users (name, email, address, city, country)"
    " VALUES ('n', 'e@x', 'a', 'Bern', 'CH')",
    "UPDATE dim_users SET city = 'Town {n}', updated_at = now() WHERE user_id = {n}",
    "UPDATE dim_users SET city = NULL, updated_at = now() WHERE user_id = {n}",
    "DELETE FROM dim_users WHERE user_id = {n}",
    "INSERT INTO dim_products VALUES ({n}, 'p', 'c', 5) ON CONFLICT DO NOTHING",
    "UPDATE dim_products SET price = price * 1.1, updated_at = now() WHERE product_id = {n}",
    "DELETE FROM dim_products WHERE product_id = {n}",
)


class LiveShop:
    """The source, its writers, and what a run does with them."""

    def __init__(self, lake: EmulatedLake, engine: PostgresEngine, seed: int) -> None:
        self.lake, self.engine, self.dice = lake, engine, random.Random(seed)
        self.contracts = lake.contracts
        self.bronze = Bronze(lake.s3, "test-bronze")
        self.rules = {n: compile_rules(c, load_ruleset(c)) for n, c in self.contracts.items()}
        self.machine = Machine.of(self.contracts, "test_bronze", "test_silver", "test_gold")
        self.athena = Engine(
            lake.glue, lake.s3,
            S3Settings(lake.endpoint, CREDENTIALS["AWS_REGION"], CREDENTIALS["AWS_ACCESS_KEY_ID"],
                       CREDENTIALS["AWS_SECRET_ACCESS_KEY"]),
        )  # fmt: skip
        lake.glue.create_database(DatabaseInput={"Name": "test_bronze"})
        self.session = self.connect()
        self.session.execute_simple(tombstones.shop())
        self.session.execute_simple(
            "INSERT INTO dim_users (name, email, address, city, country)"
            " SELECT 'n', 'e@x', 'a', 'City ' || i, 'CH' FROM generate_series(1, 400) i;"
            "INSERT INTO dim_products SELECT i, 'p', 'c', i FROM generate_series(1, 400) i;"
            "INSERT INTO fact_sales"
            " (user_id, product_id, quantity, unit_price, total_amount, status)"
            " SELECT i % 400, i % 400, 2, 5, 10, 'PENDING' FROM generate_series(1, 12000) i"
        )
        self.expected: dict[str, Rows] = {table: {} for table in self.contracts}
        self.results: dict[str, dict[str, Any]] = {}
        self._stopped = threading.Event()
        self._gates = [threading.Lock() for _ in range(3)]
        self._threads = [
            threading.Thread(target=self._write, args=(gate, random.Random(seed + n)))
            for n, gate in enumerate(self._gates)
        ]
        self.written = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for_writes(self, count: int) -> None:
        """Lets the writers do `count` statements more."""
        enough, deadline = self.written + count, time.monotonic() + 120
        while self.written < enough:
            assert time.monotonic() < deadline, "the writers don't write"
            time.sleep(0.01)

    def close(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self.athena.close()
        self.session.close()

    def connect(self, **settings: Any) -> pg8000.native.Connection:
        return pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=self.engine.port, database=DATABASE,
            **settings,
        )  # fmt: skip

    def _write(self, gate: threading.Lock, dice: random.Random) -> None:
        session = self.connect()
        while not self._stopped.is_set():
            with gate:
                session.run("BEGIN")
                try:
                    for _ in range(dice.randint(1, 4)):
                        n = dice.randint(1, 400 if dice.random() < 0.7 else 13_000)
                        session.run(dice.choice(_WRITES).format(n=n))
                        self.written += 1
                    session.run("ROLLBACK" if dice.random() < 0.1 else "COMMIT")
                except DatabaseError:  # two writers in each other's way
                    session.run("ROLLBACK")
            time.sleep(dice.random() * 0.1)
        session.close()

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """No transaction is open, and all of them are below the next horizon."""
        with ExitStack() as gates:
            for gate in self._gates:
                gates.enter_context(gate)
            time.sleep(MARGIN_SECONDS * 1.5)
            yield

    def ingest(self, run_id: str) -> None:
        """A run's ingest, while the source rests; the source's own answer is taken then too."""
        with self._at_rest():
            for table, contract in self.contracts.items():
                result = self._attempt(contract, run_id)
                while result["has_more"]:
                    result = self._attempt(contract, run_id)
                self.results[table] = result
                self.expected[table] = self._truth(contract)
            self.machine.ingested(run_id, list(self.results.values()))
        self._crawl()

    def _attempt(self, contract: TableContract, run_id: str) -> dict[str, Any]:
        application = f"lakehouse-ingest/{contract.table}"
        source = Source(
            address="the shop",
            connect=lambda: self.connect(application_name=application),
            dsn=lambda: conninfo(
                host="127.0.0.1", port=self.engine.port, dbname=DATABASE, user=USER,
                password=PASSWORD, application_name=application, options=session_options(30),
            ),
        )  # fmt: skip
        ingest = Ingest(
            contract, source, self.lake.ledger, self.bronze, run_id, BUDGET, MARGIN_SECONDS,
            self.rules[contract.table],
        )  # fmt: skip
        return ingest.run().model_dump(mode="json")

    def _crawl(self) -> None:
        due = {t: r["catalog_signature"] for t, r in self.results.items() if r["crawl_due"]}
        if due:
            targets = [f"s3://test-bronze/bronze/{table}/" for table in self.contracts]
            Crawler(self.lake.s3, self.lake.glue).crawl("test_bronze", targets)
        for table, signature in due.items():
            request = ledger_requests.mark_crawled("watermarks", table, signature)
            self.lake.dynamodb.update_item(**request)

    def refresh(self, statements: list[str]) -> int:
        for sql in statements:
            self.athena.execute(sql)
        return len(statements)

    def _truth(self, contract: TableContract) -> Rows:
        """What the source holds; of a held-back row its last good version."""
        columns = [*contract.columns, *sorted(self.added(contract))]
        kinds = {n: k.source for n, k in contract.types.items()}
        texts = [
            f"to_char({n}::timestamptz(3) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')"
            if kinds.get(n) == "timestamp with time zone"
            else f"{n}::text"
            for n in columns
        ]
        keys = [f"{name}::text" for name in contract.key]
        rows = self.session.run(
            f"SELECT {HELD_BACK[contract.table]}, {', '.join([*keys, *texts])}, "
            f"{row_hash(contract, 'postgres')}::text FROM {contract.table}"
        )
        truth: Rows = {}
        width = 1 + len(keys)
        for row in rows or []:
            key = tuple(row[1:width])
            if not row[0]:
                truth[key] = tuple(row[width:])
            elif key in self.expected[contract.table]:
                old = self.expected[contract.table][key]
                missing = len(row) - width - len(old)
                truth[key] = (*old[:-1], *([None] * missing), old[-1])
        return truth

    def added(self, contract: TableContract) -> Mapping[str, str]:
        return self.lake.watermark(contract.table).added_columns

    def live(self, table: str) -> tuple[Rows, QueryResult]:
        """The live view's rows, and the result that they came in."""
        contract = self.contracts[table]
        name = table.removeprefix("dim_").removeprefix("fact_")
        result = self.athena.execute(f"SELECT * FROM test_gold.v_live_{name}")
        names = [column.name for column in result.columns]
        shown = [i for i, n in enumerate(names) if n not in ("_batch_id", "_ingested_at")]
        keys = [names.index(name) for name in contract.key]
        rows: Rows = {}
        for row in result.rows:
            key = tuple(str(row[i]) for i in keys)
            assert key not in rows, f"{table} {key} is there twice"
            rows[key] = tuple(row[i] for i in shown)
        return rows, result

    def waiting_bytes(self, table: str) -> int:
        """Sizes of the objects of the batches that no merge has taken."""
        merged = self.lake.watermark(table).merged_batch_id
        return sum(
            batch.bytes
            for batch in self.lake.ledger.batches(table, merged)
            if batch.state is State.COMMITTED
        )

    def silver_bytes(self, table: str) -> int:
        result = self.athena.execute(f"SELECT count(*) FROM test_silver.{table}")
        return result.scanned_bytes


@contextmanager
def live_shop(directory: Path, jars: Path, seed: int) -> Iterator[LiveShop]:
    """The shop, its server and its lake in `directory`, and their end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "lake").mkdir()
    lake = EmulatedLake(directory / "lake", jars)
    engine = PostgresEngine(directory / "pg", port, DATABASE, USER, PASSWORD)
    try:
        engine.start()
        shop = LiveShop(lake, engine, seed)
        try:
            yield shop
        finally:
            shop.close()
    finally:
        engine.destroy()
        lake.close()
