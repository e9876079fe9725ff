"""The type matrix: every type x edge value, read back by pyarrow, DuckDB, Spark and Athena.

Row hashes of PostgreSQL, DuckDB and Spark are compared on the same rows.

Each engine's value is brought to one form by the carrier (`form`), where equal forms are equal
values: bits of floats, microseconds of times, digits of decimals, hexadecimal bytes, texts.
Athena reads silver, which the job's own Spark session writes from bronze as the job does.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from lakehouse import sqltext
from lakehouse.contract import TableContract
from lakehouse.types import CAST, EXACT, ColumnType, column_type
from tests.integration.ingest.conftest import Shop
from tests.integration.ingest.type_edges import (
    EDGES,
    SET_ASIDE,
    TYPES_OF_ONES_OWN,
    carried,
    declared,
    literal,
)
from tests.integration.ingest.type_readers import (
    Form,
    ask_athena,
    form,
    of_spark,
    parsed,
    run_spark,
)

ENGINES = ("pyarrow", "duckdb", "spark", "athena")


@dataclass
class Matrix:
    """What was put in, and what each engine reads: engine -> (type, edge's number) -> form."""

    expected: dict[tuple[str, int], Form]
    read: dict[str, dict[tuple[str, int], Form]]


def _table(shop: Shop, kinds: list[str]) -> None:
    columns = {f"c{n}": kind for n, kind in enumerate(kinds)}
    shop.contract = TableContract(
        table="matrix", key=("id",), cursor="updated_at",
        columns={"id": "integer", **columns, "updated_at": "timestamptz"},
    )  # fmt: skip
    body = "".join(f", {name} {declared(kind)}" for name, kind in columns.items())
    shop.run_script(
        TYPES_OF_ONES_OWN
        + f"CREATE TABLE matrix (id integer PRIMARY KEY {body}, updated_at timestamptz NOT NULL "
        "DEFAULT now());" + _triggers()
    )


def _triggers() -> str:
    return "".join(
        f"CREATE TRIGGER bury_{event} AFTER {event} ON matrix FOR EACH {each} "
        "EXECUTE FUNCTION bury_all();"
        for event, each in (("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"))
    )


def _insert(shop: Shop, number: int, column: str, kind: str, text: str) -> None:
    # no bound parameter, whose type would be guessed
    shop.sessions[0].execute_simple(
        f"INSERT INTO matrix (id, {column}) "
        f"VALUES ({number}, {sqltext.literal(text)}::{declared(kind)})"
    )


@pytest.fixture(scope="module")
def matrix_of() -> dict[str, Matrix]:
    """What `matrix` has made, kept for the module: the landing and the Spark session cost 15 s."""
    return {}


@pytest.fixture
def matrix(
    request: pytest.FixtureRequest,
    wait: Callable[[], None],
    jars: Path,
    matrix_of: dict[str, Matrix],
) -> Matrix:
    if not matrix_of:
        matrix_of["made"] = _matrix(request.getfixturevalue("shop"), wait, jars)
    return matrix_of["made"]


def _matrix(shop: Shop, wait: Callable[[], None], jars: Path) -> Matrix:
    kinds = list(EDGES)
    _table(shop, kinds)
    shop.run_script("INSERT INTO matrix (id) VALUES (0)")
    expected: dict[tuple[str, int], Form] = {}
    cells: dict[int, tuple[str, str, int]] = {}
    for place, kind in enumerate(kinds):
        for n, edge in enumerate(EDGES[kind]):
            number = len(cells) + 1
            cells[number] = (f"c{place}", kind, n)
            _insert(shop, number, f"c{place}", kind, literal(edge))
            expected[kind, n] = _expected(shop, column_type(kind), carried(edge))
    wait()
    [result] = shop.ingest()
    assert (result.rows, result.quarantined) == (len(cells) + 1, 0)
    assert shop.living() == shop.truth()
    [batch] = shop.ledger.batches("matrix")
    path = str(shop.directory / "matrix.parquet")
    shop.bronze.get(batch.files[0].key, path)
    types = shop.contract.types
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    by_duck = duck.execute(
        f"SELECT {', '.join(_duck(*item) for item in types.items())} FROM '{path}'"
    )
    duck_rows = [dict(zip(types, row, strict=True)) for row in by_duck.fetchall()]
    spark_rows, metadata = run_spark(shop, path, jars)
    athena = ask_athena(shop.contract, metadata)
    rows = {"pyarrow": pq.read_table(path).to_pylist(), "duckdb": duck_rows}
    read: dict[str, dict[tuple[str, int], Form]] = {
        engine: {
            (cells[row["id"]][1], cells[row["id"]][2]): form(
                types[cells[row["id"]][0]], row[cells[row["id"]][0]]
            )
            for row in rows[engine]
            if row["id"]
        }
        for engine in rows
    }
    read["spark"] = {
        (kind, n): of_spark(types[column], row[column])
        for row in spark_rows
        if row["id"]
        for column, kind, n in [cells[row["id"]]]
    }
    read["athena"] = {(kind, n): athena[c][i] for i, (c, kind, n) in cells.items()}
    _nulls(rows, spark_rows, athena, cells, kinds)
    return Matrix(expected, read)


def _duck(name: str, kind: ColumnType) -> str:
    """DuckDB's Python needs another package for times with a zone, so they come as numbers."""
    if (kind.element or kind).carrier != "timestamp with time zone":
        return name
    return f"list_transform({name}, lambda e: epoch_us(e))" if kind.element else f"epoch_us({name})"


def _nulls(
    rows: dict[str, list[dict[str, Any]]],
    spark_rows: list[dict[str, Any]],
    athena: dict[str, dict[int, Form]],
    cells: dict[int, tuple[str, str, int]],
    kinds: list[str],
) -> None:
    """A row has one value; all its other cells are NULL, in every engine."""
    columns = [f"c{n}" for n in range(len(kinds))]
    asked = [{c: athena[c][i] for c in columns} | {"id": i} for i in athena["id"]]
    for engine_rows in (*rows.values(), spark_rows, asked):
        assert len(engine_rows) == len(cells) + 1
        for row in engine_rows:
            filled = {cells[row["id"]][0]} if row["id"] else set()
            assert {c for c in columns if row[c] is not None} == filled


def _expected(shop: Shop, kind: ColumnType, text: str) -> Form:
    """The form of what the table says; the elements of an array are PostgreSQL's own texts."""
    if kind.element is None:
        return parsed(kind, text)
    elements = shop.sessions[0].run(
        f"SELECT element::text FROM unnest({sqltext.literal(text)}::{kind.source}) WITH ORDINALITY "
        "AS part (element, place) ORDER BY place"
    )
    return [parsed(kind.element, element) for [element] in elements]


@pytest.mark.parametrize("reader", ENGINES)
@pytest.mark.parametrize("kind", EDGES)
def test_every_edge_is_read_back_equal(matrix: Matrix, reader: str, kind: str) -> None:
    told = [matrix.read[reader][kind, n] for n in range(len(EDGES[kind]))]
    assert told == [matrix.expected[kind, n] for n in range(len(EDGES[kind]))]


def test_what_the_carrier_has_not_is_set_aside(shop: Shop, wait: Callable[[], None]) -> None:
    _table(shop, [kind for kind, *_ in SET_ASIDE])
    shop.run_script("INSERT INTO matrix (id) VALUES (0)")
    for n, (kind, text, _, _) in enumerate(SET_ASIDE):
        _insert(shop, n + 1, f"c{n}", kind, text)
    wait()
    [result] = shop.ingest()
    assert (result.rows, result.quarantined) == (1, len(SET_ASIDE))
    assert shop.read("id") == [(0,)]
    aside = shop.read("row_key, failed_rules, raw_row", "quarantine")
    found = {json.loads(key)["id"]: (reason, raw) for key, reason, raw in aside}
    for n, (kind, text, raw_text, words) in enumerate(SET_ASIDE):
        reason, raw = found[n + 1]
        assert reason.startswith(f"c{n}: {words}"), (kind, text)
        value = raw.partition(f'"c{n}":')[2]
        assert raw_text in value.partition(f',"c{n + 1}":')[0], (kind, text)


def test_every_known_type_has_an_edge() -> None:
    tested = {column_type(kind).source for kind in EDGES}
    families = {source.partition("(")[0] for source in tested} | tested
    # the PostgreSQL of the tests is built without libxml and has no xml value to carry
    assert {*EXACT, *CAST} - {"xml"} <= families
