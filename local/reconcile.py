"""Counts and hashes the data where they lie: PostgreSQL, S3 and Athena, each asked by itself.

Nothing here is taken from the ledger or from what a run said of itself. It compares data at rest:
the caller sees to it that nobody writes meanwhile.
"""

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pg8000.native
import pyarrow.parquet as pq

from lakehouse import columns, rowhash, sourcetable
from lakehouse.contract import History, TableContract
from lakehouse.gold import is_shop
from local.account import Account
from local.athena import Ask, asker
from local.stage import local_contracts


@dataclass(frozen=True)
class TableCount:
    """Keys of a table per place, by their newest version.

    `bronze` counts what was landed: living rows, and keys whose newest version the ingest held
    back. `quarantined` counts the keys whose newest version is held back, by the ingest or the job;
    silver still shows the last good version of such a key, which `silver` therefore leaves out.
    """

    source: int
    bronze: int
    silver: int
    quarantined: int


@dataclass(frozen=True)
class Reconciliation:
    """What was found. `differences` says in words what does not agree; empty means reconciled."""

    tables: dict[str, TableCount]
    cities: int
    revenue: Decimal
    differences: list[str]

    def summary(self) -> dict[str, Any]:
        """The part of the demonstration's JSON object that is about data."""
        return {
            "reconciled": not self.differences,
            "tables": {name: asdict(count) for name, count in self.tables.items()},
            "gold": {"cities": self.cities, "revenue": float(self.revenue)},
            **({"differences": self.differences} if self.differences else {}),
        }


def reconcile(account: Account) -> Reconciliation:
    """Compares all tables: source = bronze, by count and content; bronze = silver + quarantine."""
    outputs, athena = account.outputs, asker(account)
    counts: dict[str, TableCount] = {}
    contracts = local_contracts()
    differences: list[str] = []
    with connect(outputs["database_dsn"]) as source:
        for name, contract in contracts.items():
            in_source = _source(source, contract)
            in_bronze = _bronze(account, contract)
            in_silver, held = _silver(athena, contract, outputs["silver_database"])
            counts[name] = TableCount(in_source[0], in_bronze[0], in_silver[0], held)
            differences += _compare(name, in_source, in_bronze, in_silver, held)
        if not is_shop(contracts):
            return Reconciliation(counts, 0, Decimal(0), differences)
        revenue = _one(source, "SELECT coalesce(sum(total_amount), 0) FROM fact_sales")
    gold = athena(
        "SELECT count(*) AS cities, sum(total_revenue) AS revenue FROM v_city_performance"
    )
    in_gold = Decimal(gold[0]["revenue"] or 0)
    if not any(count.quarantined for count in counts.values()) and in_gold != Decimal(revenue):
        differences.append(f"gold: revenue {in_gold} in Athena, {revenue} in PostgreSQL")
    return Reconciliation(counts, int(gold[0]["cities"]), in_gold, differences)


@contextmanager
def connect(dsn: str) -> Iterator[pg8000.native.Connection]:
    """A connection to the source by its DSN."""
    parts = urlsplit(dsn)
    connection = pg8000.native.Connection(
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 5432,
        database=parts.path.lstrip("/"),
    )
    try:
        yield connection
    finally:
        connection.close()


def _source(source: pg8000.native.Connection, contract: TableContract) -> tuple[int, int]:
    content = rowhash.content(rowhash.row_hash(contract, "postgres"), "postgres")
    rows = source.run(
        f"SELECT count(*), {content} FROM {sourcetable.named_rows(contract)} AS source"
    )
    return int(rows[0][0]), int(rows[0][1])


