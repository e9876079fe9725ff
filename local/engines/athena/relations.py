"""FROM: tables, subqueries, joins and UNNEST."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from local.engines.athena import casts
from local.engines.athena.errors import AthenaError, position, refuse
from local.engines.athena.expressions import Expressions
from local.engines.athena.scope import Field, Relation, Scope, column_label, fields_of, renamed
from local.engines.athena.types import BIGINT, Type, common

if TYPE_CHECKING:
    from local.engines.athena.queries import Compiler

_TABLE_PARTS: Final = {"this", "db", "catalog", "alias", "joins"}
CATALOG: Final = "awsdatacatalog"


@dataclass(frozen=True)
class Source:
    """A compiled FROM clause: its SQL, empty if there is none, and the fields it brings."""

    sql: str
    fields: tuple[Field, ...]


class From:
    """Compiles the FROM clause of one SELECT."""

    def __init__(self, compiler: "Compiler", parent: Scope | None) -> None:
        self.compiler, self.parent = compiler, parent

    def compile(self, select: exp.Select) -> Source:
        """The clause with its joins; raises AthenaError for what is not there."""
        clause = select.args.get("from_")
        if clause is None:
            return Source("", ())
        source = self._item(clause.this, ())
        for join in select.args.get("joins") or []:
            source = self._join(source, join)
        return source

    def _item(self, node: Any, left: tuple[Field, ...]) -> Source:
        if isinstance(node, exp.Unnest):
            return self._unnest(node, left)
        if isinstance(node, exp.Table):
            source = self._table(node)
        elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
            source = self._item(node.this, left)  # parentheses around a join
            if node.args.get("alias"):
                raise refuse("an alias of a join in parentheses", node)
        elif isinstance(node, exp.Subquery | exp.Values):
            body = node.this if isinstance(node, exp.Subquery) else node
            source = self._aliased(self.compiler.query(body, None), node, ())
        else:
            raise refuse(f"{type(node).__name__.upper()} in FROM", node)
        for join in node.args.get("joins") or []:
            source = self._join(source, join)
        return source

    def _table(self, node: exp.Table) -> Source:
        for name, value in node.args.items():
            if value and name not in _TABLE_PARTS:
                what = {"version": "time travel", "sample": "TABLESAMPLE"}.get(name, name.upper())
                raise refuse(f"{what} in FROM", node)
        if not isinstance(node.this, exp.Identifier):
            raise refuse("table functions", node)
        name = node.name.lower()
        if not node.db and name in self.compiler.ctes:
            return self._aliased(self.compiler.ctes[name], node, (name,))
        relation = self.compiler.read(node)
        path = tuple(part.name.lower() for part in node.parts)
        return self._aliased(relation, node, path)

    def _aliased(self, relation: Relation, node: Any, path: tuple[str, ...]) -> Source:
        alias = node.args.get("alias")
        if alias is not None:
            relation = renamed(relation, [c.name for c in alias.args.get("columns") or []], node)
            path = (alias.name.lower(),) if alias.name else path
        label = self.compiler.alias()
        return Source(f"({relation.sql}) AS {label}", fields_of(relation, label, path))

    def _unnest(self, node: exp.Unnest, left: tuple[Field, ...]) -> Source:
        if len(node.expressions) != 1:
            raise refuse("UNNEST of several arrays", node)
        value = Expressions(self.compiler, Scope(left, self.parent)).compile(node.expressions[0])
        if value.type.name != "array" or value.type.items[0].name == "row":
            raise refuse(f"UNNEST of {value.type}", node)
        ordinality = node.args.get("offset")
        alias = node.args.get("alias")
        names = [c.name for c in alias.args.get("columns") or []] if alias else []
        if ordinality and not isinstance(ordinality, bool):
            names.append(ordinality.name)
        types: list[Type] = [value.type.items[0], *([BIGINT] if ordinality else [])]
        path = (alias.name.lower(),) if alias and alias.name else ()
        label = self.compiler.alias()
        columns = f"unnest({value.sql}) AS c0"
        if ordinality:
            columns += f", CAST(generate_subscripts({value.sql}, 1) AS BIGINT) AS c1"
        if names and len(names) != len(types):
            raise AthenaError(
                "MISMATCHED_COLUMN_ALIASES", "Column alias list does not fit UNNEST", position(node)
            )
        fields = tuple(
            Field(names[i] if names else None, f"{label}.{column_label(i)}", t, path)
            for i, t in enumerate(types)
        )
        return Source(f"LATERAL (SELECT {columns}) AS {label}", fields)

    def _join(self, left: Source, join: exp.Join) -> Source:
        for name, value in join.args.items():
            if value and name not in ("this", "side", "kind", "on", "using"):
                raise refuse(f"{name.upper()} JOIN", join)
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        if kind not in ("", "INNER", "OUTER", "CROSS") or side not in ("", "LEFT", "RIGHT", "FULL"):
            raise refuse(f"{side} {kind} JOIN".strip(), join)
        right = self._item(join.this, left.fields)
        fields = left.fields + right.fields
        if using := join.args.get("using"):
            return self._using(left, right, side, using, join)
        if condition := join.args.get("on"):
            expressions = Expressions(self.compiler, Scope(fields, self.parent))
            on = expressions.condition(condition, "JOIN ON clause")
            return Source(f"{left.sql} {side or 'INNER'} JOIN {right.sql} ON {on}", fields)
        if side or kind == "INNER":
            raise AthenaError(
                "SYNTAX_ERROR", "mismatched input: a join needs ON or USING", position(join)
            )
        return Source(f"{left.sql} CROSS JOIN {right.sql}", fields)

    def _using(self, left: Source, right: Source, side: str, using: list[Any], join: Any) -> Source:
        conditions, merged, taken = [], [], []
        for column in using:
            name = column.name.lower()
            sides = [Scope(s.fields).find((name,), position(column)) for s in (left, right)]
            a, b = sides
            if a is None or b is None:
                side_name = "left" if a is None else "right"
                message = f"Column '{name}' is missing from {side_name} side of join"
                raise AthenaError("COLUMN_NOT_FOUND", message, position(column))
            target = common(a.type, b.type)
            if target is None:
                raise AthenaError(
                    "TYPE_MISMATCH",
                    f"Column types of {name} differ: {a.type}, {b.type}",
                    position(join),
                )
            x, y = casts.coerce(a.sql, a.type, target), casts.coerce(b.sql, b.type, target)
            conditions.append(f"{x} = {y}")
            value = {"LEFT": x, "RIGHT": y, "FULL": f"coalesce({x}, {y})"}.get(side, x)
            merged.append(Field(name, value, target))
            taken += [a, b]
        rest = [f for f in left.fields + right.fields if f not in taken]
        sql = f"{left.sql} {side or 'INNER'} JOIN {right.sql} ON {' AND '.join(conditions)}"
        return Source(sql, (*merged, *rest))
