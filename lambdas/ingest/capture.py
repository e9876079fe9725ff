"""Which rows a batch takes: ranges of (cursor, key), as SQL that PostgreSQL runs.

A range is fixed before it is read. Rows can only leave it meanwhile, by a change that carries them
beyond the horizon, so reading it again, or in another order, loses nothing.
"""

from dataclasses import dataclass

from lakehouse.contract import Deletes, TableContract
from lakehouse.errors import ContractError
from lakehouse.ledger import Batch, Kind
from lambdas.ingest import guards
from lambdas.ingest.catalog import relation, text_array, tombstones
from lambdas.ingest.source import Session
from lambdas.ingest.statements import identifier, iso, literal, render

OPERATION = {Kind.LOAD: "I", Kind.DELTA: "U"}


@dataclass(frozen=True)
class Range:
    """After (`start`, `after_key`) up to `end`: including `upto_key` there, or before `end`."""

    start: str | None
    after_key: tuple[str, ...] | None
    end: str
    upto_key: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Capture:
    """The statements of one table's capture by polling."""

    contract: TableContract
    kind: Kind

    def truncated_at(self, session: Session, window: Range) -> str | None:
        """Time of the window's last TRUNCATE; raises ContractError for a malformed tombstone."""
        if not self._has_tombstones:
            return None
        statement = render(
            "tombstones",
            deleted_at=iso("deleted_at"),
            key_names=text_array(self.contract.key),
            tombstones=tombstones(self.contract),
            table=literal(self.contract.table),
            window=self._window("deleted_at", window),
        )
        truncated_at, malformed = (session.run(statement) or [])[0]
        if malformed:
            raise ContractError(
                f"{self.contract.table}: {malformed} tombstones lack a key column "
                f"({', '.join(self.contract.key)}); correct the trigger that writes them"
            )
        result: str | None = truncated_at
        return result

    def is_empty(self, session: Session, window: Range) -> bool:
        """Whether the window has no change."""
        return not (session.run(render("peek", changes=self._positions(window))) or [[False]])[0][0]

    def boundary(self, session: Session, window: Range, limit: int) -> Range:
        """The first `limit` changes of the window, or all of it when there are not more."""
        names = [identifier(name) for name in (self.contract.cursor, *self.contract.key)]
        cursor, *keys = names
        statement = render(
            "boundary",
            texts=", ".join([iso(cursor), *[f"{key}::text" for key in keys]]),
            changes=self._positions(window, limit + 1),
            order=", ".join(f"changes.{name}" for name in names),
            skip=limit - 1,
        )
        rows = session.run(statement) or []
        if len(rows) < 2:
            return window
        value, *key = rows[0]
        return Range(window.start, window.after_key, value, tuple(key))

    def rows(self, chunk: Range) -> str:
        """The chunk's rows and deletes: the contract's columns and `_op`, one snapshot.

        `_op` is `!` for a row with a value that its Parquet type can't carry, as another.
        """
        types, cursor = self.contract.types, self.contract.cursor
        broken = guards.broken(types)
        operation = literal(OPERATION[self.kind])
        values = [f"{guards.carried(name)} AS {identifier(name)}" for name in types]
        values.append(f"CASE WHEN {broken} THEN '!' ELSE {operation} END AS _op" if broken
                      else f"{operation} AS _op")  # fmt: skip
        statement = self._changed(", ".join(values), chunk)
        if not self._has_tombstones:
            return statement
        kept = {cursor, *self.contract.key}
        gone = [
            f"gone.{identifier(name)}" if name in kept else f"NULL::{kind.source}"
            for name, kind in types.items()
        ]
        return f"{statement}\nUNION ALL\n{self._deleted(', '.join([*gone, literal('D')]), chunk)}"

    def set_aside(self, chunk: Range) -> str:
        """The chunk's rows with `_op` `!`: row_key, raw_row and failed_rules as text."""
        types = self.contract.types
        pairs = (f"{literal(name)}, source.{identifier(name)}" for name in self.contract.key)
        return render(
            "set_aside",
            row_key=f"jsonb_build_object({', '.join(pairs)})",
            reasons=", ".join(guards.reasons(types)),
            relation=relation(self.contract),
            range=self._range("source", chunk),
            broken=guards.broken(types),
        )

    def living_keys(self) -> str:
        """Every key that the source has now."""
        keys = ", ".join(identifier(name) for name in self.contract.key)
        return f"SELECT {keys} FROM {relation(self.contract)}"

    @property
    def _has_tombstones(self) -> bool:
        # nothing that was deleted before the first load can be in bronze
        return self.contract.deletes is Deletes.TOMBSTONE and self.kind is not Kind.LOAD

    def _positions(self, window: Range, limit: int | None = None) -> str:
        names = [identifier(name) for name in (self.contract.cursor, *self.contract.key)]
        bound = f"\nORDER BY {', '.join(names)} LIMIT {limit}" if limit else ""
        parts = [self._changed(", ".join(names), window)]
        if self._has_tombstones:
            parts.append(self._deleted(", ".join(f"gone.{name}" for name in names), window))
        return "\nUNION ALL\n".join(f"({part}{bound})" for part in parts)

    def _changed(self, values: str, window: Range) -> str:
        return render(
            "changed_rows",
            values=values,
            relation=relation(self.contract),
            range=self._range("source", window),
        )

    def _deleted(self, values: str, window: Range) -> str:
        keys = self.contract.key
        gone = render(
            "gone",
            cursor=identifier(self.contract.cursor),
            tombstone_keys=", ".join(
                f"(row_key ->> {literal(k)})::{self.contract.types[k].source} AS {identifier(k)}"
                for k in keys
            ),
            tombstones=tombstones(self.contract),
            table=literal(self.contract.table),
            # up to the window's end, not the chunk's: a key deleted twice is one delete, the later
            window=f"deleted_at >= {literal(window.start or '-infinity')}",
            key_places=", ".join(str(place) for place in range(2, len(keys) + 2)),
        )
        return render(
            "deleted_rows",
            values=values,
            gone=gone,
            range=self._range("gone", window),
            relation=relation(self.contract),
            same_key=" AND ".join(f"living.{identifier(k)} = gone.{identifier(k)}" for k in keys),
        )

    @staticmethod
    def _window(column: str, window: Range) -> str:
        lower = f"{column} >= {literal(window.start)} AND " if window.start else ""
        return f"{lower}{column} < {literal(window.end)}"

    def _range(self, alias: str, window: Range) -> str:
        cursor = f"{alias}.{identifier(self.contract.cursor)}"
        place = f"({', '.join([cursor, *[f'{alias}.{identifier(k)}' for k in self.contract.key]])})"
        parts = []
        if window.start is not None:
            parts.append(
                f"{place} > {self._place(window.start, window.after_key)}"
                if window.after_key
                else f"{cursor} >= {literal(window.start)}::timestamptz"
            )
        parts.append(
            f"{place} <= {self._place(window.end, window.upto_key)}"
            if window.upto_key
            else f"{cursor} < {literal(window.end)}::timestamptz"
        )
        return " AND ".join(parts)

    def _place(self, value: str, key: tuple[str, ...]) -> str:
        kinds = [self.contract.types[name].source for name in self.contract.key]
        texts = [f"{literal(text)}::{kind}" for text, kind in zip(key, kinds, strict=True)]
        return f"({', '.join([f'{literal(value)}::timestamptz', *texts])})"


def range_of(batch: Batch) -> Range:
    """The range that the ledger fixed for a batch."""
    return Range(batch.window_from, batch.after_key, batch.window_to, batch.upto_key)
