"""Every view of the product is created and read, over empty tables and over one row of each."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from lakehouse.contract import load_contracts
from lakehouse.dictionary import entries
from lakehouse.gold import Columns
from lakehouse.views import create_statement, load_views

from .conftest import Athena, Local
from .lake import iceberg

MOMENT = dt.datetime(2026, 11, 24, 3, 0, tzinfo=dt.UTC)
CARRIERS = {
    "string": (pa.string(), "some"),
    "int": (pa.int32(), 2),
    "bigint": (pa.int64(), 3),
    "date": (pa.date32(), MOMENT.date()),
    "timestamp": (pa.timestamp("us", "UTC"), MOMENT),
    "boolean": (pa.bool_(), True),
    "double": (pa.float64(), 1.5),
    "decimal(10,2)": (pa.decimal128(10, 2), Decimal("9.90")),
    "decimal(12,2)": (pa.decimal128(12, 2), Decimal("19.80")),
    "decimal(12,6)": (pa.decimal128(12, 6), Decimal("0.103883")),
    "decimal(18,2)": (pa.decimal128(18, 2), Decimal("12.30")),
    "decimal(5,2)": (pa.decimal128(5, 2), Decimal("99.50")),
}


@pytest.fixture(scope="module", autouse=True)
def tables(local: Local, athena: Athena) -> None:
    """The tables that the job makes, as it declares them."""
    for database in ("shop_silver", "shop_gold"):
        athena.run(f"CREATE SCHEMA IF NOT EXISTS {database}")
    catalog = iceberg(local)
    for identifier, columns in tables_of_lake().items():
        schema = pa.schema([(name, CARRIERS[kind][0]) for name, kind in columns.items()])
        catalog.create_table(identifier, schema)


def tables_of_lake() -> dict[tuple[str, str], Columns]:
    return {
        (f"shop_{entry.layer}", entry.name): entry.columns
        for entry in entries(load_contracts())
        if entry.layer in ("silver", "gold")
    }


@pytest.mark.parametrize("name", load_views())
def test_view(local: Local, athena: Athena, name: str) -> None:
    created = athena.run(create_statement(name, "shop_silver", "shop_gold"), "default")
    assert created.state == "SUCCEEDED", created.reason
    empty = athena.run(f"SELECT * FROM shop_gold.{name}")
    assert empty.state == "SUCCEEDED", empty.reason
    assert "timestamp with time zone" not in empty.types.values()  # CTAS could not store it
    (told,) = (e for e in entries(load_contracts()) if (e.layer, e.name) == ("views", name))
    # Athena's answers know no other precision of times than milliseconds.
    expected = {n: "timestamp" if k == "timestamp(3)" else k for n, k in told.columns.items()}
    assert empty.full_types == expected, "lakehouse/dictionary.toml"


def test_views_over_rows(local: Local, athena: Athena) -> None:
    catalog = iceberg(local)
    for identifier, columns in tables_of_lake().items():
        table = catalog.load_table(identifier)
        row = {column: CARRIERS[kind][1] for column, kind in columns.items()}
        rows = [row] * (2 if identifier[1] == "fact_sales_status" else 1)  # a step needs two ends
        table.append(pa.Table.from_pylist(rows, table.schema().as_arrow()))
    for name in load_views():
        athena.run(create_statement(name, "shop_silver", "shop_gold"), "default")
        done = athena.run(f"SELECT * FROM shop_gold.{name}")
        assert done.state == "SUCCEEDED", (name, done.reason)
        assert len(done.rows) == (0 if name == "v_quarantine" else 1), name
    overview = athena.run(
        "SELECT average_order_value, premium_market_share FROM shop_gold.v_overview"
    )
    assert overview.rows == [["4.10", "100.00"]]
