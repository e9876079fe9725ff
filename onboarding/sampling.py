"""Looks at a bounded sample of each table; the rows themselves stay in the database.

What comes back are counts, extremes of numbers and times, and the values of columns that have very
few, never those of columns whose names say that they are personal.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from lakehouse.sqltext import identifier, literal
from onboarding import personal
from onboarding.connection import Session
from onboarding.facts import MATERIALIZED, PARTITIONED, TABLE, Column, Sample, Seen, Table

SAMPLE_ROWS: Final = 20_000
COUNT_ROWS: Final = 200_000
"""A table with fewer rows is counted, by a look that ends there."""
FEW_VALUES: Final = 12
_COLUMNS_AT_ONCE: Final = 60
"""PostgreSQL returns 1,664 columns at most."""
_NUMBERS: Final = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_TIMES: Final = ("date", "timestamp")
_TEXTS: Final = ("text", "character", "citext", "bpchar", "name")


def look(session: Session, table: Table) -> Sample | str:
    """The sample of a table, within a read-only transaction; or why there is none."""
    columns = [column for column in table.columns if column.is_readable]
    counted = count_rows(session, table)
    if isinstance(counted, str):
        return counted
    count = counted if counted is not None else COUNT_ROWS + 1
    is_whole = count <= SAMPLE_ROWS
    some = _some(table, columns, is_whole, max(table.rows, count))
    seen: dict[str, Seen] = {}
    sampled = count if is_whole else 0
    for start in range(0, len(columns), _COLUMNS_AT_ONCE):
        part = columns[start : start + _COLUMNS_AT_ONCE]
        found = session.attempt(_statement(part, some))
        if isinstance(found, str):
            return found
        values = iter(found[0])
        sampled = int(next(values))
        seen |= {column.name: _seen(column, values) for column in part}
    if few := [c for c in columns if _has_few(c, seen[c.name], sampled)]:
        found = session.attempt(
            f"SELECT {', '.join(f'array_agg(DISTINCT {_text(c)})' for c in few)} FROM {some}"
        )
        if not isinstance(found, str):
            for column, values in zip(few, found[0], strict=True):
                known = tuple(sorted(value for value in values if value is not None))
                seen[column.name] = _with_values(seen[column.name], known)
    return Sample(sampled, is_whole, seen, counted)


def count_rows(session: Session, table: Table) -> int | str | None:
    """The exact number of rows, None where they are too many to count, or why it is not known."""
    found = session.attempt(
        f"SELECT count(*) FROM (SELECT FROM {table.relation} LIMIT {COUNT_ROWS + 1}) AS sample"
    )
    if isinstance(found, str):
        return found
    return int(found[0][0]) if found[0][0] <= COUNT_ROWS else None


def sort_of(column: Column) -> str:
    """`number`, `time`, `text`, or nothing: what can be said of the column's values."""
    kind = column.base or column.type
    if column.kind == "e":
        return "text"
    if kind.endswith("[]") or column.kind not in ("b", "d"):
        return ""
    for sort, names in (("number", _NUMBERS), ("time", _TIMES), ("text", _TEXTS)):
        if kind.startswith(names):
            return sort
    return "other" if kind in ("boolean", "uuid") else ""


def _some(table: Table, columns: Sequence[Column], is_whole: bool, rows: int) -> str:
    names = ", ".join(identifier(column.name) for column in columns)
    sampling = ""
    if not is_whole and table.sort in (TABLE, PARTITIONED, MATERIALIZED):
        percent = min(100.0, 100.0 * 2 * SAMPLE_ROWS / max(rows, 1))
        sampling = f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (8)"
    return f"(SELECT {names} FROM {table.relation}{sampling} LIMIT {SAMPLE_ROWS}) AS sample"


def _statement(columns: Iterable[Column], some: str) -> str:
    asked = ["count(*)"]
    for column in columns:
        name, sort = identifier(column.name), sort_of(column)
        asked.append(f"count(*) FILTER (WHERE {name} IS NULL)")
        if sort:
            asked.append(f"count(DISTINCT {_text(column)})")
        if sort in ("number", "time"):
            asked += [f"min({name})::text", f"max({name})::text"]
        if sort == "text":
            asked.append(f"max(length({_text(column)}))")
            asked += [
                f"count(*) FILTER (WHERE {_text(column)} ~* {literal(pattern)})"
                for pattern in personal.PATTERNS.values()
            ]
    return f"SELECT {', '.join(asked)} FROM {some}"


def _seen(column: Column, values: Iterator[Any]) -> Seen:
    sort = sort_of(column)
    nulls = int(next(values))
    distinct = int(next(values)) if sort else None
    lowest, highest = (next(values), next(values)) if sort in ("number", "time") else (None, None)
    longest, matches = None, {}
    if sort == "text":
        longest = next(values)
        matches = {kind: int(next(values)) for kind in personal.PATTERNS}
    return Seen(nulls, distinct, lowest, highest, longest, matches)


def _has_few(column: Column, seen: Seen, sampled: int) -> bool:
    return (
        sort_of(column) == "text"
        and seen.distinct is not None
        and 0 < seen.distinct <= FEW_VALUES
        and sampled >= 5 * seen.distinct
        and not personal.is_personal(column, seen, sampled)
    )


def _with_values(seen: Seen, values: tuple[str, ...]) -> Seen:
    return Seen(
        seen.nulls, seen.distinct, seen.lowest, seen.highest, seen.longest, seen.matches, values
    )


def _text(column: Column) -> str:
    return f"{identifier(column.name)}::text"
