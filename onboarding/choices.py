"""Decides how a table can be captured: its key, its cursor, how deletes are seen; pure.

Each decision says what it rests on, and, where there is none, what to do about it.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from lakehouse.contract import Capture, Deletes, History
from onboarding.facts import (
    BEFORE,
    DELETE,
    FOREIGN,
    INSERT,
    PREFIX,
    ROW,
    TRUNCATE,
    UPDATE,
    Column,
    Sample,
    Seen,
    Table,
    Trigger,
)
from onboarding.names import snake

SNAPSHOT_ROWS: Final = 100_000
"""A table with more rows is not read whole in every run."""
SNAPSHOT_BYTES: Final = 64 * 1024**2
OUR_CURSOR: Final = f"{PREFIX}updated_at"
"""The column that `make prepare-source` adds where there is no time of change."""
TIME: Final = "timestamp with time zone"
_CHANGED: Final = re.compile(
    r"(^|_)(updated?|modified|modify|modification|changed?|last_update|mtime|touched)(_|$)"
)
_STATUS: Final = re.compile(r"(^|_)(status|state|stage|phase)$")
_PLACE: Final = re.compile(r"(^|_)(city|zip|postal_?code|country|province|address)")


@dataclass(frozen=True)
class Key:
    """The columns that identify a row, by their names in the source."""

    columns: tuple[str, ...]
    why: str
    is_declared: bool = True
    """False where only the sample says that they are unique: a view has no constraint."""


@dataclass(frozen=True)
class Cursor:
    """A column that changes advance."""

    column: str
    why: str
    is_maintained: bool
    """A trigger keeps it, whatever a writer does."""
    is_indexed: bool
    changed_at: str | None = None
    """The column with a change's time, where the cursor is an `xid8`."""


@dataclass(frozen=True)
class Choice:
    """How a table would be captured. `refusal` is one line with its remedy, where it can't be."""

    key: Key | None = None
    capture: Capture = Capture.CURSOR
    cursor: Cursor | None = None
    deletes: Deletes = Deletes.AUDIT
    history: History = History.CURRENT
    history_why: str = ""
    transitions: str | None = None
    refusal: str = ""
    missing: tuple[str, ...] = field(default=())
    """What `make prepare-source` would add: `trigger`, `index`, `tombstones`."""


def choose_capture(
    table: Table, sample: Sample | str, referenced_by: int, *, snapshots: bool = True
) -> Choice:
    """The best that the table allows now; `referenced_by` other tables name it in foreign keys.

    Without `snapshots` a small table is treated as a large one.
    """
    if refusal := _hopeless(table, sample):
        return Choice(refusal=refusal)
    assert isinstance(sample, Sample)
    key = choose_key(table, sample)
    if isinstance(key, str):
        return Choice(refusal=key)
    cursor = choose_cursor(table)
    small = is_small(table, sample)
    if (
        snapshots
        and small
        and not (cursor and cursor.is_maintained and cursor.is_indexed and _seen(table))
    ):
        history, why = _history(table, referenced_by, None)
        return Choice(key, Capture.SNAPSHOT, history=history, history_why=why)
    if table.is_view:
        return Choice(
            key,
            refusal=f"{table.full_name} is a view of {sample.rows(table):,} rows, too many for a "
            "snapshot in each run; contract the tables that it reads",
        )
    if cursor is None:
        return Choice(key, refusal=_no_cursor(table, sample), missing=("cursor", "tombstones"))
    missing = tuple(
        name
        for name, is_there in (
            ("trigger", cursor.is_maintained),
            ("index", cursor.is_indexed),
            ("tombstones", has_tombstone_triggers(table)),
        )
        if not is_there
    )
    transitions = _transitions(table, sample, key)
    history, why = _history(table, referenced_by, transitions)
    return Choice(
        key, Capture.CURSOR, cursor, Deletes.TOMBSTONE if _seen(table) else Deletes.AUDIT,
        history, why, transitions if history is History.CURRENT else None, missing=missing,
    )  # fmt: skip


def choose_key(table: Table, sample: Sample) -> Key | str:
    """The key, or the line that says why there is none and what gives the table one."""
    if table.primary_key:
        return Key(table.primary_key, "primary key")
    required = {column.name for column in table.columns if column.is_required}
    unique = [i for i in table.indexes if i.is_unique and None not in i.columns]
    whole = [i for i in unique if {*i.columns} <= required]
    if whole:
        best = min(whole, key=lambda index: (len(index.columns), index.name))
        return Key(
            tuple(str(name) for name in best.columns), f"no primary key; unique index {best.name}"
        )
    observed = _observed(table, sample)
    if table.is_view:
        if observed:
            return Key((observed,), f"a view has no key; {observed} is unique in its rows", False)
        return (
            f"{table.full_name} is a view in which no single column is unique; contract the tables "
            "that it reads"
        )
    if unique:
        best = min(unique, key=lambda index: (len(index.columns), index.name))
        nullable = [str(name) for name in best.columns if name not in required]
        changes = ", ".join(f'ALTER COLUMN "{name}" SET NOT NULL' for name in nullable)
        return (
            f"{table.full_name} has no primary key, and its unique index {best.name} allows NULL; "
            f"run: ALTER TABLE {table.relation} {changes}"
        )
    column = f'"{observed}"' if observed else "<the columns that identify a row>"
    return (
        f"{table.full_name} has no key, so no row can be followed; run: ALTER TABLE "
        f"{table.relation} ADD PRIMARY KEY ({column})"
    )


