"""Table contracts: one TOML file says all that the platform knows of a table.

The classes are plain dataclasses, since the Glue job loads them without pydantic; the app checks
the files with `lakehouse.validation` when it synthesizes, before anything is deployed.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, ClassVar, Final

from lakehouse.columns import INGESTED_AT, WRITTEN_BY_US
from lakehouse.types import ColumnType, column_type

DIRECTORY: Traversable = files("lakehouse") / "contracts"
"""A package resource, so that the Glue job finds the contracts inside its zip."""
_TIME = "timestamp with time zone"
LAKE_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
"""A name that PostgreSQL, Spark, Hive and Athena all take for the same one."""


class Capture(StrEnum):
    """How a run finds what has changed."""

    CURSOR = "cursor"
    """By a column that every change of a row advances: a run reads what changed."""
    SNAPSHOT = "snapshot"
    """By comparing the whole table with what bronze holds: for small tables without a cursor."""


class History(StrEnum):
    """What silver keeps of a table."""

    SCD2 = "scd2"
    """Every version, with `valid_from`, `valid_to`, `is_current`."""
    CURRENT = "current"
    """One row per living key."""


class Deletes(StrEnum):
    """How deletes of the source are seen."""

    TOMBSTONE = "tombstone"
    """A trigger of the source records the key of each deleted row."""
    AUDIT = "audit"
    """No trigger allowed: every `audit_hours` the keys of bronze and source are compared."""


class NewColumns(StrEnum):
    """What becomes of a column that the source has and the contract does not name."""

    ADD = "add"
    """It is carried from the next batch on, to bronze and silver."""
    IGNORE = "ignore"
    """It is not read."""
    REFUSE = "refuse"
    """The table is not ingested until the contract says more."""


@dataclass(frozen=True)
class TableContract:
    """One source table. `columns` maps each name to its PostgreSQL type, in the table's order."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    cursor: str = ""
    """The `timestamptz` column that every change of a row advances; or, strict, an `xid8` column
    that a trigger fills with `pg_current_xact_id()`. Empty where `capture` is `snapshot`."""
    capture: Capture = Capture.CURSOR
    schema: str = "public"
    source_table: str = ""
    """The table's name in the source; `table` itself unless the contract says another."""
    source_names: Mapping[str, str] = field(default_factory=dict)
    """Column to its name in the source, where that is another: a name of the lake is a lower-case
    identifier, as only those are one name to every engine."""
    history: History = History.CURRENT
    deletes: Deletes = Deletes.TOMBSTONE
    audit_hours: int = 24
    """Hours of the source's clock between two comparisons of keys, where `deletes` is `audit` or
    the table is partitioned."""
    changed_at: str | None = None
    """The `timestamptz` column with a change's time, where the cursor is an `xid8`."""
    transitions: str | None = None
    """Column whose changes silver records with their times, in `<table>_<column>`."""
    personal: tuple[str, ...] = field(default=())
    """Columns with personal data: never in a log, an error or a sample."""

    new_columns: NewColumns = NewColumns.ADD
    left_out: tuple[str, ...] = field(default=())
    """Columns of the source, by their names there, that are never read, whatever `new_columns`
    says."""

    description: str = ""
    """What a row is, in one sentence; for the data dictionary."""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """What the columns mean, where their names do not say it all."""

    def __post_init__(self) -> None:
        self._check_names()
        if not self.is_snapshot and not self.cursor:
            raise ValueError(
                "cursor is missing; name the column that every change advances, or let capture be "
                '"snapshot"'
            )
        if self.is_snapshot and self.cursor:
            raise ValueError(
                f'cursor names {self.cursor!r}, but capture is "snapshot", which needs none; '
                "remove one of them"
            )
        if self.is_snapshot and self.deletes is Deletes.AUDIT:
            raise ValueError('deletes is "audit", but a snapshot sees every delete; remove it')
        for role, names in (
            ("source_names", self.source_names),
            ("descriptions", self.descriptions),
            ("key", self.key),
            ("cursor", (self.cursor,) if self.cursor else ()),
            ("changed_at", (self.changed_at,) if self.changed_at else ()),
            ("transitions", (self.transitions,) if self.transitions else ()),
            ("personal", self.personal),
        ):
            if missing := [name for name in names if name not in self.columns]:
                raise ValueError(f"{role} names {missing[0]!r}, which is not among the columns")
        read = [self.in_source(name) for name in self.columns]
        if twice := sorted(name for name in set(read) if read.count(name) > 1):
            raise ValueError(f"two columns are read from {twice[0]!r} of the source; name one")
        if both := sorted(set(self.left_out) & set(read)):
            raise ValueError(f"left_out names {both[0]!r}, which is among the columns")
        if not self.key:
            raise ValueError("key is empty; name the columns that identify a row")
        if self.cursor and not self.is_strict and self.types[self.cursor].source != _TIME:
            raise ValueError(f"cursor {self.cursor!r} is not a timestamptz and not an xid8")
        changed_at = self.changed_at or self.cursor
        if changed_at and self.types[changed_at].source != _TIME:
            raise ValueError(
                f"{'changed_at' if self.changed_at else 'cursor'} {changed_at!r} is no time; let "
                "changed_at name a timestamptz column"
            )
        if self.audit_hours < 1:
            raise ValueError("audit_hours is less than 1")

    def _check_names(self) -> None:
        if not LAKE_NAME.fullmatch(self.table):
            raise ValueError(
                f"table {self.table!r} is no lower-case identifier; choose one, and let "
                f"source_table be {self.table!r}"
            )
        for name in self.columns:
            if not LAKE_NAME.fullmatch(name) or name in WRITTEN_BY_US:
                fault = "a column of ours" if name in WRITTEN_BY_US else "no lower-case identifier"
                raise ValueError(
                    f"column {name!r} is {fault}; choose another name, and let source_names say "
                    f"that it is {name!r} in the source"
                )

    @cached_property
    def types(self) -> dict[str, ColumnType]:
        """Column name to type, in the table's order."""
        return {name: column_type(text) for name, text in self.columns.items()}

    def with_columns(self, added: Mapping[str, str]) -> "TableContract":
        """The contract with the added columns that it does not name, in alphabetical order."""
        more = {name: added[name] for name in sorted(added) if name not in self.columns}
        return replace(self, columns={**self.columns, **more})

    @property
    def relation(self) -> str:
        """The table's name in the source, for messages."""
        return f"{self.schema}.{self.source_name}"

    @property
    def source_name(self) -> str:
        """The table's name in the source, without its schema."""
        return self.source_table or self.table

    @property
    def is_snapshot(self) -> bool:
        """Whether the whole table is read and compared, as it has no cursor."""
        return self.capture is Capture.SNAPSHOT

    @property
    def has_tombstones(self) -> bool:
        """Whether a trigger of the source records the deletes."""
        return self.deletes is Deletes.TOMBSTONE and not self.is_snapshot

    def in_source(self, column: str) -> str:
        """A column's name in the source."""
        return self.source_names.get(column, column)

    @property
    def source_key(self) -> tuple[str, ...]:
        """The key by its columns' names in the source."""
        return tuple(self.in_source(name) for name in self.key)

    @property
    def is_strict(self) -> bool:
        """Whether the cursor is a transaction id, which no clock and no writer can set wrongly."""
        return bool(self.cursor) and self.types[self.cursor].source == "xid8"

    @property
    def change_column(self) -> str:
        """The column of bronze with the time of a row's change.

        A snapshot has none, and when it was taken is all that is known.
        """
        return self.changed_at or self.cursor or INGESTED_AT

    @property
    def transitions_table(self) -> str | None:
        """Name of the silver table of status transitions, where the contract asks for one."""
        return f"{self.table}_{self.transitions}" if self.transitions else None

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> "TableContract":
        """Builds a contract from an already checked TOML document."""
        return cls(
            **{
                **data,
                "key": tuple(data["key"]),
                "personal": tuple(data.get("personal", ())),
                "left_out": tuple(data.get("left_out", ())),
                "capture": Capture(data.get("capture", Capture.CURSOR)),
                "new_columns": NewColumns(data.get("new_columns", NewColumns.ADD)),
                "history": History(data.get("history", History.CURRENT)),
                "deletes": Deletes(data.get("deletes", Deletes.TOMBSTONE)),
            }
        )


def load_contracts(directory: Traversable = DIRECTORY) -> dict[str, TableContract]:
    """All contracts of a directory by table name, in alphabetical order."""
    entries = sorted(directory.iterdir(), key=lambda entry: entry.name)
    contracts = (
        TableContract.from_mapping(tomllib.loads(entry.read_text(encoding="utf-8")))
        for entry in entries
        if entry.name.endswith(".toml")
    )
    return {contract.table: contract for contract in contracts}
