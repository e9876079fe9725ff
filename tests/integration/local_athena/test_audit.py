"""The full audit: PostgreSQL and Athena hash the same rows, and differences come down to keys."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pg8000.native
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lakehouse import audit
from lakehouse.contract import TableContract
from local.audit import told
from local.engines.postgres import PostgresEngine

from .conftest import Athena, Local, _free_port
from .lake import iceberg

ROWS = 12_000
HORIZON = "2026-03-01T12:00:00.000000Z"
CONTRACT = TableContract(
    table="ledger_lines",
    key=("line_id",),
    cursor="updated_at",
    columns={
        "line_id": "bigint",
        "day": "date",
        "amount": "numeric(12,2)",
        "quantity": "integer",
        "is_open": "boolean",
        "note": "text",
        "updated_at": "timestamptz",
    },
)
DDL = """
CREATE TABLE ledger_lines (
    line_id bigint PRIMARY KEY, day date, amount numeric(12,2), quantity integer,
    is_open boolean, note text, updated_at timestamptz NOT NULL
);
CREATE TABLE lakehouse_tombstones (source_table text, row_key jsonb, deleted_at timestamptz);
"""
FILL = f"""
INSERT INTO ledger_lines
SELECT n, date '2026-01-01' + n % 60, (n - 600) * 0.01, n % 7, n % 3 = 0,
       CASE WHEN n % 11 = 0 THEN NULL WHEN n % 13 = 0 THEN '' ELSE 'Zoë ' || n END,
       timestamptz '2026-03-01 10:00:00+00' + n * interval '1.000001 ms'
FROM generate_series(1, {ROWS}) AS n
"""
Ask = Callable[[str], Sequence[Sequence[Any]]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pg8000.native.Connection]:
    engine = PostgresEngine(tmp_path_factory.mktemp("pg"), _free_port(), "shop", "owner", "secret")
    engine.start()
    connection = pg8000.native.Connection(
        "owner", password="secret", host="127.0.0.1", port=engine.port, database="shop"
    )
    connection.execute_simple(DDL + FILL)
    yield connection
    connection.close()
    engine.destroy()


@pytest.fixture(scope="module")
def silver(source: pg8000.native.Connection, local: Local, athena: Athena) -> Any:
    """Silver as a merge leaves it, and a trusting `_row_hash` that no damage touches."""
    rows = source.run("SELECT * FROM ledger_lines ORDER BY line_id") or []
    schema = pa.schema(
        [
            ("line_id", pa.int64()), ("day", pa.date32()), ("amount", pa.decimal128(12, 2)),
            ("quantity", pa.int32()), ("is_open", pa.bool_()), ("note", pa.string()),
            ("updated_at", pa.timestamp("us", "UTC")),
        ]
    )  # fmt: skip
    table = iceberg(local).create_table("lake.ledger_lines", schema)
    columns = zip(*rows, strict=True)
    table.append(
        pa.table([pa.array(v, f.type) for v, f in zip(columns, schema, strict=True)], schema)
    )
    return table


@pytest.fixture
def ask(athena: Athena) -> Ask:
    def asked(sql: str) -> list[list[str | None]]:
        done = athena.run(sql)
        assert done.state == "SUCCEEDED", f"{done.reason}: {sql}"
        query = done.execution["QueryExecutionId"]
        pages = athena.client.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        lines = [
            [value.get("VarCharValue") for value in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]
        return lines[1:]

    return asked


def _audited(source: pg8000.native.Connection, ask: Ask, held: frozenset[str] = frozenset()) -> Any:
    def run(sql: str) -> Sequence[Sequence[Any]]:
        return source.run(sql) or []

    return audit.compare(
        CONTRACT,
        HORIZON,
        audit.source_side(run, CONTRACT, HORIZON),
        audit.silver_side(ask, CONTRACT, HORIZON, "lake"),
        audit.changed_since(run, CONTRACT, HORIZON) | held,
    )


def _overwrite(table: Any, where: str, column: str, change: Callable[[Any], Any]) -> None:
    rows = table.scan(row_filter=where).to_arrow()
    place = rows.schema.get_field_index(column)
    field = rows.schema.field(column)
    changed = pa.array([change(value.as_py()) for value in rows[column]], field.type)
    table.overwrite(rows.set_column(place, field, changed), overwrite_filter=where)


def test_equal_sides_are_equal(source: pg8000.native.Connection, silver: Any, ask: Ask) -> None:
    report = _audited(source, ask)
    assert report.is_clean, report
    assert (report.source_rows, report.silver_rows, report.left_out) == (ROWS, ROWS, 0)


def test_what_changed_after_the_horizon_is_left_out(
    source: pg8000.native.Connection, silver: Any, ask: Ask
) -> None:
    source.execute_simple(
        "UPDATE ledger_lines SET amount = 1, updated_at = '2026-03-01 12:00:00+00' "
        "WHERE line_id IN (17, 18);"
        "INSERT INTO ledger_lines (line_id, updated_at) VALUES (99001, '2026-03-02 12:00:00+00');"
        "DELETE FROM ledger_lines WHERE line_id = 20;"
        "INSERT INTO lakehouse_tombstones VALUES "
        "('ledger_lines', '{\"line_id\": 20}', '2026-03-01 12:00:01+00')"
    )
    report = _audited(source, ask)
    assert report.is_clean, report
    assert report.left_out == 4


def test_differences_come_down_to_their_keys(
    source: pg8000.native.Connection, silver: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LISTED", 4)  # so that ranges are cut more than once
    _overwrite(silver, "line_id = 9999", "quantity", lambda n: n + 1)
    _overwrite(silver, "line_id = 10000", "note", lambda _: None)
    _overwrite(
        silver,
        "line_id = 10001",
        "updated_at",
        lambda at: at.astimezone(UTC).replace(microsecond=at.microsecond ^ 1),
    )
    silver.delete("line_id = 4242")
    extra = silver.scan(row_filter="line_id = 5").to_arrow()
    place = extra.schema.get_field_index("line_id")
    key = pc.add(extra["line_id"], 70_000).cast(pa.int64())
    silver.append(extra.set_column(place, extra.schema.field("line_id"), key))
    report = _audited(source, ask)
    assert report.different == ["10000", "10001", "9999"]
    assert report.missing == ["4242"]
    assert report.unknown == ["70005"]
    lines = "\n".join(told(report))
    assert "DIFFERENT" in lines
    assert "silver lacks 1 key(s): 4242" in lines
    assert "make repair TABLE=ledger_lines" in lines
    assert _audited(source, ask, frozenset({"9999"})).different == ["10000", "10001"]


def test_times_are_hashed_to_the_microsecond(athena: Athena, ask: Ask) -> None:
    moments = (
        "1970-01-01 00:00:00.000001",
        "2026-03-29 01:30:00.123457",
        "2199-12-31 23:59:59.999999",
    )
    for moment in moments:
        ((found,),) = ask(
            f"SELECT CAST(round(to_unixtime(TIMESTAMP '{moment} UTC') * 1e6) AS bigint)"
        )
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        since = at - datetime(1970, 1, 1, tzinfo=UTC)
        wanted = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        assert int(found or 0) == wanted
