"""ORDER BY, OFFSET and LIMIT."""

from typing import Any

from sqlglot import exp

from local.engines.athena import grouping
from local.engines.athena.aggregates import sort
from local.engines.athena.errors import AthenaError, position, refuse
from local.engines.athena.expressions import Expressions
from local.engines.athena.scope import Field, Scope, Typed
from local.engines.athena.types import Type

Outputs = list[tuple[str | None, Typed]]


def order(node: Any, expressions: Expressions, outputs: Outputs) -> str:
    """SQL of a query's ORDER BY, empty if there is none: output names come before the tables'."""
    clause = node.args.get("order")
    if clause is None:
        return ""
    named = tuple(Field(name, value.sql, value.type) for name, value in outputs if name)
    visible = expressions.inside(Scope(_unique(named), expressions.scope))
    width = len(outputs) or len(expressions.scope.fields)
    return (
        f" ORDER BY {sort(Ordinals(visible, width, [n for n, _ in outputs]), clause.expressions)}"
    )


def limit(node: Any) -> str:
    """SQL of a query's LIMIT or FETCH FIRST, and OFFSET."""
    text = ""
    if offset := node.args.get("offset"):
        text = f" OFFSET {_whole(offset.expression)}"
    clause = node.args.get("limit")
    if clause is None:
        return text
    if isinstance(clause, exp.Fetch):
        options = clause.args.get("limit_options")
        if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
            raise refuse("FETCH ... WITH TIES", node)
        return f" LIMIT {_whole(clause.args.get('count') or exp.Literal.number(1))}{text}"
    if str(clause.expression).upper() == "ALL":
        return text
    return f" LIMIT {_whole(clause.expression)}{text}"


class Ordinals(Expressions):
    """Sort keys: a whole number is a column's position; a bare output name is that column."""

    def __init__(self, inner: Expressions, width: int, names: list[str | None]) -> None:
        super().__init__(inner.compiler, inner.scope)
        self.width, self.names = width, [n.lower() if n else None for n in names]

    def compile(self, node: Any) -> Typed:
        """As `Expressions.compile`, with positions."""
        if isinstance(node, exp.Literal) and not node.is_string:
            grouping.check_ordinal(node, self.width, "ORDER BY")
            return Typed(str(node.this), Type("ordinal"))
        if (
            isinstance(node, exp.Column)
            and len(node.parts) == 1
            and self.names.count(node.name.lower()) == 1
        ):
            return Typed(str(self.names.index(node.name.lower()) + 1), Type("ordinal"))
        return Expressions(self.compiler, self.scope).compile(node)


def _unique(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Output columns of the same expression count as one name."""
    seen: dict[tuple[str, str], Field] = {}
    for item in fields:
        seen.setdefault(((item.name or "").lower(), item.sql), item)
    return tuple(seen.values())


def _whole(node: Any) -> str:
    if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
        raise AthenaError("SYNTAX_ERROR", f"mismatched input '{node}'", position(node))
    return str(node.this)
