"""Table contracts: one TOML file says all that the platform knows of a table.

The classes are plain dataclasses, since the Glue job loads them without pydantic; the app checks
the files with `lakehouse.validation` when it synthesizes, before anything is deployed.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, ClassVar

from lakehouse.types import ColumnType, column_type

DIRECTORY: Traversable = files("lakehouse") / "contracts"
"""A package resource, so that the Glue job finds the contracts inside its zip."""
_TIME = "timestamp with time zone"


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
    cursor: str
    """The `timestamptz` column that every change of a row advances; or, strict, an `xid8` column
    that a trigger fills with `pg_current_xact_id()`."""
    columns: Mapping[str, str]
    schema: str = "public"
    history: History = History.CURRENT
    deletes: Deletes = Deletes.TOMBSTONE
    audit_hours: int = 24
    """Hours of the source's clock between two comparisons of keys, where `deletes` is `audit`."""
    changed_at: str | None = None
    """The `timestamptz` column with a change's time, where the cursor is an `xid8`."""
    transitions: str | None = None
    """Column whose changes silver records with their times, in `<table>_<column>`."""
    personal: tuple[str, ...] = field(default=())
    """Columns with personal data: never in a log, an error or a sample."""

    new_columns: NewColumns = NewColumns.ADD
    left_out: tuple[str, ...] = field(default=())
    """Columns of the source that are never read, whatever `new_columns` says."""

    description: str = ""
    """What a row is, in one sentence; for the data dictionary."""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """What the columns mean, where their names do not say it all."""

    def __post_init__(self) -> None:
        for role, names in (
            ("descriptions", self.descriptions),
            ("key", self.key),
            ("cursor", (self.cursor,)),
            ("changed_at", (self.changed_at,) if self.changed_at else ()),
            ("transitions", (self.transitions,) if self.transitions else ()),
            ("personal", self.personal),
        ):
            if missing := [name for name in names if name not in self.columns]:
                raise ValueError(f"{role} names {missing[0]!r}, which is not among the columns")
        if both := sorted(set(self.left_out) & set(self.columns)):
            raise ValueError(f"left_out names {both[0]!r}, which is among the columns")
        if not self.key:
            raise ValueError("key is empty; name the columns that identify a row")
        if not self.is_strict and self.types[self.cursor].source != _TIME:
            raise ValueError(f"cursor {self.cursor!r} is not a timestamptz and not an xid8")
        if self.types[self.change_column].source != _TIME:
            raise ValueError(
                f"cursor {self.cursor!r} is no time; let changed_at name a timestamptz column"
            )
        if self.audit_hours < 1:
            raise ValueError("audit_hours is less than 1")

    @cached_property
    def types(self) -> dict[str, ColumnType]:
        """Column name to type, in the table's order."""
        return {name: column_type(text) for name, text in self.columns.items()}

    def with_columns(self, added: Mapping[str, str]) -> "TableContract":
        """The contract with the added columns that it does not name, in alphabetical order."""
        more = {name: added[name] for name in sorted(added) if name not in self.columns}
        return replace(self, columns={**self.columns, **more})

    @property
    def is_strict(self) -> bool:
        """Whether the cursor is a transaction id, which no clock and no writer can set wrongly."""
        return self.types[self.cursor].source == "xid8"

    @property
    def change_column(self) -> str:
        """The column with the time of a row's change."""
        return self.changed_at or self.cursor

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
