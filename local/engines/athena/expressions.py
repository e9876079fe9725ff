"""Expressions: every node of the syntax tree has a rule here, in `functions`, or is refused."""

from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from lakehouse.sqltext import literal
from local.engines.athena import aggregates, arithmetic, casts, literals
from local.engines.athena.aggregatefunctions import AGGREGATES, WINDOWS
from local.engines.athena.arithmetic import compare
from local.engines.athena.arrayfunctions import ARRAYS
from local.engines.athena.errors import AthenaError, mismatch, position, refuse
from local.engines.athena.functions import CONDITIONS, Rule, unexpected
from local.engines.athena.numberfunctions import NUMBERS
from local.engines.athena.parsing import LITERAL
from local.engines.athena.predicates import PREDICATES
from local.engines.athena.scope import Scope, Typed
from local.engines.athena.textfunctions import TEXTS
from local.engines.athena.timefunctions import TIMES
from local.engines.athena.types import (
    BOOLEAN,
    UNKNOWN,
    VARCHAR,
    Type,
    array,
    common,
    timestamptz,
)

if TYPE_CHECKING:
    from local.engines.athena.queries import Compiler

SCALARS: Final = {**CONDITIONS, **TEXTS, **NUMBERS, **TIMES, **ARRAYS}
_COMPARISONS: Final = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_ARITHMETIC: Final = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}


class Expressions:
    """Compiles expressions of one scope. `compiler` compiles the queries inside them."""

    def __init__(self, compiler: "Compiler", scope: Scope) -> None:
        self.compiler, self.scope = compiler, scope

    def compile(self, node: Any) -> Typed:
        """DuckDB SQL and type of `node`; raises AthenaError for what is wrong or unknown."""
        rule = _RULES.get(type(node))
        if rule is not None:
            return rule(self, node)
        if type(node) in _COMPARISONS:
            return self._compare(node, _COMPARISONS[type(node)])
        if type(node) in _ARITHMETIC:
            operator = _ARITHMETIC[type(node)]
            left, right = self.compile(node.this), self.compile(node.expression)
            return arithmetic.operate(operator, left, right, node)
        raise refuse(f"{type(node).__name__.upper()} ({str(node)[:60]})", node)

    def inside(self, scope: Scope) -> "Expressions":
        """The same, for another scope."""
        return Expressions(self.compiler, scope)

    def condition(self, node: Any, clause: str) -> str:
        """SQL of a condition that must be boolean."""
        value = self.compile(node)
        if value.type not in (BOOLEAN, UNKNOWN):
            raise mismatch(f"{clause} must evaluate to a boolean: actual type {value.type}", node)
        return value.sql

    def unify(self, values: list[Typed], what: str, node: Any) -> tuple[list[str], Type]:
        """Brings values into their common type; raises AthenaError if there is none."""
        target = UNKNOWN
        for value in values:
            joined = common(target, value.type)
            if joined is None:
                raise mismatch(
                    f"{what} must be the same type or coercible to a common type. "
                    f"Cannot find common type between {target} and {value.type}",
                    node,
                )
            target = joined
        return [casts.coerce(value.sql, value.type, target) for value in values], target

    def _compare(self, node: Any, operator: str) -> Typed:
        if isinstance(node.expression, exp.Any | exp.All):
            raise refuse("quantified comparisons", node)
        left, right = self.compile(node.this), self.compile(node.expression)
        return Typed(compare(left, right, operator, node), BOOLEAN)


def _column(self: Expressions, node: exp.Column) -> Typed:
    parts = tuple(part.name.lower() for part in node.parts)
    at = position(node)
    for used in range(len(parts), 0, -1):  # the rest are fields of a row
        found = self.scope.find(parts[:used], at)
        if found:
            value = Typed(found.sql, found.type)
            for name in parts[used:]:
                value = _field(value, name, node)
            return value
    raise AthenaError("COLUMN_NOT_FOUND", f"Column '{'.'.join(parts)}' cannot be resolved", at)


def _field(value: Typed, name: str, node: Any) -> Typed:
    if value.type.name != "row":
        raise mismatch(f"Expression is not of type ROW: {value.type}", node)
    lowered = [n.lower() for n in value.type.fields]
    if name not in lowered:
        raise AthenaError("COLUMN_NOT_FOUND", f"Column '{name}' cannot be resolved", position(node))
    index = lowered.index(name)
    return Typed(
        f"struct_extract({value.sql}, {literal(value.type.fields[index])})",
        value.type.items[index],
    )


def _identifier(self: Expressions, node: exp.Identifier) -> Typed:
    return _column(self, exp.Column(this=node.copy()))


def _case(self: Expressions, node: exp.Case) -> Typed:
    operand = self.compile(node.this) if node.this else None
    whens = []
    for branch in node.args["ifs"]:
        if operand is None:
            whens.append(self.condition(branch.this, "CASE WHEN clause"))
        else:
            whens.append(compare(operand, self.compile(branch.this), "=", branch))
    default = node.args.get("default")
    values = [self.compile(branch.args["true"]) for branch in node.args["ifs"]]
    values.append(self.compile(default) if default is not None else Typed("NULL", UNKNOWN))
    sqls, target = self.unify(values, "All CASE results", node)
    branches = "".join(f" WHEN {w} THEN {s}" for w, s in zip(whens, sqls, strict=False))
    return Typed(f"(CASE{branches} ELSE {sqls[-1]} END)", target)


