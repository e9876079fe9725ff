"""Databases that nobody made for this project, from their contracts to reconciled silver.

The contracts are what `make contracts` drafts; nothing of them is edited. `commerce` was prepared
by `make prepare-source`, so that it is followed by cursors and tombstones; the tables of the others
are read as snapshots. Each round changes rows by plain SQL; then ingest and job run, and every row
of the source is looked for in silver, and every row of silver in the source.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pg8000.native
import pytest

from lakehouse.contract import History, TableContract, load_contracts
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.ruleset import load_ruleset
from lakehouse.rowhash import row_hash
from lakehouse.sourcetable import named_rows
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options
from local import onboard
from local.engines.postgres import PostgresEngine
from tests.integration.glue.emulated_lake import EmulatedLake
from tests.samples import SAMPLES, SCHEMAS, Writer

USER, PASSWORD = "owner", "secret-of-the-test"
ROUNDS = int(os.environ.get("ROUNDS", "2"))
"""A job for 26 tables takes a minute or more: `make test-own` goes five rounds."""
CHANGES = 60
TABLES = {
    "media_store": "",
    "books": "",
    "commerce": "order, return, price, product_tags, product_variant",
}
"""Of `commerce` some; of the others all."""

Key = tuple[str, ...]


@dataclass(frozen=True)
class Database:
    """One of the databases, and the contracts of its tables."""

    engine: PostgresEngine
    name: str
    contracts: dict[str, TableContract]
    folder: Path

    def connect(self, application: str = "writer") -> pg8000.native.Connection:
        return pg8000.native.Connection(
            USER, password=PASSWORD, host="127.0.0.1", port=self.engine.port, database=self.name,
            application_name=application,
        )  # fmt: skip

    def ingest(self, lake: EmulatedLake, contract: TableContract) -> None:
        """Invocations until none has more, as the state machine does."""
        application = f"lakehouse-ingest/{contract.table}"
        dsn = conninfo(
            host="127.0.0.1", port=self.engine.port, dbname=self.name, user=USER,
            password=PASSWORD, application_name=application, options=session_options(60),
        )  # fmt: skip
        rules = compile_rules(contract, load_ruleset(contract, self.folder))
        ingest = partial(
            Ingest, contract, Source(self.name, partial(self.connect, application), lambda: dsn),
            lake.ledger, Bronze(lake.s3, "test-bronze"), "run", Budget(10**6, 60, 2**30), 1.0, rules
        )  # fmt: skip
        while ingest().run().has_more:
            pass

    def truth(self, contract: TableContract) -> dict[Key, int]:
        """Key to hash of every row of the source, as PostgreSQL tells them."""
        keys = ", ".join(f'"{name}"::text' for name in contract.key)
        with_hash = f"SELECT {keys}, {row_hash(contract, 'postgres')}"
        session = self.connect()
        found = session.run(f"{with_hash} FROM {named_rows(contract)} AS source") or []
        session.close()
        return {tuple(key): number for *key, number in found}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresEngine]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = PostgresEngine(tmp_path_factory.mktemp("pg"), port, "none", USER, PASSWORD)
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="module")
def databases(
    engine: PostgresEngine, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Database]:
    """The samples with the contracts that are drafted of them."""
    folder, made = tmp_path_factory.mktemp("contracts"), {}
    for name, build in SAMPLES.items():
        engine.query(f"CREATE DATABASE {name} OWNER {USER}")
        database = Database(engine, name, {}, folder)
        connection = database.connect()
        build(connection)
        connection.close()
        dsn = f"postgresql://{USER}:{quote(PASSWORD)}@127.0.0.1:{engine.port}/{name}"
        if name == "commerce":
            onboard.run_prepare(dsn, TABLES[name], "none", small=True, changes=True, back=False)
        before = set(load_contracts(folder)) if made else set()
        assert not onboard.run_contracts(
            dsn, TABLES[name], str(folder), force=False, activate=False
        )
        drafted = {t: c for t, c in load_contracts(folder).items() if t not in before}
        made[name] = Database(engine, name, drafted, folder)
    return made


@pytest.fixture(scope="module")
def lake(
    databases: dict[str, Database], tmp_path_factory: pytest.TempPathFactory, jars: Path
) -> Iterator[EmulatedLake]:
    folder = databases["books"].folder
    lake = EmulatedLake(tmp_path_factory.mktemp("lake"), jars, folder)
    yield lake
    lake.close()


def silver(lake: EmulatedLake, contract: TableContract) -> dict[Key, int]:
    """Key to hash of every living row of silver."""
    is_history = contract.history is History.SCD2
    found: dict[Key, int] = {}
    for row in lake.rows("silver", contract.table):
        if not is_history or row["is_current"]:
            key = tuple(str(row[name]) for name in contract.key)
            assert key not in found, f"{contract.table}: {key} twice"
            found[key] = row["_row_hash"]
    return found


def held_back(lake: EmulatedLake) -> dict[str, set[Key]]:
    """The keys by table whose newest version is in the quarantine."""
    held: dict[str, set[Key]] = {}
    for entry in lake.rows("silver", "quarantine"):
        if entry["superseded_by"] is None:
            key = json.loads(entry["row_key"])
            names = lake.contracts[entry["source_table"]].key
            keys = held.setdefault(entry["source_table"], set())
            keys.add(tuple(str(key[name]) for name in names))
    return held


def compare(lake: EmulatedLake, databases: dict[str, Database]) -> int:
    """Every row of every table, but for what is held back; how many were the same."""
    held, same = held_back(lake), 0
    for database in databases.values():
        for table, contract in database.contracts.items():
            aside = held.get(table, set())
            here = {k: h for k, h in database.truth(contract).items() if k not in aside}
            there = {k: h for k, h in silver(lake, contract).items() if k not in aside}
            assert there == here, table
            same += len(here)
    return same


def test_rounds_of_random_changes_arrive_to_the_row(
    lake: EmulatedLake, databases: dict[str, Database]
) -> None:
    assert {name: len(one.contracts) for name, one in databases.items()} == {
        "media_store": 11, "books": 10, "commerce": 5,
    }  # fmt: skip
    assert all(c.is_snapshot for c in databases["books"].contracts.values())
    assert all(c.has_tombstones for c in databases["commerce"].contracts.values())
    seen = set()
    for number in range(ROUNDS + 1):
        if number:
            for name, database in databases.items():
                connection = database.connect()
                done = Writer(connection, SCHEMAS[name], seed=number).round(CHANGES)
                connection.close()
                seen |= {verb for verb, count in done.items() if count}
        time.sleep(1.2)  # beyond the horizon's margin
        for database in databases.values():
            for contract in database.contracts.values():
                database.ingest(lake, contract)
        outcome = lake.run()
        assert outcome.state == "SUCCEEDED", outcome.error_message
        assert compare(lake, databases) > 15_000
    assert seen == {"insert", "update", "delete"}
