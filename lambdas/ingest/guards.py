"""SQL guards against values that PostgreSQL has and the Parquet type has not.

Numbers: `NaN` and the infinities of `numeric`, and what an `as` of the contract can't hold. Times
and dates: the infinities and years outside 1 to 9999, which Spark and Athena can't read. Arrays: a
second dimension, or one that does not begin at 1. A value is never changed: its row is set aside.
"""

from collections.abc import Mapping

from lakehouse.sqltext import identifier, literal
from lakehouse.types import ColumnType

_RANGES = {
    "timestamp with time zone": "'0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'",
    "timestamp without time zone": "'0001-01-01 00:00:00' AND '9999-12-31 23:59:59.999999'",
    "date": "'0001-01-01' AND '9999-12-31'",
}
Test = tuple[str, str]
"""A condition that is true, never NULL, for a value that can't be carried, and the reason."""


def _tests(types: Mapping[str, ColumnType]) -> dict[str, Test]:
    tests = {}
    for name, kind in types.items():
        if test := _test(f"source.{identifier(name)}", kind):
            tests[name] = test
    return tests


def _test(column: str, kind: ColumnType) -> Test | None:
    if kind.element:
        outer = f"NOT {(kind.fits or '').format(column)}"
        within = _test("element", kind.element)
        if within is None:
            return outer, "more than one dimension, or one that does not begin at 1"
        inner = f"EXISTS (SELECT FROM unnest({column}) AS element WHERE {within[0]})"
        return f"({outer} OR {inner})", f"an element is {within[1]}, or the array has dimensions"
    if kind.fits:
        return f"NOT {kind.fits.format(column)}", f"does not fit {kind.carrier}"
    if kind.decimal and kind.carrier == kind.source:
        # -Infinity and Infinity need no test: numeric(p,s) can't hold them
        return f"{column} = 'NaN'", "not a number"
    if bounds := _RANGES.get(kind.carrier):
        return f"{column} NOT BETWEEN {bounds}", "infinite or outside the years 1 to 9999"
    return None


def broken(types: Mapping[str, ColumnType]) -> str:
    """Condition over `source`: some value can't be carried. The cursor's makes it never empty."""
    return " OR ".join(test for test, _ in _tests(types).values())


def reasons(types: Mapping[str, ColumnType]) -> list[str]:
    """Expressions over `source`, each the reason as text or NULL."""
    return [
        f"CASE WHEN {test} THEN {literal(f'{name}: {types[name].source} {reason}')} END"
        for name, (test, reason) in _tests(types).items()
    ]


def carried(name: str, kind: ColumnType) -> str:
    """The column of `source` as its carrier.

    A value that the Parquet type can't carry is read as another one, and never kept: the row is
    `broken`. Testing each value once, and not again here, saves PostgreSQL a tenth of the
    statement's time. Only a cast that would fail is kept from such a value.
    """
    column = f"source.{identifier(name)}"
    value = kind.expression.format(column)
    if kind.fits and (test := _test(column, kind)):
        return f"(CASE WHEN NOT ({test[0]}) THEN {value} END)::{kind.carrier}"
    return value


def missing(kind: ColumnType) -> str:
    """A NULL of the carrier, for the columns that a delete does not tell."""
    return f"NULL::{kind.carrier}"
