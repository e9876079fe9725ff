"""Which rows a batch takes: ranges of (cursor, key), as SQL that PostgreSQL runs.

A range is fixed before it is read. Rows can only leave it meanwhile, by a change that carries them
beyond the horizon, so reading it again, or in another order, loses nothing.

Three sorts of changes have a place in a range: rows by their cursor; deletes by their tombstone;
and rows that have a tombstone but live, stamped before the window began. Those were backdated, and
only the trigger that wrote the tombstone knows of it.
"""

from dataclasses import dataclass, replace

from lakehouse.contract import TableContract
from lakehouse.errors import ContractError
from lakehouse.ledger import Kind
from lakehouse.sourcetable import named_rows, tombstones
from lakehouse.sqltext import identifier, literal
from lambdas.ingest import guards
from lambdas.ingest.budget import Estimate
from lambdas.ingest.catalog import text_array
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.ranges import Range
from lambdas.ingest.source import Session
from lambdas.ingest.statements import render
from lambdas.ingest.tombs import Tombs

OPERATION = {Kind.LOAD: "I", Kind.DELTA: "U", Kind.SNAPSHOT: "U"}


@dataclass(frozen=True)
class Capture:
    """The statements of one table's capture by polling."""

    contract: TableContract
    kind: Kind

    @property
    def cursor(self) -> Cursor:
        """The SQL of the contract's cursor."""
        return Cursor(self.contract)

    def may_have_changes(self, session: Session, window: Range) -> bool:
        """False where the window surely has no change, told by as little as can be.

        Raises ContractError where rows lie beyond every window.
        """
        has_tombstones = "false"
        if self._has_tombstones:
            since = Tombs(self.contract).since(window)
            has_tombstones = f"EXISTS (SELECT FROM {tombstones(self.contract)} WHERE {since})"
        statement = render(
            "glance",
            unreachable=self._unreachable(),
            relation=named_rows(self.contract),
            range=self._range("source", window),
            has_tombstones=has_tombstones,
        )
        is_beyond, may_have = (session.run(statement) or [])[0]
        if is_beyond:
            contract = self.contract
            cursor = contract.in_source(contract.cursor)
            what = "another cluster's" if contract.is_strict else "infinite or before year 1"
            raise ContractError(
                f"{contract.relation} has rows whose {cursor} is NULL or {what}, which no window "
                f"reaches; set {cursor} in those rows and declare it NOT NULL"
            )
        return bool(may_have)

    def _unreachable(self) -> str:
        exist = (
            f"EXISTS (SELECT FROM {named_rows(self.contract)} AS source WHERE {condition})"
            for condition in self.cursor.unreachable()
        )
        return " OR ".join(exist)

    def truncated_at(self, session: Session, window: Range) -> str | None:
        """The cursor of the window's last TRUNCATE; raises ContractError for a malformed tombstone.

        The key columns of a good tombstone are all there.
        """
        if not self._has_tombstones:
            return None
        place = self.cursor.tombstone_column
        statement = render(
            "tombstones",
            place=self.cursor.text(f"max({place}) FILTER (WHERE row_key IS NULL)"),
            key_names=text_array(self.contract.source_key),
            tombstones=tombstones(self.contract),
            table=literal(self.contract.source_name),
            window=self._window(place, window),
        )
        truncated_at, malformed = (session.run(statement) or [])[0]
        if malformed:
            raise ContractError(
                f"{self.contract.table}: {malformed} tombstones lack a key column "
                f"({', '.join(self.contract.source_key)}); correct the trigger that writes them"
            )
        result: str | None = truncated_at
        return result

    def is_empty(self, session: Session, window: Range) -> bool:
        """Whether the window has no change."""
        return not (session.run(render("peek", changes=self._positions(window))) or [[False]])[0][0]

    def estimate(self, session: Session) -> Estimate:
        """What the planner expects of the whole table."""
        statement = render("estimate", relation=named_rows(self.contract))
        plan = (session.run(statement) or [])[0][0][0]["Plan"]
        return Estimate(plan["Plan Rows"], plan["Plan Width"])

    def chunk(self, session: Session, window: Range, limit: int, expected: Estimate) -> Range:
        """A part of the window with about `limit` changes.

        Of a first load that is expected to fit nothing is counted: finding the end of a chunk costs
        as much as reading it, and a chunk that is larger than expected only takes longer.
        """
        if self.kind is Kind.LOAD and window.start is None and expected.rows <= limit:
            return window
        return self.boundary(session, window, limit)

    def half(self, session: Session, chunk: Range) -> Range:
        """The first half of a chunk; the chunk itself where it has one change only."""
        counted = session.run(render("count", changes=self._positions(chunk))) or [[0]]
        return (
            self.boundary(session, chunk, int(counted[0][0]) // 2) if counted[0][0] > 1 else chunk
        )

    def boundary(self, session: Session, window: Range, limit: int) -> Range:
        """The first `limit` changes of the window, or all of it when there are not more."""
        names = [identifier(name) for name in (self.contract.cursor, *self.contract.key)]
        cursor, *keys = names
        statement = render(
            "boundary",
            texts=", ".join([self.cursor.text(cursor), *[f"{key}::text" for key in keys]]),
            changes=self._positions(window, limit + 1),
            order=", ".join(f"changes.{name}" for name in names),
            skip=limit - 1,
        )
        rows = session.run(statement) or []
        if len(rows) < 2:
            return window
        value, *key = rows[0]
        return replace(window, end=value, upto_key=tuple(key))

    def rows(self, chunk: Range) -> str:
        """The chunk's rows and deletes: the contract's columns and `_op`, one snapshot.

        `_op` is `!` for a row with a value that its Parquet type can't carry; that value is read as
        another one, and never kept.
        """
        types = self.contract.types
        broken = guards.broken(types)
        operation = literal(OPERATION[self.kind])
        values = [
            f"{guards.carried(name, kind)} AS {identifier(name)}" for name, kind in types.items()
        ]
        values.append(f"CASE WHEN {broken} THEN '!' ELSE {operation} END AS _op" if broken
                      else f"{operation} AS _op")  # fmt: skip
        statements = [self._changed(", ".join(values), chunk)]
        if self._has_tombstones:
            kept = {self.contract.cursor, self.contract.change_column, *self.contract.key}
            gone = [
                kind.expression.format(f"gone.{identifier(name)}")
                if name in kept
                else guards.missing(kind)
                for name, kind in types.items()
            ]
            statements.append(self._deleted(", ".join([*gone, literal("D")]), chunk))
        if self._sees_revived:
            statements.append(self._revived(", ".join(values), chunk))
        return "\nUNION ALL\n".join(statements)

    def set_aside(self, chunk: Range) -> str:
        """The chunk's rows with `_op` `!`: row_key, raw_row and failed_rules as text."""
        types = self.contract.types
        pairs = (f"{literal(name)}, source.{identifier(name)}" for name in self.contract.key)
        return render(
            "set_aside",
            row_key=f"json_build_object({', '.join(pairs)})",
            reasons=", ".join(guards.reasons(types)),
            relation=named_rows(self.contract),
            range=self._places(chunk),
            broken=guards.broken(types),
        )

    def living_keys(self) -> str:
        """Every key that the source has now."""
        keys = ", ".join(
            f"{guards.carried(name, self.contract.types[name])} AS {identifier(name)}"
            for name in self.contract.key
        )
        return f"SELECT {keys} FROM {named_rows(self.contract)} AS source"

    @property
    def _has_tombstones(self) -> bool:
        # nothing that was deleted before the first load can be in bronze
        return self.contract.has_tombstones and self.kind is not Kind.LOAD

    @property
    def _is_marked(self) -> bool:
        # the trigger of a strict cursor stamps every change, whatever the writer says
        return self.contract.has_tombstones and not self.contract.is_strict

    @property
    def _sees_revived(self) -> bool:
        return self._is_marked and self._has_tombstones

    def _positions(self, window: Range, limit: int | None = None) -> str:
        names = [identifier(name) for name in (self.contract.cursor, *self.contract.key)]
        bound = f"\nORDER BY {', '.join(names)} LIMIT {limit}" if limit else ""
        parts = [self._changed(", ".join(names), window)]
        gone = ", ".join(f"gone.{name}" for name in names)
        if self._has_tombstones:
            parts.append(self._deleted(gone, window))
        if self._sees_revived:
            parts.append(self._revived(gone, window))
        return "\nUNION ALL\n".join(f"({part}{bound})" for part in parts)

    def _changed(self, values: str, window: Range) -> str:
        return render(
            "changed_rows",
            values=values,
            relation=named_rows(self.contract),
            range=self._once(window),
        )

    def _deleted(self, values: str, window: Range) -> str:
        return render(
            "deleted_rows",
            values=values,
            gone=Tombs(self.contract).gone(window),
            range=self._range("gone", window) + self._fitting_key,
            relation=named_rows(self.contract),
            same_key=self._same_key("living"),
        )

    def _revived(self, values: str, window: Range) -> str:
        return render(
            "revived_rows",
            values=values,
            gone=Tombs(self.contract).gone(window),
            relation=named_rows(self.contract),
            same_key=self._same_key("source"),
            range=self._range("gone", window),
            behind=self._behind(window),
        )

    def _behind(self, window: Range) -> str:
        """Condition on `source`: stamped before the window, so that no range of it has the row."""
        begin = window.begin or "-infinity"
        return f"source.{identifier(self.contract.cursor)} < {literal(begin)}::timestamptz"

    def _places(self, chunk: Range) -> str:
        """Condition on `source`: the chunk has the row, by its cursor or as a revived one."""
        changed = self._once(chunk)
        if not self._sees_revived:
            return changed
        keys = ", ".join(identifier(name) for name in self.contract.key)
        return (
            f"({changed} OR ({self._behind(chunk)} AND ({keys}) IN (SELECT {keys} FROM "
            f"({Tombs(self.contract).gone(chunk)}) AS gone WHERE {self._range('gone', chunk)})))"
        )

    def _once(self, window: Range) -> str:
        """Condition on `source`: in the range, and no later window will deliver it as revived."""
        if self.contract.is_snapshot:
            return "true"
        changed = self._range("source", window)
        if not self._is_marked:
            return changed
        names = [identifier(name) for name in self.contract.key]
        keys = ", ".join(f"source.{name}" for name in names)
        return f"{changed} AND ({keys}) NOT IN ({Tombs(self.contract).marked_later(window)})"

    @property
    def _fitting_key(self) -> str:
        """Further condition on `gone`: what its carrier can't hold was never in bronze."""
        tests = ((identifier(k), self.contract.types[k].fits) for k in self.contract.key)
        return "".join(f" AND {test.format(f'gone.{name}')}" for name, test in tests if test)

    def _same_key(self, alias: str) -> str:
        names = [identifier(name) for name in self.contract.key]
        return " AND ".join(f"{alias}.{name} = gone.{name}" for name in names)

    def _window(self, column: str, window: Range) -> str:
        lower = f"{column} >= {self.cursor.value(window.start)} AND " if window.start else ""
        return f"{lower}{column} < {self.cursor.value(window.end)}"

    def _range(self, alias: str, window: Range) -> str:
        cursor = f"{alias}.{identifier(self.contract.cursor)}"
        place = f"({', '.join([cursor, *[f'{alias}.{identifier(k)}' for k in self.contract.key]])})"
        parts = []
        if window.start is not None:
            parts.append(
                f"{place} > {self._place(window.start, window.after_key)}"
                if window.after_key
                else f"{cursor} >= {self.cursor.value(window.start)}"
            )
        parts.append(
            f"{place} <= {self._place(window.end, window.upto_key)}"
            if window.upto_key
            else f"{cursor} < {self.cursor.value(window.end)}"
        )
        return " AND ".join(parts)

    def _place(self, value: str, key: tuple[str, ...]) -> str:
        kinds = [self.contract.types[name].source for name in self.contract.key]
        texts = [f"{literal(text)}::{kind}" for text, kind in zip(key, kinds, strict=True)]
        return f"({', '.join([self.cursor.value(value), *texts])})"
