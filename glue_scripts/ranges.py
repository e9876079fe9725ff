"""Where keys lie: conditions and file groups by which Iceberg leaves files out unread.

They look at the first key column. Its values are compared as numbers or texts, whatever its type;
a type that is not among `_KINDS` (a float, bytes) narrows nothing.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

MANY: Final = 20_000
"""Keys beyond this number are taken for one range from the least to the greatest."""
MOST_RANGES: Final = 64
"""Ranges in one condition: an Iceberg scan tests each file against each of them."""


@dataclass(frozen=True)
class _Kind:
    """How values of a type are brought to Python, and back as a literal in SQL."""

    encode: Callable[[Column], Column]
    literal: Callable[[Any], str]


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


_NUMBER = _Kind(lambda column: column, str)
_KINDS: Final = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), _NUMBER),
    "string": _Kind(lambda column: column, _text),
    "date": _Kind(fn.unix_date, lambda days: f"date_from_unix_date({days})"),
    "timestamp": _Kind(fn.unix_micros, lambda micros: f"timestamp_micros({micros})"),
}


def _kind(type_name: str) -> _Kind | None:
    return _NUMBER if type_name.startswith("decimal") else _KINDS.get(type_name)


@dataclass(frozen=True)
class Keys:
    """The distinct values of a key column, in order; only the outermost two where they are many."""

    column: str
    type_name: str
    values: list[Any]
    are_many: bool

    @classmethod
    def of(cls, frame: DataFrame, column: str) -> "Keys | None":
        """Collects them; None where the type can't be ranged, or a key is NULL."""
        type_name = dict(frame.dtypes)[column]
        if (kind := _kind(type_name)) is None:
            return None
        encoded = frame.select(kind.encode(fn.col(f"`{column}`")).alias("k"))
        found = [row[0] for row in encoded.distinct().limit(MANY + 1).collect()]
        if None in found:
            return None
        if len(found) <= MANY:
            return cls(column, type_name, sorted(found), False)
        row = encoded.agg(fn.min("k"), fn.max("k"), fn.count_if(fn.col("k").isNull())).first()
        assert row is not None
        return None if row[2] else cls(column, type_name, [row[0], row[1]], True)

    def literal(self, value: Any) -> str:
        """A value as SQL of the column's type."""
        kind = _kind(self.type_name)
        assert kind is not None
        return f"CAST({kind.literal(value)} AS {self.type_name})"

    def within(self, ranges: Iterable[tuple[Any, Any]]) -> Column:
        """Condition that the column is in one of the ranges, their ends included."""
        tests = [
            f"`{self.column}` BETWEEN {self.literal(low)} AND {self.literal(high)}"
            for low, high in ranges
        ]
        return fn.expr(" OR ".join(tests) or "false")

    def condition(self) -> Column:
        """The keys as at most `MOST_RANGES` ranges, broken at the widest gaps."""
        values = self.values
        if self.are_many or not values:
            return self.within([(values[0], values[-1])] if values else [])
        edges = [0, *_widest_gaps(values, MOST_RANGES - 1), len(values)]
        return self.within((values[a], values[b - 1]) for a, b in pairwise(edges))


def _widest_gaps(values: Sequence[Any], count: int) -> list[int]:
    """Indexes at which a new range begins. Texts have no distance: they are cut evenly."""
    places = range(1, len(values))
    if isinstance(values[0], str):
        step = -(-len(values) // (count + 1))
        return list(range(step, len(values), step))
    widest = sorted(places, key=lambda at: values[at] - values[at - 1], reverse=True)[:count]
    return sorted(widest)


def near(frame: DataFrame, keys: DataFrame) -> DataFrame:
    """The rows of `frame` whose key is in `keys`, a frame of that one column."""
    (column,) = keys.columns
    found = Keys.of(keys, column)
    if found is not None:
        frame = frame.where(found.condition())
    return frame.join(fn.broadcast(keys), column, "left_semi")


@dataclass(frozen=True)
class Group:
    """Files of a table whose ranges of keys overlap, all together; mostly one file."""

    low: Any
    high: Any
    size: int
    """Bytes."""
    rows: int


def groups(spark: SparkSession, table: str, keys: Keys) -> list[Group] | None:
    """The table's files in order of their keys; None where a file does not tell its range."""
    kind = _kind(keys.type_name)
    assert kind is not None
    bounds = [
        kind.encode(fn.col(f"readable_metrics.`{keys.column}`.{end}_bound"))
        for end in ("lower", "upper")
    ]
    files = spark.table(f"{table}.files").select(*bounds, "file_size_in_bytes", "record_count")
    found = [Group(*row) for row in files.collect()]
    if any(group.low is None or group.high is None for group in found):
        return None
    merged: list[Group] = []
    for group in sorted(found, key=lambda g: g.low):
        if merged and group.low <= merged[-1].high:
            last = merged.pop()
            group = Group(
                last.low, max(last.high, group.high), last.size + group.size, last.rows + group.rows
            )
        merged.append(group)
    return merged


def place(found: Sequence[Group], value: Any) -> int:
    """Index of the group that holds the value or, in a gap, lies before it; -1 before the first."""
    return bisect_right(found, value, key=lambda group: group.low) - 1
