"""Functions of numbers."""

from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from local.engines.athena.arithmetic import operate
from local.engines.athena.errors import raising, refuse
from local.engines.athena.functions import Rule, fitted, signature, unexpected
from local.engines.athena.scope import Typed
from local.engines.athena.types import BIGINT, BOOLEAN, DOUBLE, decimal

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions


def _extreme(duckdb: str) -> Rule:
    def rule(self: "Expressions", node: Any) -> Typed:
        """NULL if any argument is, unlike DuckDB."""
        sqls, type_ = self.unify([self.compile(n) for n in node.expressions], "Arguments", node)
        some_null = " OR ".join(f"({sql}) IS NULL" for sql in sqls)
        guard = ""
        if type_.name in ("double", "real"):  # Trino's answer hangs on the order of the arguments
            some_nan = " OR ".join(f"isnan({sql})" for sql in sqls)
            guard = f"WHEN {some_nan} THEN {raising('NOT_SUPPORTED', f'{duckdb} of NaN')} "
        chosen = f"{duckdb}({', '.join(sqls)})"
        return Typed(f"(CASE WHEN {some_null} THEN NULL {guard}ELSE {chosen} END)", type_)

    return rule


def _rounding(duckdb: str) -> Rule:
    def rule(self: "Expressions", node: Any) -> Typed:
        values = [self.compile(n) for n in node.expressions]
        if len(values) == 2:
            raise refuse(f"{str(node.this).lower()}() with two arguments", node)
        if len(values) != 1 or not values[0].type.is_number:
            raise unexpected(values, node)
        sql, kind = values[0].sql, values[0].type
        if kind.is_integer:
            return values[0]
        if kind.name == "decimal":
            whole = kind.size - kind.scale
            kind = decimal(max(whole, 1) if duckdb == "trunc" else whole + min(kind.scale, 1), 0)
        return Typed(f"CAST({duckdb}({sql}) AS {kind.duckdb})", kind)

    return rule


def _round(self: "Expressions", node: Any) -> Typed:
    if len(node.expressions) == 1:
        return _rounding("round")(self, node)
    values = [self.compile(n) for n in node.expressions]
    digits = constant(node.expressions[1])
    if len(values) != 2 or not values[0].type.is_number or not values[1].type.is_integer:
        raise unexpected(values, node)
    if digits is None:
        raise refuse("round() to a number of digits that is not a literal", node)
    sql, kind = values[0].sql, values[0].type
    if kind.is_integer and digits >= 0:
        return values[0]
    if kind.name != "decimal":
        return Typed(f"CAST(round({sql}, {digits}) AS {kind.duckdb})", kind)
    target = decimal(kind.size + 1, kind.scale)
    wide = f"CAST({sql} AS {target.duckdb})"
    return Typed(f"CAST(round({wide}, {digits}) AS {target.duckdb})", target)


def constant(node: Any) -> int | None:
    """The value of a whole-number literal, None for anything else."""
    negative = isinstance(node, exp.Neg)
    node = node.this if negative else node
    if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
        return None
    return -int(node.this) if negative else int(node.this)


def _abs(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(n) for n in node.expressions]
    if len(values) != 1 or not values[0].type.is_number:
        raise unexpected(values, node)
    return Typed(f"abs({values[0].sql})", values[0].type)


def _mod(self: "Expressions", node: Any) -> Typed:
    left, right = (self.compile(n) for n in node.expressions)
    return operate("%", left, right, node)


def _width_bucket(self: "Expressions", node: Any) -> Typed:
    x, low, high, buckets = fitted(self, node, DOUBLE, DOUBLE, DOUBLE, BIGINT)
    return Typed(f"trino_bucket({x.sql}, {low.sql}, {high.sql}, {buckets.sql})", BIGINT)


def _sign(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(argument) for argument in node.expressions]
    if len(values) != 1 or not values[0].type.is_number:
        raise unexpected(values, node)
    kind = values[0].type
    kind = decimal(1, 0) if kind.name == "decimal" else kind
    return Typed(f"CAST(sign({values[0].sql}) AS {kind.duckdb})", kind)


def _double(sql: str, count: int = 1) -> Rule:
    return signature(DOUBLE, sql, *[DOUBLE] * count)


NUMBERS: Final[dict[str, Rule]] = {
    "greatest": _extreme("greatest"), "least": _extreme("least"),
    "abs": _abs, "mod": _mod, "round": _round, "sign": _sign, "width_bucket": _width_bucket,
    "ceil": _rounding("ceil"), "ceiling": _rounding("ceil"), "floor": _rounding("floor"),
    "truncate": _rounding("trunc"),
    "sqrt": _double("(CASE WHEN {0} < 0 THEN 'NaN'::DOUBLE ELSE sqrt({0}) END)"),
    "power": _double("pow({0}, {1})", 2), "pow": _double("pow({0}, {1})", 2),
    "exp": _double("exp({0})"), "ln": _double("trino_log({0})"),
    "log10": _double("(CASE WHEN {0} > 0 THEN log10({0}) ELSE trino_log({0}) END)"),
    "log2": _double("(CASE WHEN {0} > 0 THEN log2({0}) ELSE trino_log({0}) END)"),
    "sin": _double("sin({0})"), "cos": _double("cos({0})"),
    "tan": _double("tan({0})"),
    "atan": _double("atan({0})"), "atan2": _double("atan2({0}, {1})", 2),
    "radians": _double("radians({0})"), "degrees": _double("degrees({0})"),
    "pi": _double("pi()", 0), "e": _double("exp(1.0::DOUBLE)", 0),
    "nan": _double("'NaN'::DOUBLE", 0), "infinity": _double("'Infinity'::DOUBLE", 0),
    "rand": _double("random()", 0), "random": _double("random()", 0),
    "is_nan": signature(BOOLEAN, "isnan({0})", DOUBLE),
    "is_finite": signature(BOOLEAN, "isfinite({0})", DOUBLE),
    "is_infinite": signature(BOOLEAN, "isinf({0})", DOUBLE),
}  # fmt: skip