def _bronze(account: Account, contract: TableContract) -> tuple[int, int]:
    """Living rows of bronze: each key's last version by batch, unless that is a delete."""
    wanted = [*contract.key, columns.OP, columns.BATCH_ID, columns.ROW_HASH]
    versions = duckdb.connect()
    empty = True
    held = _held_in_bronze(account, contract)
    for body in _objects(account, contract):
        part = pq.read_table(io.BytesIO(body), columns=wanted)  # noqa: F841 (DuckDB reads it)
        versions.execute(f"{'CREATE TABLE v AS' if empty else 'INSERT INTO v'} SELECT * FROM part")
        empty = False
    if empty:
        return len(held), 0
    keys = ", ".join(f'"{name}"' for name in contract.key)
    newest = versions.execute(
        f"""
        WITH newest AS (
            SELECT * FROM v
            QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {columns.BATCH_ID} DESC) = 1
        )
        SELECT {keys}, {columns.BATCH_ID}, {columns.OP}, {columns.ROW_HASH} FROM newest
        """
    ).fetchall()
    width = len(contract.key)
    passed = {_key(row[:width]): row[width] for row in newest}
    late = {key for key, batch in held.items() if batch > passed.get(key, "")}
    living = [row for row in newest if row[width + 1] != "D" and _key(row[:width]) not in late]
    return len(living) + len(late), sum(int(row[-1]) for row in living)


def _key(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _held_in_bronze(account: Account, contract: TableContract) -> dict[tuple[str, ...], str]:
    """Keys that the ingest ever held back, to the newest batch that did."""
    held: dict[tuple[str, ...], str] = {}
    for body in _objects(account, contract, "quarantine"):
        part = pq.read_table(io.BytesIO(body), columns=["row_key", columns.BATCH_ID])
        for row in part.to_pylist():
            key = _key(json.loads(row["row_key"])[name] for name in contract.key)
            held[key] = max(held.get(key, ""), row[columns.BATCH_ID])
    return held


def _objects(account: Account, contract: TableContract, layer: str = "bronze") -> Iterator[bytes]:
    s3 = account.client("s3")
    bucket = account.outputs["bronze_bucket"]
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{layer}/{contract.table}/"
    )
    for page in pages:
        for entry in page.get("Contents", []):
            yield s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()


def _silver(athena: Ask, contract: TableContract, silver: str) -> tuple[tuple[int, int], int]:
    living = f" WHERE {columns.IS_CURRENT}" if contract.history is History.SCD2 else ""
    keys = ", ".join(f'"{name}"' for name in contract.key)
    rows = athena(
        f'SELECT {keys}, {columns.ROW_HASH} AS h FROM {silver}."{contract.table}"{living}'
    )
    waiting = athena(
        f"SELECT row_key FROM {silver}.quarantine "
        f"WHERE source_table = '{contract.table}' AND superseded_by IS NULL"
    )
    held = {_key(json.loads(row["row_key"])[name] for name in contract.key) for row in waiting}
    hashes = [row for row in rows if _key(row[name] for name in contract.key) not in held]
    health = athena(
        f"SELECT quarantined_keys AS keys FROM v_freshness WHERE source_table = '{contract.table}'"
    )
    content = sum(int(row["h"]) for row in hashes)
    return (len(hashes), content), int(health[0]["keys"]) if health else 0


def _compare(
    name: str,
    source: tuple[int, int],
    bronze: tuple[int, int],
    silver: tuple[int, int],
    quarantined: int,
) -> list[str]:
    found = []
    if source[0] != bronze[0]:
        found.append(f"{name}: {source[0]} rows in PostgreSQL, {bronze[0]} in bronze")
    elif source[1] != bronze[1] and not quarantined:
        found.append(f"{name}: PostgreSQL and bronze have {source[0]} rows of different content")
    if bronze[0] != silver[0] + quarantined:
        found.append(
            f"{name}: {bronze[0]} rows in bronze, {silver[0]} in silver and {quarantined} held back"
        )
    elif bronze[1] != silver[1] and not quarantined:
        found.append(f"{name}: bronze and silver have {bronze[0]} rows of different content")
    return found


def _one(source: pg8000.native.Connection, sql: str) -> Any:
    return source.run(sql)[0][0]
