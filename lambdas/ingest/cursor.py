"""The two kinds of cursor in SQL: a `timestamptz` that writers set, an `xid8` that a trigger sets.

As text in the ledger both sort as what they mean: ISO time in UTC, a number of 20 digits.
"""

from dataclasses import dataclass
from typing import Final

from lakehouse.contract import TableContract
from lakehouse.sqltext import identifier, literal
from lambdas.ingest.statements import iso

DELETED_AT: Final = "deleted_at"
"""Column of the tombstones: the time of the delete."""
DELETED_XID: Final = "deleted_xid"
"""Column of the tombstones: the transaction of the delete; a strict cursor needs it."""
_DIGITS: Final = 20


@dataclass(frozen=True)
class Cursor:
    """How statements handle the contract's cursor."""

    contract: TableContract

    @property
    def tombstone_column(self) -> str:
        """The tombstones' column that stands for the cursor."""
        return DELETED_XID if self.contract.is_strict else DELETED_AT

    def text(self, expression: str) -> str:
        """PostgreSQL expression: the ledger's text of a cursor value."""
        if self.contract.is_strict:
            return f"lpad(({expression})::text, {_DIGITS}, '0')"
        return iso(expression)

    def value(self, text: str) -> str:
        """PostgreSQL literal of the ledger's text."""
        if self.contract.is_strict:
            # without leading zeros: PostgreSQL would read an octal number
            return f"{literal(str(int(text)))}::xid8"
        return f"{literal(text)}::timestamptz"

    def landed(self, text: str) -> str:
        """DuckDB literal of the ledger's text, as bronze has it."""
        kind = self.contract.types[self.contract.cursor].duckdb
        return f"{literal(text)}::{kind}"

    def unreachable(self) -> list[str]:
        """Conditions of rows that no window reaches, each served by an index on the cursor.

        A column that the catalog calls NOT NULL may hold NULLs that are older than its constraint.
        """
        column = identifier(self.contract.cursor)
        if self.contract.is_strict:
            # ids of another cluster, brought here by a dump
            return [f"{column} IS NULL", f"{column} >= pg_snapshot_xmax(pg_current_snapshot())"]
        return [
            f"{column} IS NULL",
            f"{column} = 'infinity'",
            f"{column} < '0001-01-01 00:00:00+00'",
        ]
