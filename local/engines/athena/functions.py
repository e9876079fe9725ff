"""How a scalar function is described, and the conditional ones."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from lakehouse.sqltext import literal
from local.engines.athena import casts
from local.engines.athena.arithmetic import compare
from local.engines.athena.errors import AthenaError, position, refuse
from local.engines.athena.scope import Typed
from local.engines.athena.types import (
    UNKNOWN,
    VARCHAR,
    Type,
    common,
)

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions

Rule = Callable[["Expressions", Any], Typed]


def signature(result: Type | int, sql: str, *parameters: Type) -> Rule:
    """A function with fixed parameter types. `result` may be the index of an argument's type.

    `sql` names the arguments {0}, {1}, ...; an argument that is narrower is coerced.
    """

    def rule(self: "Expressions", node: Any) -> Typed:
        values = fitted(self, node, *parameters)
        type_ = values[result].type if isinstance(result, int) else result
        return Typed(sql.format(*(value.sql for value in values)), type_)

    return rule


def fitted(self: "Expressions", node: Any, *parameters: Type) -> list[Typed]:
    """The call's arguments coerced to `parameters`; a varchar keeps its length."""
    values = [self.compile(argument) for argument in node.expressions]
    good = len(values) == len(parameters)
    result = []
    for value, wanted in zip(values, parameters, strict=False):
        if value.type.name == wanted.name == "varchar":
            result.append(value)
            continue
        good = good and (common(value.type, wanted) == wanted)
        if good:
            result.append(Typed(casts.coerce(value.sql, value.type, wanted), wanted, value.text))
    if not good:
        raise unexpected(values, node)
    return result


def unexpected(values: list[Typed], node: Any) -> AthenaError:
    """The error for arguments that no signature takes."""
    types = ", ".join(str(value.type) for value in values)
    name = str(node.this).lower()
    return AthenaError(
        "FUNCTION_NOT_FOUND", f"Unexpected parameters ({types}) for function {name}", position(node)
    )


def overloads(*rules: Rule) -> Rule:
    """The first signature that takes the arguments."""

    def rule(self: "Expressions", node: Any) -> Typed:
        for candidate in rules[:-1]:
            try:
                return candidate(self, node)
            except AthenaError as fault:
                if fault.code != "FUNCTION_NOT_FOUND":
                    raise
        return rules[-1](self, node)

    return rule


def _coalesce(self: "Expressions", node: Any) -> Typed:
    sqls, type_ = self.unify(
        [self.compile(n) for n in node.expressions], "All COALESCE operands", node
    )
    return Typed(f"coalesce({', '.join(sqls)})", type_)


def _if(self: "Expressions", node: Any) -> Typed:
    condition = self.condition(node.expressions[0], "IF condition")
    values = [self.compile(n) for n in node.expressions[1:]]
    sqls, type_ = self.unify([*values, Typed("NULL", UNKNOWN)][:2], "Result types for IF", node)
    return Typed(f"(CASE WHEN {condition} THEN {sqls[0]} ELSE {sqls[1]} END)", type_)


def _nullif(self: "Expressions", node: Any) -> Typed:
    first, second = (self.compile(n) for n in node.expressions)
    same = compare(first, second, "=", node)
    return Typed(f"(CASE WHEN {same} THEN NULL ELSE {first.sql} END)", first.type)


def _try(_self: "Expressions", node: Any) -> Typed:
    raise refuse("TRY(); use TRY_CAST or NULLIF", node)


def _typeof(self: "Expressions", node: Any) -> Typed:
    return Typed(literal(str(self.compile(node.expressions[0]).type)), VARCHAR)


CONDITIONS: Final[dict[str, Rule]] = {
    "coalesce": _coalesce, "if": _if, "nullif": _nullif, "try": _try, "typeof": _typeof,
}  # fmt: skip