def choose_cursor(table: Table) -> Cursor | None:
    """What changes advance: an `xid8` that a trigger keeps, beside a time; else the best time.

    A time is a `timestamptz` whose name or trigger says that changes advance it.
    """
    time = _best_time(table)
    for column in table.columns:
        keeper = next((t.name for t in table.triggers if keeps(t, column.name)), None)
        if column.type == "xid8" and column.is_required and keeper and time:
            is_first = any(i.columns[:1] == (column.name,) for i in table.indexes)
            why = f"trigger {keeper} keeps it, {'indexed' if is_first else 'not indexed'}"
            return Cursor(column.name, why, True, is_first, time.column)
    return time


def _best_time(table: Table) -> Cursor | None:
    candidates = [
        cursor
        for column in table.columns
        if (column.base or column.type) == TIME and column.is_required and column.is_readable
        if (cursor := _as_cursor(table, column)) is not None
    ]
    return max(candidates, key=lambda c: (c.is_maintained, c.is_indexed), default=None)


def is_small(table: Table, sample: Sample) -> bool:
    """Whether a snapshot in each run is affordable."""
    return (
        sample.counted is not None
        and sample.counted <= SNAPSHOT_ROWS
        and table.bytes <= SNAPSHOT_BYTES
    )


def has_tombstone_triggers(table: Table) -> bool:
    """Whether deletes and truncates are recorded in the tombstones beside the table."""
    ours = [t for t in table.triggers if t.function == f"{PREFIX}record_tombstone"]
    return table.has_tombstones and all(
        any(trigger.bits & event for trigger in ours) for event in (DELETE, TRUNCATE)
    )


def keeps(trigger: Trigger, column: str) -> bool:
    """Whether a trigger sets `column` at each update."""
    if trigger.bits & (ROW | BEFORE | UPDATE) != ROW | BEFORE | UPDATE:
        return False
    if trigger.function == "moddatetime":
        return column in trigger.arguments
    name = re.escape(column)
    plain = re.sub(r"--[^\n]*", "", trigger.source)
    return bool(re.search(rf'\bnew\.("{name}"|{name}\b)\s*:?=(?!=)', plain, re.IGNORECASE))


def _seen(table: Table) -> bool:
    return has_tombstone_triggers(table)


def _hopeless(table: Table, sample: Sample | str) -> str:
    name = table.full_name
    if table.sort == FOREIGN:
        return f"{name} is a foreign table; contract it in the database that it comes from"
    if not table.is_readable:
        return f"{name} can't be read by this role; run: GRANT SELECT ON {table.relation} TO <role>"
    if table.hides_rows:
        return (
            f"{name} has row level security, which hides rows from this role; read with a role "
            "that has BYPASSRLS, or add a policy that lets it see all rows"
        )
    if isinstance(sample, str):
        return f"{name} could not be looked at: {sample}; leave it out of TABLES, or look when idle"
    return ""


def _no_cursor(table: Table, sample: Sample) -> str:
    size = f"{sample.rows(table):,} rows, {table.bytes / 1024**2:,.0f} MiB"
    other = next((c for c in table.columns if _CHANGED.search(snake(c.name))), None)
    hint = ""
    if other is not None and (other.base or other.type) != TIME:
        hint = f" ({other.name} is {other.type}, which no clock change leaves in order)"
    elif other is not None:
        hint = f" ({other.name} may be NULL)"
    return (
        f"{table.full_name} has {size} and no time of change{hint}, too large for a snapshot in "
        f"each run; run: make prepare-source DSN=... TABLES='{table.full_name}' APPLY=1"
    )


def _as_cursor(table: Table, column: Column) -> Cursor | None:
    keeper = next((t.name for t in table.triggers if keeps(t, column.name)), None)
    if keeper is None and not _CHANGED.search(snake(column.name)):
        return None
    starts = "now()" in column.default or any(
        t.bits & INSERT and keeps(t, column.name) for t in table.triggers
    )
    indexed = any(index.columns[0] == column.name for index in table.indexes if index.columns)
    why = [
        f"trigger {keeper} keeps it" if keeper else "no trigger keeps it, writers have to",
        "defaults to now()" if "now()" in column.default else "",
        "indexed" if indexed else "not indexed",
    ]
    return Cursor(
        column.name, ", ".join(part for part in why if part), keeper is not None and starts, indexed
    )


def _history(table: Table, referenced_by: int, transitions: str | None) -> tuple[History, str]:
    name = snake(table.name)
    if name.startswith("dim_"):
        return History.SCD2, "its name says that it is a dimension"
    if name.startswith("fact_"):
        return History.CURRENT, "its name says that it holds facts"
    if referenced_by and not transitions and len(table.references) <= referenced_by:
        return History.SCD2, f"{referenced_by} other table(s) refer to it"
    return History.CURRENT, "the last state of each row"


def _transitions(table: Table, sample: Sample, key: Key) -> str | None:
    is_address = any(_PLACE.search(snake(column.name)) for column in table.columns)
    for column in table.columns:
        name = snake(column.name)
        if not _STATUS.search(name) or (name == "state" and is_address):
            continue
        seen = sample.columns.get(column.name, Seen())
        is_text = column.kind == "e" or column.type.startswith(("text", "character varying"))
        if is_text and column.name not in key.columns and (column.labels or seen.values):
            return column.name
    return None


def _observed(table: Table, sample: Sample) -> str:
    """A column that is unique and never NULL in a sample of the whole table."""
    if not sample.is_whole or not sample.sampled:
        return ""
    found = [
        column.name
        for column in table.columns
        if (seen := sample.columns.get(column.name))
        and seen.distinct == sample.sampled
        and not seen.nulls
    ]
    return min(found, key=lambda name: not re.search(r"(^|_)id$", snake(name)), default="")
