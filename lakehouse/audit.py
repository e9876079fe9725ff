"""The full audit: source against silver, all rows, hashed by PostgreSQL and by Athena.

Both sides are cut into ranges of the row hash and summed. Hashes are even and are numbers, while
keys are neither and sort differently in two engines. A range that differs is cut again until it is
small, and then its rows are listed: a row that one side lacks is a difference, named by its key.

What is compared is what silver must hold: rows stamped before the end of the last merged window. A
key that changed since (by its cursor, or by a tombstone) may look different on both sides, as may
one whose newest version is held back; those are left out on both. Pure, but for the two askers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakehouse.columns import IS_CURRENT, ROW_HASH
from lakehouse.contract import History, TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.rowhash import content, is_hashed_by_athena, row_hash
from lakehouse.sourcetable import named_rows, tombstones
from lakehouse.sqltext import literal

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""A statement to its rows. Of the source all in one snapshot."""
Range = tuple[int, int]
"""From (inclusive), to (exclusive): row hashes."""
Sums = dict[int, tuple[int, int]]
"""Part of a range to rows and content."""

EVERYTHING: Final[Range] = (0, 2**60)
PARTS: Final = 1024
"""Parts that a range is cut into by one question."""
LISTED: Final = 2000
"""Rows of a part that are listed instead of cutting it again."""
_KEYS: Final = 500
"""Keys named by one question."""


@dataclass(frozen=True)
class Report:
    """What an audit found; keys as the text of their columns, joined by a comma."""

    table: str
    horizon: str
    source_rows: int
    silver_rows: int
    left_out: int
    """Keys that changed since, or are held back."""
    missing: list[str] = field(default_factory=list)
    """In the source, not in silver."""
    unknown: list[str] = field(default_factory=list)
    """In silver, not in the source."""
    different: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether both sides hold the same rows."""
        return not (self.missing or self.unknown or self.different)


@dataclass(frozen=True)
class Side:
    """One side's rows before the horizon: how to ask, and its relation of `k` (key) and `h`."""

    ask: Ask
    rows: str
    summed: str

    def sums(self, within: Range) -> Sums:
        """Rows and content of the parts of a range that have rows."""
        low, high = within
        width = _width(within)
        found = self.ask(
            f"SELECT (h - {low}) / {width} AS part, count(*) AS n, {self.summed} AS total "
            f"FROM ({self.rows}) AS hashed WHERE h >= {low} AND h < {high} "
            f"GROUP BY (h - {low}) / {width}"
        )
        return {int(part): (int(n), int(total)) for part, n, total in found}

    def listed(self, within: Range) -> dict[str, int]:
        """Key to hash of the range's rows."""
        low, high = within
        sql = f"SELECT k, h FROM ({self.rows}) AS hashed WHERE h >= {low} AND h < {high}"
        return {str(key): int(number) for key, number in self.ask(sql)}

    def of_keys(self, keys: Iterable[str]) -> dict[str, int]:
        """Key to hash of the rows with these keys."""
        found: dict[str, int] = {}
        wanted = sorted(keys)
        for start in range(0, len(wanted), _KEYS):
            listed = ", ".join(literal(key) for key in wanted[start : start + _KEYS])
            sql = f"SELECT k, h FROM ({self.rows}) AS hashed WHERE k IN ({listed})"
            found |= {str(key): int(number) for key, number in self.ask(sql)}
        return found


def source_side(ask: Ask, contract: TableContract, horizon: str) -> Side:
    """The source as PostgreSQL hashes it."""
    found = (
        f"SELECT {_key(contract, 'text')} AS k, {row_hash(contract, 'postgres')} AS h "
        f"FROM {named_rows(contract)} AS source WHERE {_before(contract, horizon, 'timestamptz')}"
    )
    return Side(ask, found, content("h", "postgres"))


def silver_side(ask: Ask, contract: TableContract, horizon: str, silver: str) -> Side:
    """Silver as Athena hashes its columns; where it can't, by the hash that is stored."""
    hashed = row_hash(contract, "athena") if is_hashed_by_athena(contract) else ROW_HASH
    current = f" AND {IS_CURRENT}" if contract.history is History.SCD2 else ""
    found = (
        f"SELECT {_key(contract, 'varchar')} AS k, {hashed} AS h "
        f'FROM {silver}."{contract.table}" '
        f"WHERE {_before(contract, horizon, 'timestamp(6) with time zone')}{current}"
    )
    return Side(ask, found, content("h", "athena"))


