"""What parity calls a difference: a name, a type, a value, a row more or less."""

import pytest

from local.engines.athena.result import Column, QueryResult
from local.engines.athena.types import BIGINT, Type, decimal, timestamp
from local.engines.trino.server import Answer
from local.parity import difference

TYPES = {"n": BIGINT, "d": decimal(5, 2), "f": Type("double"), "b": Type("boolean"),
         "t": timestamp(3)}  # fmt: skip
LIGHT = QueryResult(
    [Column.of(name, type_) for name, type_ in TYPES.items()],
    [("1", "2.50", "1.0E7", "true", "2026-03-01 00:00:00.000"), (None, "0.00", "NaN", None, None)],
)
COLUMNS = (("n", "bigint"), ("d", "decimal(5,2)"), ("f", "double"), ("b", "boolean"),
           ("t", "timestamp(3)"))  # fmt: skip
ROWS = [[None, "0.00", "NaN", None, None], [1, "2.50", 1e7, True, "2026-03-01 00:00:00.000"]]


def test_order_does_not_matter() -> None:
    assert difference(LIGHT, Answer(COLUMNS, ROWS)) == ""


@pytest.mark.parametrize(
    ("columns", "rows", "told"),
    [
        ((("m", "bigint"), *COLUMNS[1:]), ROWS, "column 'n' here is 'm' in Trino"),
        ((("n", "integer"), *COLUMNS[1:]), ROWS, "n is bigint here, integer in Trino"),
        (COLUMNS[:4], [row[:4] for row in ROWS], "5 columns here, 4 in Trino"),
        (COLUMNS, ROWS[:1], "1 rows only here, 0 only in Trino"),
        (COLUMNS, [*ROWS, ROWS[0]], "0 rows only here, 1 only in Trino"),
        (COLUMNS, [ROWS[0], [2, *ROWS[1][1:]]], "1 rows only here, 1 only in Trino"),
    ],
)
def test_differences(
    columns: tuple[tuple[str, str], ...], rows: list[list[object]], told: str
) -> None:
    assert difference(LIGHT, Answer(columns, rows)).startswith(told)
