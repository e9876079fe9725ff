"""docs/types.md says of each type what lakehouse/types.py does; names and refusals of types."""

from pathlib import Path

import pytest

from lakehouse.errors import ConfigurationError
from lakehouse.types import CAST, EXACT, PLAIN, canonical, column_type

DOCUMENT = Path(__file__).parents[3] / "docs" / "types.md"


def table() -> list[str]:
    """The document's first table."""
    rows = ["| PostgreSQL | Parquet | Spark | Athena | made by |", "|---|---|---|---|---|"]
    for source in (*EXACT, *CAST):
        kind = column_type(source)
        made = "as it is" if kind.expression == PLAIN else f"`{kind.expression.format('column')}`"
        rows.append(f"| `{source}` | {kind.duckdb} | {kind.spark} | {kind.athena} | {made} |")
    return rows


def test_the_document_has_every_type() -> None:
    lines = DOCUMENT.read_text().splitlines()
    start = lines.index(table()[0])
    assert lines[start : start + len(table())] == table()
    assert lines[start + len(table())] == ""


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("INT8", "bigint"),
        ("varchar( 20 )", "character varying(20)"),
        ("char", "character(1)"),
        ("numeric(5)", "numeric(5,0)"),
        ("decimal(12, 2)", "numeric(12,2)"),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("timestamp(3) with time zone", "timestamp(3) with time zone"),
        ("time", "time without time zone"),
        ("varbit(5)", "bit varying(5)"),
        ("int4[]", "integer[]"),
        ('"Mood"', '"Mood"'),
    ],
)
def test_names_are_those_of_format_type(written: str, name: str) -> None:
    assert canonical(written) == name


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("mood", "declare it as 'mood as text'"),
        ("numeric(39,2)", "declare it as 'numeric(39,2) as text'"),
        ("numeric(2,-1)", "declare it as 'numeric(2,-1) as text'"),
        ("numeric as numeric(40,2)", "does not fit decimal(38)"),
        ("bytea[]", "has no exact list"),
        ("integer[][]", "has no exact list"),
        ("integer as bigint", "carried as text, as numeric(p,s), as a narrower number"),
    ],
)
def test_what_is_not_exact_is_refused_with_the_remedy(declared: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        column_type(declared)
    assert words in str(refused.value)
