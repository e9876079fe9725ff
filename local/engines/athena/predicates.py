"""Conditions: logic with NULL, IN, BETWEEN, LIKE, EXISTS."""

from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from local.engines.athena import casts
from local.engines.athena.arithmetic import compare
from local.engines.athena.errors import AthenaError, mismatch, position, refuse
from local.engines.athena.functions import Rule
from local.engines.athena.scope import Typed
from local.engines.athena.types import BOOLEAN, common

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions


def _logic(operator: str) -> Rule:
    def rule(self: "Expressions", node: Any) -> Typed:
        sides = [
            self.condition(side, "Logical expression term") for side in (node.this, node.expression)
        ]
        return Typed(f"({sides[0]} {operator} {sides[1]})", BOOLEAN)

    return rule


def _is(self: "Expressions", node: exp.Is) -> Typed:
    if not isinstance(node.expression, exp.Null):
        raise AthenaError("SYNTAX_ERROR", "mismatched input after IS", position(node))
    return Typed(f"({self.compile(node.this).sql} IS NULL)", BOOLEAN)


def _between(self: "Expressions", node: exp.Between) -> Typed:
    if node.args.get("symmetric"):
        raise refuse("BETWEEN SYMMETRIC", node)
    value = self.compile(node.this)
    low = compare(value, self.compile(node.args["low"]), ">=", node)
    high = compare(value, self.compile(node.args["high"]), "<=", node)
    return Typed(f"({low} AND {high})", BOOLEAN)


def _in(self: "Expressions", node: exp.In) -> Typed:
    value = self.compile(node.this)
    if query := node.args.get("query"):
        inner = self.compiler.query(
            query.this if isinstance(query, exp.Subquery) else query, self.scope
        )
        if len(inner.types) != 1:
            raise AthenaError("SYNTAX_ERROR", "Multiple columns returned by subquery are not yet "
                              f"supported. Found {len(inner.types)}", position(node))  # fmt: skip
        target = common(value.type, inner.types[0])
        if target is None:
            raise mismatch(f"Value expression and result of subquery must be of the same type: "
                           f"{value.type} vs {inner.types[0]}", node)  # fmt: skip
        column = casts.coerce(f"q.{inner.labels[0]}", inner.types[0], target)
        return Typed(f"({casts.coerce(value.sql, value.type, target)} IN "
                     f"(SELECT {column} FROM ({inner.sql}) AS q))", BOOLEAN)  # fmt: skip
    if node.args.get("unnest") or node.args.get("field"):
        raise refuse("this form of IN", node)
    options = [compare(value, self.compile(item), "=", node) for item in node.expressions]
    return Typed("(" + " OR ".join(options) + ")", BOOLEAN)


def _distinct_from(operator: str) -> Rule:
    def rule(self: "Expressions", node: Any) -> Typed:
        values = [self.compile(node.this), self.compile(node.expression)]
        target = common(values[0].type, values[1].type)
        if target is None:
            raise mismatch(
                f"Cannot apply operator: {values[0].type} {operator} {values[1].type}", node
            )
        a, b = (casts.coerce(v.sql, v.type, target) for v in values)
        return Typed(f"({a} {operator} {b})", BOOLEAN)

    return rule


def _like(self: "Expressions", node: Any) -> Typed:
    escape = ""
    like = node
    if isinstance(node, exp.Escape):
        like, escape = node.this, f" ESCAPE {self.compile(node.expression).sql}"
    if not isinstance(like, exp.Like):
        raise refuse("ESCAPE here", node)
    value, pattern = self.compile(like.this), self.compile(like.expression)
    if not {value.type.name, pattern.type.name} <= {"varchar", "unknown"}:
        raise mismatch(
            f"Left side of LIKE expression must evaluate to a varchar (actual: {value.type})", node
        )
    negate = "NOT " if like.args.get("negate") else ""
    return Typed(f"({value.sql} {negate}LIKE {pattern.sql}{escape})", BOOLEAN)


def _not(self: "Expressions", node: exp.Not) -> Typed:
    value = self.condition(node.this, "Value of logical NOT expression")
    return Typed(f"(NOT {value})", BOOLEAN)


def _exists(self: "Expressions", node: exp.Exists) -> Typed:
    return Typed(f"EXISTS ({self.compiler.query(node.this, self.scope).sql})", BOOLEAN)


PREDICATES: Final[dict[type, Rule]] = {
    exp.And: _logic("AND"), exp.Or: _logic("OR"), exp.Not: _not, exp.Is: _is, exp.In: _in,
    exp.Between: _between, exp.Like: _like, exp.Escape: _like, exp.Exists: _exists,
    exp.NullSafeEQ: _distinct_from("IS NOT DISTINCT FROM"),
    exp.NullSafeNEQ: _distinct_from("IS DISTINCT FROM"),
}  # fmt: skip
