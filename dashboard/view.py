"""What a view is to the dashboard: its columns, their kinds, and the query that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the values of a column are once loaded."""

    TEXT = "text"
    COUNT = "count"
    """Nullable integer."""
    DECIMAL = "decimal"
    """`decimal.Decimal`, exact."""
    TIMESTAMP = "timestamp"
    """UTC, to the microsecond."""
    DATE = "date"
    """`datetime.date`."""
    FLAG = "flag"
    """Boolean; a missing one is false."""
    NUMBER = "number"
    """Float: seconds and the like, never money."""
    LABEL = "label"
    """Text with few distinct values, as a pandas category."""
    CENTS = "cents"
    """Money in hundredths, as a plain integer: exact, and summed by the million."""


@dataclass(frozen=True)
class View:
    """One view of the gold database and the columns that the dashboard needs of it.

    Without columns it is read with all that it has, of the kinds that their values tell.
    """

    name: str
    columns: Mapping[str, Kind]
    where: str = ""
    order_by: str = ""
    limit: int | None = None
    is_timed: bool = False
    """Whether its rows change while the data stays as it is."""

    @property
    def sql(self) -> str:
        """The query: columns by name, so that a missing one is an error and not a blank."""
        columns = ", ".join(f'"{name}"' for name in self.columns) or "*"
        parts = [f"SELECT {columns}", f"FROM {self.name}"]
        if self.where:
            parts.append(f"WHERE {self.where}")
        if self.order_by:
            parts.append(f"ORDER BY {self.order_by}")
        if self.limit is not None:
            parts.append(f"LIMIT {self.limit}")
        return "\n".join(parts)
