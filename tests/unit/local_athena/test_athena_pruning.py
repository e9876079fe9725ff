"""Which conditions leave partitions and files out: those that every row of the answer meets."""

from typing import Any

import pytest
from sqlglot import exp

from local.engines.athena.parsing import parse
from local.engines.athena.pruning import Bound, bounds, excluded


def _bounds(where: str, source: str = "lake.t AS b") -> list[tuple[str, str, str]]:
    tree: Any = parse(f"SELECT 1 FROM {source} WHERE {where}")
    table = next(t for t in tree.find_all(exp.Table) if t.name == "t")
    return [(one.column, one.operator.__name__, one.text) for one in bounds(table)]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("day = '1'", [("day", "EQ", "1")]),
        ("b.\"Day\" > '1' AND (x = 2 AND day <= '3')", [("day", "GT", "1"), ("day", "LTE", "3")]),
        ("day BETWEEN '1' AND '2'", [("day", "GTE", "1"), ("day", "LTE", "2")]),
        ("'1' < day", [("day", "GT", "1")]),
        ("day = '1' OR x = 2", []),
        ("NOT day = '1'", []),
        ("other.day = '1'", []),
        ("upper(day) = '1'", []),
        ("day > 1", []),
        ("day NOT BETWEEN '1' AND '2'", []),
    ],
)
def test_conditions(where: str, found: list[tuple[str, str, str]]) -> None:
    assert _bounds(where) == found


def test_a_join_is_left_alone() -> None:
    assert _bounds("day = '1'", "lake.t AS b LEFT JOIN lake.u ON b.x = u.x") == []


@pytest.mark.parametrize(
    ("operator", "text", "is_out"),
    [
        (exp.GT, "c", True), (exp.GT, "b", False), (exp.GTE, "c", False), (exp.GTE, "d", True),
        (exp.LT, "a", True), (exp.LT, "b", False), (exp.LTE, "a", False), (exp.LTE, "A", True),
        (exp.EQ, "b", False), (exp.EQ, "d", True),
    ],
)  # fmt: skip
def test_a_range_from_a_to_c(operator: type[exp.Expression], text: str, is_out: bool) -> None:
    assert excluded([Bound("x", operator, text)], {"x": ("a", "c")}) is is_out
    assert not excluded([Bound("x", operator, text)], {"y": ("a", "c")})
