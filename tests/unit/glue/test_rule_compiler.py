"""Rules compiled for the ingest give every row the verdict that the Glue job's engine gives it.

The cases are those of the engine's own test, which runs them in Spark.
"""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.contract import TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.dqdl import parse
from lakehouse.quality.patterns import portable
from lakehouse.quality.rules import Rule, Scope

CASES = tomllib.loads((Path(__file__).parents[2] / "cases/dqdl/evaluate.toml").read_text())["case"]
_POSTGRES = {
    "int": "integer", "bigint": "bigint", "string": "text", "double": "double precision",
    "timestamp": "timestamptz", "date": "date", "boolean": "boolean", "long": "bigint",
}  # fmt: skip
_LEFT_TO_THE_JOB = ("CustomSql", "now()")


def _contract(schema: str) -> TableContract:
    columns = {"row_number": "integer", "stamped_at": "timestamptz"}
    for part in schema.split(", "):
        name, kind = part.split(" ", 1)
        columns[name] = _POSTGRES.get(kind, kind.replace("decimal", "numeric"))
    return TableContract(table="t", key=("row_number",), cursor="stamped_at", columns=columns)


def _row_level(rule: Rule) -> bool:
    return rule.scope is Scope.ROW


def _judged() -> list[dict[str, str]]:
    return [
        case
        for case in CASES
        if "by_row" in case
        and _row_level(parse(f"Rules = [ {case['rule']} ]")[0])
        and not any(word in case["rule"] for word in _LEFT_TO_THE_JOB)
        # a contract's rules can't name a column that the contract lacks
        and "does not exist" not in case["title"]
    ]


@pytest.mark.parametrize("case", _judged(), ids=lambda case: case["title"])
def test_case(case: dict[str, str]) -> None:
    contract = _contract(case["schema"])
    [rule] = compile_rules(contract, parse(f"Rules = [ {case['rule']} ]"))
    types = {n: k for n, k in contract.types.items() if n not in ("row_number", "stamped_at")}
    connection = duckdb.connect()
    columns = ", ".join(f'"{name}" {kind.duckdb}' for name, kind in types.items())
    connection.execute(f"CREATE TABLE t (row_number INTEGER, {columns})")
    for number, row in enumerate(json.loads(case["rows"], parse_float=Decimal)):
        marks = ", ".join("?" * (len(row) + 1))
        connection.execute(f"INSERT INTO t VALUES ({marks})", [number, *row])
    found = connection.execute(f"SELECT {rule.passes} FROM t ORDER BY row_number").fetchall()
    # a row outside the rule's `where` is skipped by the job, and goes on as one that passed
    assert [passed for [passed] in found] == [letter in "PS" for letter in case["by_row"]]


def test_many_cases_are_judged_before_bronze() -> None:
    assert len(_judged()) >= 15


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)b",
        r"(a)\1",
        r"\bword",
        "a++",
        "[a[b]]",
        "a$|b",
        r"\p{L}",
        "a{1001}",
        "[a&&b]",
        "(?i)a",
    ],
)
def test_a_pattern_that_re2_cannot_hold_is_refused(pattern: str) -> None:
    contract = _contract("a string")
    with pytest.raises(ConfigurationError, match=r"t\.dqdl:1: .*is not read alike"):
        compile_rules(contract, (parse('Rules = [ ColumnValues "a" = "x" ]')[0], *_rule(pattern)))


def _rule(pattern: str) -> tuple[Rule, ...]:
    from lakehouse.quality.rules import Condition

    condition = Condition("matches", (pattern,))
    return (Rule("ColumnValues", pattern, 1, ("a",), condition),)


@pytest.mark.parametrize(
    ("pattern", "text", "matched"),
    [
        (".+@.+", "a@b", True),
        (".+@.+", "a\n@b", False),
        (".+", "a\u2028", False),
        (r"\s", "\x0b", True),
        (r"[\s]", "\x0b", True),
        (r"\d+", "٣", False),
        ("^a.c$", "abc", True),
        ("a|b", "ab", False),
        (r"a\.b", "axb", False),
        (".", "😀", True),
    ],
)
def test_patterns_mean_what_java_means(pattern: str, text: str, matched: bool) -> None:
    found = duckdb.execute("SELECT regexp_full_match(?, ?)", [text, portable(pattern)]).fetchone()
    assert found == (matched,)


@settings(deadline=None)
@given(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(-5, 5),
       st.lists(st.none() | st.integers(-5, 5), min_size=1))  # fmt: skip
def test_no_row_is_left_without_a_verdict(
    operator: str, limit: int, values: list[int | None]
) -> None:
    contract = _contract("a int")
    [rule] = compile_rules(contract, parse(f'Rules = [ ColumnValues "a" {operator} {limit} ]'))
    rows = pa.table({"a": pa.array(values, pa.int32())})  # noqa: F841 (DuckDB reads it)
    with duckdb.connect() as connection:
        found = [
            passed for [passed] in connection.execute(f"SELECT {rule.passes} FROM rows").fetchall()
        ]
    python = {"=": "==", "!=": "!="}.get(operator, operator)
    assert found == [
        operator == "!=" if v is None else eval(f"{v} {python} {limit}") for v in values
    ]