def changed_since(ask: Ask, contract: TableContract, horizon: str) -> set[str]:
    """Keys that a later window will deliver: stamped, or marked by a tombstone, at `horizon` on."""
    if contract.is_snapshot:  # nothing tells; whoever writes meanwhile is seen as a difference
        return set()
    place = _place(contract, horizon, "timestamptz")
    sql = (
        f"SELECT {_key(contract, 'text')} FROM {named_rows(contract)} AS source "
        f'WHERE "{contract.cursor}" >= {place}'
    )
    found = {str(row[0]) for row in ask(sql)}
    if contract.has_tombstones:
        column = "deleted_xid" if contract.is_strict else "deleted_at"
        parts = [f"row_key ->> {literal(contract.in_source(name))}" for name in contract.key]
        key = parts[0] if len(parts) == 1 else f"concat_ws(',', {', '.join(parts)})"
        found |= {
            str(row[0])
            for row in ask(
                f"SELECT {key} FROM {tombstones(contract)} WHERE source_table = "
                f"{literal(contract.source_name)} AND row_key IS NOT NULL AND {column} >= {place}"
            )
        }
    return found


def compare(
    contract: TableContract, horizon: str, source: Side, silver: Side, left_out: set[str]
) -> Report:
    """Compares both sides but for the keys `left_out`."""
    apart = source.of_keys(left_out), silver.of_keys(left_out)
    found: tuple[dict[str, int], dict[str, int]] = ({}, {})
    totals = [0, 0]
    for within, counts in _differing(source, silver, apart, EVERYTHING):
        if within == EVERYTHING:
            totals = list(counts)
            continue
        for side, rows in zip((source, silver), found, strict=True):
            listed = side.listed(within)
            rows.update({key: h for key, h in listed.items() if key not in left_out})
    here, there = found
    return Report(
        contract.table,
        horizon,
        totals[0],
        totals[1],
        len(left_out),
        missing=sorted(here.keys() - there.keys()),
        unknown=sorted(there.keys() - here.keys()),
        different=sorted(key for key in here.keys() & there.keys() if here[key] != there[key]),
    )


def _differing(
    source: Side,
    silver: Side,
    apart: tuple[Mapping[str, int], Mapping[str, int]],
    within: Range,
) -> Iterator[tuple[Range, tuple[int, int]]]:
    """The small ranges that differ, after the range itself with the rows of both sides."""
    sums = [
        _without(side.sums(within), rows.values(), within)
        for side, rows in zip((source, silver), apart, strict=True)
    ]
    here, there = sums
    rows = sum(n for n, _ in here.values()), sum(n for n, _ in there.values())
    if within == EVERYTHING:
        yield within, rows
    low, width = within[0], _width(within)
    for part in sorted(here.keys() | there.keys()):
        mine, theirs = here.get(part, (0, 0)), there.get(part, (0, 0))
        if mine == theirs:
            continue
        inner = (low + part * width, min(low + (part + 1) * width, within[1]))
        if mine[0] + theirs[0] <= LISTED or width == 1:
            yield inner, (mine[0], theirs[0])
        else:
            yield from _differing(source, silver, apart, inner)


def _without(sums: Sums, hashes: Iterable[int], within: Range) -> Sums:
    left = dict(sums)
    for number in hashes:
        if within[0] <= number < within[1]:
            part = (number - within[0]) // _width(within)
            rows, total = left[part]
            left[part] = rows - 1, total - number
    return {part: counted for part, counted in left.items() if counted[0]}


def _width(within: Range) -> int:
    return -(-(within[1] - within[0]) // PARTS)


def _key(contract: TableContract, text: str) -> str:
    parts = [f'CAST("{name}" AS {text})' for name in contract.key]
    return parts[0] if len(parts) == 1 else f"concat_ws(',', {', '.join(parts)})"


def _before(contract: TableContract, horizon: str, kind: str) -> str:
    if contract.is_snapshot:
        return "true"
    return f'"{contract.cursor}" < {_place(contract, horizon, kind)}'


def _place(contract: TableContract, horizon: str, kind: str) -> str:
    if contract.is_strict:
        number = str(int(horizon))
        return f"'{number}'::xid8" if kind == "timestamptz" else f"DECIMAL '{number}'"
    if not horizon.endswith("Z"):
        raise ConfigurationError(f"{contract.table}: {horizon!r} is no time in UTC")
    at = horizon.replace("T", " ").removesuffix("Z")
    return f"TIMESTAMPTZ '{at}+00'" if kind == "timestamptz" else f"TIMESTAMP '{at} UTC'"