def _cast(self: Expressions, node: exp.Cast) -> Typed:
    target = literals.cast_type(node)
    value = self.compile(node.this)
    if value.type.name == "timestamp with time zone" == target.name:
        target = timestamptz(target.size, value.type.zone)
    if not isinstance(node, exp.TryCast):
        return Typed(casts.cast(value.sql, value.type, target, node), target)
    shape = casts.cast("$operand$", value.type, target, node)
    shape = literals.forgiving(shape)
    return Typed(shape.replace("$operand$", value.sql), target)


def _subquery(self: Expressions, node: exp.Subquery) -> Typed:
    inner = self.compiler.query(node.this, self.scope)
    if len(inner.types) != 1:
        raise AthenaError("SYNTAX_ERROR", "Multiple columns returned by subquery are not yet "
                          f"supported. Found {len(inner.types)}", position(node))  # fmt: skip
    return Typed(f"({inner.sql})", inner.types[0])


def _bracket(self: Expressions, node: exp.Bracket) -> Typed:
    base, index = self.compile(node.this), self.compile(node.expressions[0])
    if base.type.name == "array" and index.type.is_integer:
        return Typed(f"trino_item({base.sql}, {index.sql})", base.type.items[0])
    key = base.type.items[0] if base.type.name == "map" else None
    if key is not None and common(key, index.type) == key:
        value = f"trino_value({base.sql}, {casts.coerce(index.sql, index.type, key)})"
        return Typed(value, base.type.items[1])
    raise mismatch(f"Cannot apply operator: {base.type}[{index.type}]", node)


def _array(self: Expressions, node: exp.Array) -> Typed:
    sqls, item = self.unify([self.compile(n) for n in node.expressions], "All ARRAY elements", node)
    return Typed(f"list_value({', '.join(sqls)})", array(item))


def _zone(self: Expressions, node: exp.AtTimeZone) -> Typed:
    value, zone = self.compile(node.this), self.compile(node.args["zone"])
    if zone.text is None:
        raise refuse("a time zone that is not a literal", node)
    return literals.at_zone(value, zone.text, node)


def _function(self: Expressions, node: exp.Anonymous) -> Typed:
    name = str(node.this).lower() if isinstance(node.this, str) else node.name.lower()
    if name.startswith(LITERAL):
        return literals.typed(node)
    if name in AGGREGATES or name in WINDOWS:
        return aggregates.call(self, node)
    function = SCALARS.get(name)
    if function is None:
        message = f"Function '{name}' not registered, or not known to the local Athena"
        raise AthenaError("FUNCTION_NOT_FOUND", message, position(node))
    return function(self, node)


def _rename(name: str, *keys: str) -> Rule:
    """A node that is a function with its own syntax."""

    def rule(self: Expressions, node: Any) -> Typed:
        arguments = [node.args[key] for key in keys if node.args.get(key) is not None]
        return SCALARS[name](self, exp.Anonymous(this=name, expressions=arguments))

    return rule


def _trim(self: Expressions, node: exp.Trim) -> Typed:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")), "trim")
    return _rename(name, "this", "expression")(self, node)


def _extract(self: Expressions, node: exp.Extract) -> Typed:
    name = node.name.lower()
    if name not in SCALARS:
        raise refuse(f"EXTRACT({name})", node)
    return _rename(name, "expression")(self, node)


def _negate(self: Expressions, node: exp.Neg) -> Typed:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return literals.plain(node.this, "-")
    value = self.compile(node.this)
    if not value.type.is_number and not value.type.name.startswith("interval"):
        raise mismatch(f"Cannot negate {value.type}", node)
    return Typed(f"(-{value.sql})", value.type)


def _concat(self: Expressions, node: exp.DPipe) -> Typed:
    left, right = self.compile(node.this), self.compile(node.expression)
    if left.type.name == right.type.name == "array":
        (a, b), target = self.unify([left, right], "Arrays", node)
        return Typed(f"list_concat({a}, {b})", target)
    if {left.type.name, right.type.name} <= {"varchar", "unknown"}:
        return Typed(f"({left.sql} || {right.sql})", VARCHAR)
    raise unexpected([left, right], exp.Anonymous(this="concat", expressions=[node.copy()]))


def _dot(self: Expressions, node: exp.Dot) -> Typed:
    return _field(self.compile(node.this), node.expression.name.lower(), node)


_RULES: Final[dict[type, Rule]] = {
    **PREDICATES,
    exp.Column: _column, exp.Identifier: _identifier, exp.Dot: _dot,
    exp.Literal: lambda _self, node: literals.plain(node),
    exp.Null: lambda _self, _node: Typed("NULL", UNKNOWN),
    exp.Boolean: lambda _self, node: Typed("TRUE" if node.this else "FALSE", BOOLEAN),
    exp.Paren: lambda self, node: self.compile(node.this),
    exp.Case: _case, exp.Cast: _cast, exp.TryCast: _cast, exp.Subquery: _subquery,
    exp.Bracket: _bracket, exp.Array: _array, exp.AtTimeZone: _zone, exp.Anonymous: _function,
    exp.Filter: aggregates.call, exp.Window: aggregates.call, exp.WithinGroup: aggregates.call,
    exp.Substring: _rename("substr", "this", "start", "length"),
    exp.StrPosition: _rename("strpos", "this", "substr"),
    exp.Trim: _trim, exp.Extract: _extract, exp.Neg: _negate,
    exp.Interval: lambda _self, node: literals.interval(node),
    exp.DPipe: _concat,
    exp.CurrentDate: _rename("current_date"), exp.CurrentTimestamp: _rename("current_timestamp"),
    exp.Localtimestamp: _rename("localtimestamp"),
}  # fmt: skip
