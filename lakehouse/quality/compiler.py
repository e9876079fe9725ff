"""Row-level DQDL rules as SQL predicates for DuckDB, with the verdicts of the Glue job's engine.

A rule is compiled only where both engines must agree: its column's carrier suits its values, its
`where` is of the small portable sort. The others (`CustomSql`, `now()`, a number compared with a
text) are judged by the Glue job alone, which judges every rule again.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from lakehouse.contract import TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.quality.patterns import portable
from lakehouse.quality.rules import Condition, Keyword, Rule, Scope, Value
from lakehouse.sqltext import literal
from lakehouse.types import ColumnType

_INTEGERS = ("smallint", "integer", "bigint")
_FLOATS = ("real", "double precision")
_TIMES = ("timestamp with time zone", "timestamp without time zone")
_WORD = re.compile(
    r"\s+|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|'[^'\\]*'|\d+(?:\.\d+)?|<=|>=|<>|!=|[=<>(),]"
)
_WORDS = frozenset({"and", "or", "not", "in", "is", "null", "between", "true", "false"})


@dataclass(frozen=True)
class RowRule:
    """A rule's text and its predicate over the landed columns: true passes, never NULL."""

    text: str
    passes: str


class _NotPortable(Exception):  # noqa: N818 (no error: the job judges the rule)
    """The two engines need not agree."""


def compile_rules(contract: TableContract, rules: Iterable[Rule]) -> tuple[RowRule, ...]:
    """Predicates of the rules that the ingest judges, in the order of the file.

    Raises ConfigurationError, naming table and line, for a pattern that RE2 can't hold.
    """
    compiled = []
    for rule in rules:
        if rule.scope is not Scope.ROW:
            continue
        try:
            compiled.append(RowRule(rule.text, _rule(contract, rule)))
        except _NotPortable:
            continue
        except ConfigurationError as refused:
            raise ConfigurationError(f"{contract.table}.dqdl:{rule.line}: {refused}") from None
    return tuple(compiled)


def _rule(contract: TableContract, rule: Rule) -> str:
    if rule.is_composite:
        parts = (_rule(contract, nested) for nested in rule.nested)
        return "(" + f" {rule.type.upper()} ".join(parts) + ")"
    passes = _leaf(contract, rule)
    if rule.where is None:
        return passes
    return f"({passes} OR NOT coalesce({_where(contract, rule.where)}, false))"


def _leaf(contract: TableContract, rule: Rule) -> str:
    if rule.type not in ("IsComplete", "ColumnValues", "ColumnLength"):
        raise _NotPortable
    kind = contract.types.get(rule.parameters[0])
    if kind is None:  # a column that the platform itself writes
        raise _NotPortable
    column = '"' + rule.parameters[0].replace('"', '""') + '"'
    condition = rule.condition
    if condition is None:
        return f"({column} IS NOT NULL)"
    if rule.type == "ColumnLength":
        if kind.carrier != "text":
            raise _NotPortable
        return _holds(f"coalesce(length({column}), 0)", "integer", condition)
    return _holds(column, _sort(kind), condition)


def _sort(kind: ColumnType) -> str:
    return "numeric" if kind.decimal else kind.carrier


def _holds(column: str, sort: str, condition: Condition) -> str:
    operator, values = condition.operator, condition.values
    if operator in ("=", "in", "!=", "not in"):
        any_of = " OR ".join(_is(column, sort, value) for value in values)
        return f"({any_of})" if operator in ("=", "in") else f"(NOT ({any_of}))"
    if operator in ("matches", "not matches"):
        if sort != "text":
            raise _NotPortable
        test = f"regexp_full_match({column}, {literal(portable(str(values[0])))})"
        passed = test if operator == "matches" else f"NOT {test}"
    elif operator in ("between", "not between"):
        low, high = (_literal(sort, value) for value in values)
        passed = (
            f"{column} > {low} AND {column} < {high}"
            if operator == "between"
            else f"{column} <= {low} OR {column} >= {high}"
        )
    else:
        passed = f"{column} {operator} {_literal(sort, values[0])}"
    return f"coalesce({passed}, false)"


def _is(column: str, sort: str, value: Value) -> str:
    if value is Keyword.NULL:
        return f"{column} IS NULL"
    if isinstance(value, Keyword):
        if sort != "text":
            raise _NotPortable
        blank = f"{column} = ''"
        if value is Keyword.WHITESPACES_ONLY:
            blank = f"length({column}) > 0 AND trim({column}, ' ') = ''"
        return f"coalesce({blank}, false)"
    return f"coalesce({column} = {_literal(sort, value)}, false)"


def _literal(sort: str, value: Value) -> str:
    if isinstance(value, Decimal) and sort in (*_INTEGERS, "numeric"):
        return f"{value:f}"
    if isinstance(value, Decimal) and sort == "double precision":
        return f"{value:f}::DOUBLE"
    if isinstance(value, str) and not isinstance(value, Keyword):
        if sort == "text":
            return literal(value)
        try:
            if sort == "date":
                return f"DATE {literal(date.fromisoformat(value).isoformat())}"
            if sort in _TIMES and datetime.fromisoformat(value).tzinfo is None:
                zone = "+00" if sort == _TIMES[0] else ""
                kind = "TIMESTAMPTZ" if zone else "TIMESTAMP"
                return f"{kind} {literal(datetime.fromisoformat(value).isoformat(' ') + zone)}"
        except ValueError:
            pass
    raise _NotPortable


def _where(contract: TableContract, text: str) -> str:
    """The condition, if it is of names, literals, comparisons, AND, OR, NOT, IN, IS, BETWEEN."""
    parts, position = [], 0
    while position < len(text):
        match = _WORD.match(text, position)
        name = match and match["name"]
        if match is None or (name and name not in contract.types and name.lower() not in _WORDS):
            raise _NotPortable
        parts.append(f'"{name}"' if name and name in contract.types else match.group())
        position = match.end()
    return "(" + "".join(parts) + ")"
