"""Queries: SELECT, set operations, WITH, VALUES, subqueries, as DuckDB SQL with known columns.

Every compiled query names its columns c0, c1, ... and every relation r1, r2, ..., so that no name
of the user's can mean something else in DuckDB than it does in Trino.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from sqlglot import exp

from local.engines.athena import casts, grouping, ordering
from local.engines.athena.errors import AthenaError, mismatch, position, refuse
from local.engines.athena.expressions import Expressions
from local.engines.athena.relations import From
from local.engines.athena.scope import (
    Field,
    Relation,
    Scope,
    Typed,
    column_label,
    fields_of,
    renamed,
)
from local.engines.athena.types import Type, common

_KNOWN: Final = {
    exp.Select: {"expressions", "from_", "joins", "where", "group", "having", "order", "limit",
                 "offset", "distinct", "with_", "windows", "kind", "laterals"},
    exp.Union: {"this", "expression", "distinct", "order", "limit", "offset", "with_"},
}  # fmt: skip
_SET: Final = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}
TableReader = Callable[[exp.Table], Relation]


@dataclass
class Compiler:
    """Compiles one query. `read` gives the relation of a table or view of the catalog."""

    read: TableReader
    numbers: Any = field(default_factory=lambda: count(1))
    ctes: dict[str, Relation] = field(default_factory=dict)
    windows: dict[str, exp.Window] = field(default_factory=dict)

    def alias(self) -> str:
        """A fresh name for a relation."""
        return f"r{next(self.numbers)}"

    def window(self, name: str, node: Any) -> exp.Window:
        """The window that WINDOW names; raises AthenaError if there is none."""
        if name not in self.windows:
            raise AthenaError(
                "INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {name}", position(node)
            )
        return self.windows[name]

    def query(self, node: Any, parent: Scope | None = None) -> Relation:
        """Compiles any query, its WITH included."""
        known = _KNOWN[exp.Select] if isinstance(node, exp.Select) else _KNOWN[exp.Union]
        if isinstance(node, exp.Select | exp.SetOperation):
            for name, value in node.args.items():
                if value and name not in known:
                    raise refuse(f"{name.strip('_').upper()} in a query", node)
        outer = self.ctes
        try:
            if with_ := node.args.get("with_"):
                self._with(with_)
            if isinstance(node, exp.Select):
                return self._select(node, parent)
            if isinstance(node, exp.SetOperation):
                return self._set_operation(node, parent)
            if isinstance(node, exp.Values):
                return self.values(node, parent)
            if isinstance(node, exp.Subquery):
                return self._parenthesized(node, parent)
        finally:
            self.ctes = outer
        raise refuse(type(node).__name__.upper(), node)

    def _with(self, node: exp.With) -> None:
        if node.args.get("recursive"):
            raise refuse("WITH RECURSIVE", node)
        self.ctes = dict(self.ctes)
        for cte in node.expressions:
            relation = self.query(cte.this)
            names = [c.name for c in cte.args["alias"].args.get("columns") or []]
            self.ctes[cte.alias.lower()] = renamed(relation, names, cte)

    def _parenthesized(self, node: exp.Subquery, parent: Scope | None) -> Relation:
        inner = self.query(node.this, parent)
        if any(node.args.get(key) for key in ("order", "limit", "offset")):
            return self._tail(node, inner, parent)
        return inner

    def _set_operation(self, node: exp.SetOperation, parent: Scope | None) -> Relation:
        left, right = self.query(node.this, parent), self.query(node.expression, parent)
        kind = next(name for cls, name in _SET.items() if isinstance(node, cls))
        if len(left.types) != len(right.types):
            raise mismatch(f"{kind} query has different number of fields: "
                           f"{len(left.types)}, {len(right.types)}", node)  # fmt: skip
        types = []
        for index, (a, b) in enumerate(zip(left.types, right.types, strict=True), 1):
            joined = common(a, b)
            if joined is None:
                raise mismatch(
                    f"column {index} in {kind} query has incompatible types: {a}, {b}", node
                )
            types.append(joined)
        sides = [self._as(side, types) for side in (left, right)]
        quantifier = "" if node.args.get("distinct") else " ALL"
        relation = Relation(f"({sides[0]}) {kind}{quantifier} ({sides[1]})", left.names,
                            tuple(types), left.labels)  # fmt: skip
        return self._tail(node, relation, parent)

    def _as(self, relation: Relation, types: list[Type]) -> str:
        columns = ", ".join(
            f"{casts.coerce(label, have, want)} AS {column_label(i)}"
            for i, (label, have, want) in enumerate(
                zip(relation.labels, relation.types, types, strict=True)
            )
        )
        return f"SELECT {columns} FROM ({relation.sql}) AS {self.alias()}"

    def _tail(self, node: Any, relation: Relation, parent: Scope | None) -> Relation:
        """ORDER BY, OFFSET and LIMIT over a whole query, which sees only its output columns."""
        if not any(node.args.get(key) for key in ("order", "limit", "offset")):
            return relation
        alias = self.alias()
        scope = Scope(fields_of(relation, alias, ()), parent)
        order = ordering.order(node, Expressions(self, scope), [])
        columns = ", ".join(f"{alias}.{label}" for label in relation.labels)
        sql = f"SELECT {columns} FROM ({relation.sql}) AS {alias}{order}{ordering.limit(node)}"
        return Relation(sql, relation.names, relation.types, relation.labels)

    def values(self, node: exp.Values, parent: Scope | None) -> Relation:
        """A VALUES list."""
        expressions = Expressions(self, parent or Scope())
        rows = [
            [
                expressions.compile(item)
                for item in (row.expressions if isinstance(row, exp.Tuple) else [row])
            ]
            for row in node.expressions
        ]
        if len({len(row) for row in rows}) != 1:
            raise mismatch("Values rows have mismatched sizes", node)
        columns = [
            expressions.unify(list(column), "Values", node) for column in zip(*rows, strict=True)
        ]
        lines = ", ".join(
            "(" + ", ".join(f"CAST({sqls[i]} AS {t.duckdb})" for sqls, t in columns) + ")"
            for i in range(len(rows))
        )
        labels = tuple(column_label(i) for i in range(len(columns)))
        sql = f"SELECT * FROM (VALUES {lines}) AS {self.alias()}({', '.join(labels)})"
        return Relation(sql, (None,) * len(columns), tuple(t for _, t in columns), labels)

    def _select(self, node: exp.Select, parent: Scope | None) -> Relation:
        if node.args.get("kind") or node.args.get("laterals"):
            raise refuse("this form of SELECT", node)
        source = From(self, parent).compile(node)
        scope = Scope(source.fields, parent)
        expressions = Expressions(self, scope)
        windows = self.windows
        self.windows = {w.this.name.lower(): w for w in node.args.get("windows") or []}
        outputs = self._outputs(node, expressions, source.fields)
        sql = ", ".join(f"{value.sql} AS {column_label(i)}" for i, (_, value) in enumerate(outputs))
        if distinct := node.args.get("distinct"):
            if distinct.args.get("on"):
                raise refuse("DISTINCT ON", node)
            sql = f"DISTINCT {sql}"
        sql = f"SELECT {sql}"
        if source.sql:
            sql += f" FROM {source.sql}"
        if where := node.args.get("where"):
            sql += f" WHERE {expressions.condition(where.this, 'WHERE clause')}"
        sql += grouping.group_by(expressions, node.args.get("group"), len(outputs))
        if having := node.args.get("having"):
            sql += f" HAVING {expressions.condition(having.this, 'HAVING clause')}"
        sql += ordering.order(node, expressions, outputs) + ordering.limit(node)
        self.windows = windows
        labels = tuple(column_label(i) for i in range(len(outputs)))
        return Relation(
            sql, tuple(n for n, _ in outputs), tuple(v.type for _, v in outputs), labels
        )

    def _outputs(
        self, node: exp.Select, expressions: Expressions, fields: tuple[Field, ...]
    ) -> list[tuple[str | None, Typed]]:
        outputs: list[tuple[str | None, Typed]] = []
        for item in node.expressions:
            if isinstance(item, exp.Star) or (
                isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            ):
                outputs += self._star(item, fields)
            elif isinstance(item, exp.Alias):
                outputs.append((item.alias, expressions.compile(item.this)))
            else:
                name = item.name if isinstance(item, exp.Column | exp.Dot) else None
                outputs.append((name, expressions.compile(item)))
        if not outputs:
            raise AthenaError("SYNTAX_ERROR", "SELECT list is empty", position(node))
        return outputs

    def _star(self, item: Any, fields: tuple[Field, ...]) -> list[tuple[str | None, Typed]]:
        star = item if isinstance(item, exp.Star) else item.this
        if any(star.args.values()):
            raise refuse("EXCEPT, REPLACE or RENAME of *", item)
        if not fields:
            raise AthenaError(
                "SYNTAX_ERROR",
                "SELECT * not allowed in queries without FROM clause",
                position(item),
            )
        if isinstance(item, exp.Star):
            chosen = [f for f in fields if f.star]
        else:
            path = tuple(part.name.lower() for part in item.parts[:-1])
            chosen = [f for f in fields if f.path and path == f.path[len(f.path) - len(path) :]]
            if not chosen:
                raise AthenaError(
                    "TABLE_NOT_FOUND",
                    f"Unable to resolve reference {'.'.join(path)}",
                    position(item),
                )
        return [(f.name, Typed(f.sql, f.type)) for f in chosen]
