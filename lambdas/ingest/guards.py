"""SQL guards against values that PostgreSQL has and the Parquet type has not.

Numbers: `NaN` and the infinities of `numeric`. Times and dates: the infinities and years outside
1 to 9999, which Spark and Athena can't read. A value is never changed: its row is set aside.
"""

from collections.abc import Mapping

from lakehouse.types import ColumnType
from lambdas.ingest.statements import identifier, literal

_RANGES = {
    "timestamp with time zone": "'0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'",
    "date": "'0001-01-01' AND '9999-12-31'",
}


def _tests(types: Mapping[str, ColumnType]) -> dict[str, tuple[str, str]]:
    tests = {}
    for name, kind in types.items():
        column = f"source.{identifier(name)}"
        if kind.source.startswith("numeric"):
            # -Infinity and Infinity need no test: numeric(p,s) can't hold them
            tests[name] = (f"{column} = 'NaN'", "not a number")
        elif bounds := _RANGES.get(kind.source):
            tests[name] = (
                f"{column} NOT BETWEEN {bounds}",
                "infinite or outside the years 1 to 9999",
            )
    return tests


def broken(types: Mapping[str, ColumnType]) -> str:
    """Condition over `source`: some value can't be carried. The cursor's makes it never empty."""
    return " OR ".join(test for test, _ in _tests(types).values())


def reasons(types: Mapping[str, ColumnType]) -> list[str]:
    """Expressions over `source`, each the reason as text or NULL."""
    return [
        f"CASE WHEN {test} THEN {literal(f'{name}: {types[name].source} {reason}')} END"
        for name, (test, reason) in _tests(types).items()
    ]


def carried(name: str) -> str:
    """The column of `source` as it is.

    What its Parquet type can't carry is read as another value, and never kept: the row is `broken`.
    Testing each value once, and not again here, saves PostgreSQL a tenth of the statement's time.
    """
    return f"source.{identifier(name)}"
