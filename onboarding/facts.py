"""What a source's catalog says of its tables, and what a sample shows; plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lakehouse.sqltext import identifier

TABLE, PARTITIONED, VIEW, MATERIALIZED, FOREIGN = "r", "p", "v", "m", "f"
"""Values of `relkind`."""
PREFIX: Final = "lakehouse_"
"""What `make prepare-source` makes is named so: it is found again, and undone, by its name."""

ROW, BEFORE, INSERT, DELETE, UPDATE, TRUNCATE = 1, 2, 4, 8, 16, 32
"""Bits of `tgtype`."""


@dataclass(frozen=True)
class Column:
    """A column by its name in the source; `type` is what `format_type` prints."""

    name: str
    type: str
    is_required: bool = False
    """NOT NULL, by itself or by its domain."""
    kind: str = "b"
    """`typtype` of its type: `b`ase, `e`num, `d`omain, `c`omposite, `r`ange ..."""
    base: str = ""
    """A domain's base type."""
    labels: tuple[str, ...] = ()
    """An enum's values."""
    default: str = ""
    is_generated: bool = False
    is_readable: bool = True
    comment: str = ""


@dataclass(frozen=True)
class Index:
    """A finished index without a condition; None stands for an expression among its columns."""

    name: str
    columns: tuple[str | None, ...]
    is_unique: bool = False


@dataclass(frozen=True)
class Check:
    """A CHECK constraint of the table, or of a column's domain (then `column` is that one)."""

    name: str
    definition: str
    columns: tuple[str, ...]
    is_domain: bool = False


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key, to `targets` of `schema.table`."""

    name: str
    columns: tuple[str, ...]
    schema: str
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Trigger:
    """An enabled trigger; `bits` is `tgtype`, `source` the body of its function."""

    name: str
    bits: int
    function: str = ""
    source: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A relation of the source."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    sort: str = TABLE
    primary_key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    checks: tuple[Check, ...] = ()
    references: tuple[ForeignKey, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rows: int = -1
    """The server's estimate; below 0 where it has none."""
    bytes: int = 0
    hides_rows: bool = False
    """Row level security holds for the role that looks."""
    is_readable: bool = True
    has_tombstones: bool = False
    """A table `lakehouse_tombstones` lies in its schema."""
    comment: str = ""

    @property
    def full_name(self) -> str:
        """Schema and name, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def relation(self) -> str:
        """Schema and name, quoted."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    @property
    def is_view(self) -> bool:
        """Whether its rows are another table's."""
        return self.sort in (VIEW, MATERIALIZED)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Seen:
    """One column in the sample. Lowest and highest are texts; `values` only where they are few."""

    nulls: int = 0
    distinct: int | None = None
    lowest: str | None = None
    highest: str | None = None
    longest: int | None = None
    matches: Mapping[str, int] = field(default_factory=dict)
    """By kind of personal data, how many values look like it."""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """What was looked at: all rows of a small table, some of a large one."""

    sampled: int
    is_whole: bool
    columns: Mapping[str, Seen]
    counted: int | None = None
    """The exact number of rows, where they are few enough to count; None otherwise."""

    def rows(self, table: Table) -> int:
        """The table's rows: counted, or the server's estimate."""
        return self.counted if self.counted is not None else max(table.rows, self.sampled)
