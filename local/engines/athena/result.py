"""What a query gives back."""

from dataclasses import dataclass, field

from local.engines.athena.types import Type


@dataclass(frozen=True)
class Column:
    """One result column: name, `GetQueryResults` type name, precision and scale."""

    name: str
    type: str
    precision: int
    scale: int
    trino: str = ""
    """The type in full, as `typeof` prints it."""

    @classmethod
    def of(cls, name: str, type_: Type) -> "Column":
        """Describes a column of `type_` as Athena does."""
        return cls(name, *type_.described, str(type_))

    @property
    def case_sensitive(self) -> bool:
        """What `ColumnInfo.CaseSensitive` says."""
        return self.type in ("varchar", "char")


@dataclass(frozen=True)
class QueryResult:
    """Rows are texts as Athena prints them, None for NULL."""

    columns: list[Column] = field(default_factory=list)
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    statement_type: str = "DML"
    """`DML`, `DDL` or `UTILITY`."""
    substatement_type: str = "SELECT"
    scanned_bytes: int = 0
    """Sizes of the objects read, whole: columns and row groups skipped count as read. Partitions
    and objects that conditions on their text columns exclude (`pruning`) do not count."""
    update_count: int = 0
    """Rows written by CTAS or UNLOAD."""
    written: list[str] | None = None
    """`s3://` addresses of the files that CTAS or UNLOAD wrote; None for other statements."""
    location: str | None = None
    """Where CTAS put its table."""
