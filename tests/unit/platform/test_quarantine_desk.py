"""What `make quarantine` asks and shows, and where a replay begins."""

import datetime as dt
from typing import Any

import pytest

from lakehouse.contract import TableContract, load_contracts
from lakehouse.errors import ConfigurationError
from local.quarantine import example, held_back, plan

SALES = load_contracts()["fact_sales"]
USERS = load_contracts()["dim_users"]
STRICT = TableContract(
    table="t",
    key=("id",),
    cursor="stamp",
    columns={"id": "bigint", "stamp": "xid8", "changed": "timestamptz"},
    changed_at="changed",
)


def entry(key: int, cursor: str) -> dict[str, str]:
    return {"row_key": f'{{"sale_id":{key}}}', "raw_row": cursor}


@pytest.mark.parametrize(
    ("printed", "start"),
    [
        ("2026-05-01 10:00:00.12+00", "2026-05-01T10:00:00.120000Z"),  # DuckDB
        ("2026-05-01T12:00:00.123456+02:00", "2026-05-01T10:00:00.123456Z"),  # PostgreSQL
        ("2026-05-01T10:00:00.123Z", "2026-05-01T10:00:00.123000Z"),  # Spark
    ],
)
def test_a_replay_begins_at_the_earliest_cursor_as_each_engine_prints_it(
    printed: str, start: str
) -> None:
    later = entry(1, '{"updated_at":"2026-05-02 00:00:00+00"}')
    found = plan(SALES, [later, entry(2, f'{{"updated_at":"{printed}"}}')])
    assert (found.entries, found.start, found.lost) == (2, start, ())


@pytest.mark.parametrize("raw", ['{"updated_at":"infinity"}', '{"updated_at":null}', "{}"])
def test_a_cursor_that_cannot_be_read_is_lost(raw: str) -> None:
    found = plan(SALES, [entry(3, raw)])
    assert (found.start, found.lost) == (None, ('{"sale_id":3}',))


def test_a_strict_cursor_is_a_number() -> None:
    found = plan(STRICT, [entry(1, '{"stamp":"1200"}'), entry(2, '{"stamp":99}')])
    assert found.start == "00000000000000000099"


def test_an_example_shows_the_columns_of_the_rules_and_nothing_personal() -> None:
    raw = '{"quantity":-1,"unit_price":"NaN","status":null,"sale_id":1}'
    rules = 'ColumnValues "quantity" > 0; IsComplete "status"'
    assert example(SALES, rules, raw) == "quantity = -1, status = null"
    assert example(SALES, "unit_price: numeric(10,2) not a number", raw) == 'unit_price = "NaN"'
    assert example(USERS, 'IsComplete "email"', '{"email":"a@example.org"}') == (
        "email = (personal)"
    )
    assert example(None, 'IsComplete "gone"', raw) == ""


def test_open_entries_are_asked_for_and_shown() -> None:
    asked: list[str] = []

    def ask(sql: str) -> list[dict[str, Any]]:
        asked.append(sql)
        return [
            {
                "source_table": "fact_sales",
                "failed_rules": 'ColumnValues "quantity" > 0',
                "n": 1200,
                "row_key": '{"sale_id":1}',
                "raw_row": '{"quantity":0}',
                "since": dt.datetime(2026, 5, 1, 10, tzinfo=dt.UTC),
            }
        ]

    table = held_back(ask, "silver", "fact_sales")
    assert "superseded_by IS NULL AND source_table = 'fact_sales'" in asked[0]
    assert "1,200" in str(table.title)
    assert [next(iter(column.cells)) for column in table.columns] == [
        "fact_sales", 'ColumnValues "quantity" > 0', "1,200", "2026-05-01 10:00:00",
        '{"sale_id":1}', "quantity = 0",
    ]  # fmt: skip
    held_back(ask, "silver", None)
    assert "source_table =" not in asked[1]
    with pytest.raises(ConfigurationError, match="fact_sales"):
        held_back(ask, "silver", "sails")
