"""What the tombstones beside a table say, as SQL: deletes, and living rows to look at again."""

from dataclasses import dataclass

from lakehouse.contract import TableContract
from lakehouse.sourcetable import tombstones
from lakehouse.sqltext import identifier, literal
from lambdas.ingest.cursor import DELETED_AT, Cursor
from lambdas.ingest.ranges import Range
from lambdas.ingest.statements import render


@dataclass(frozen=True)
class Tombs:
    """The tombstones of one table."""

    contract: TableContract

    def since(self, window: Range) -> str:
        """Condition: the table's tombstones from the window's start on.

        Up to the window's end would not do: a key deleted twice is one delete, the later.
        """
        cursor = Cursor(self.contract)
        place = cursor.tombstone_column
        start = f" AND {place} >= {cursor.value(window.start)}" if window.start else ""
        return f"source_table = {literal(self.contract.source_name)}{start}"

    def gone(self, window: Range) -> str:
        """The keys that have a tombstone from the window's start on, each with its last."""
        place = Cursor(self.contract).tombstone_column
        times = {self.contract.change_column: DELETED_AT, self.contract.cursor: place}
        return render(
            "gone",
            times=", ".join(f"max({c}) AS {identifier(name)}" for name, c in times.items()),
            tombstone_keys=self._keys,
            tombstones=tombstones(self.contract),
            since=self.since(window),
            key_places=", ".join(str(len(times) + n + 1) for n in range(len(self.contract.key))),
        )

    def marked_later(self, window: Range) -> str:
        """The keys that have a tombstone beyond the window."""
        names = [identifier(name) for name in self.contract.key]
        return render(
            "marked_later",
            keys=", ".join(names),
            tombstone_keys=self._keys,
            tombstones=tombstones(self.contract),
            table=literal(self.contract.source_name),
            later=f"{DELETED_AT} >= {Cursor(self.contract).value(window.horizon)}",
            # one NULL among them, and NOT IN would be true for no row at all
            known=" AND ".join(f"{name} IS NOT NULL" for name in names),
        )

    @property
    def _keys(self) -> str:
        types, names = self.contract.types, self.contract.source_key
        return ", ".join(
            f"(row_key ->> {literal(name)})::{types[k].source} AS {identifier(k)}"
            for k, name in zip(self.contract.key, names, strict=True)
        )
