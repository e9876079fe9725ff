"""Calls of aggregates and windows: DISTINCT, ORDER BY, FILTER, OVER and frames around them."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.engines.athena.aggregatefunctions import AGGREGATES, WINDOWS
from local.engines.athena.errors import AthenaError, position, refuse
from local.engines.athena.scope import Typed
from local.engines.athena.types import Type

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions


def call(self: "Expressions", node: Any) -> Typed:
    """Compiles a call with whatever hangs on it: DISTINCT, ORDER BY, FILTER, OVER, nulls."""
    inner, filtered, over, nulls, within = _unwrap(node)
    name = inner.name.lower()
    arguments, distinct, order = _arguments(inner)
    if within is not None:
        order = within.expressions
    if over is None and name in WINDOWS:
        raise AthenaError(
            "MISSING_OVER", f"Window function {name} requires an OVER clause", position(node)
        )
    if name not in AGGREGATES and name not in WINDOWS:
        raise refuse(f"{name}() with OVER or FILTER", node)
    values = [_star() if isinstance(a, exp.Star) else self.compile(a) for a in arguments]
    tail = f" ORDER BY {sort(self, order)}" if order else ""
    filters = (
        f" FILTER (WHERE {self.condition(filtered, 'FILTER')})" if filtered is not None else ""
    )
    windows = f" OVER ({_over(self, over)})" if over is not None else ""

    def wrap(text: str) -> str:
        if tail or nulls:
            text = f"{text[:-1]}{tail}{nulls})"
        return f"{text}{filters}{windows}"

    builder = AGGREGATES.get(name) or WINDOWS[name]
    built = builder(values, "DISTINCT " if distinct else "", wrap)
    if built is None:
        types = ", ".join(str(v.type) for v in values)
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters ({types}) for function {name}",
            position(inner),
        )
    return Typed(*built)


def _unwrap(node: Any) -> tuple[exp.Anonymous, Any, Any, str, Any]:
    filtered = over = within = None
    nulls = ""
    while not isinstance(node, exp.Anonymous):
        match node:
            case exp.Window():
                over = node
            case exp.Filter():
                filtered = node.expression.this
            case exp.IgnoreNulls():
                nulls = " IGNORE NULLS"
            case exp.RespectNulls():
                nulls = ""
            case exp.WithinGroup():
                within = node.expression
            case _:
                raise refuse(f"{type(node).__name__.upper()} here", node)
        node = node.this
    return node, filtered, over, nulls, within


def _arguments(node: exp.Anonymous) -> tuple[list[Any], bool, list[Any]]:
    arguments, distinct, order = list(node.expressions), False, []
    if arguments and isinstance(arguments[-1], exp.Order):
        order = arguments[-1].expressions
        arguments[-1] = arguments[-1].this
    if arguments and isinstance(arguments[0], exp.Distinct):
        distinct, arguments = True, arguments[0].expressions
    return arguments, distinct, order


def _star() -> Typed:
    return Typed("*", Type("star"))


def sort(self: "Expressions", keys: list[Any]) -> str:
    """SQL of sort keys; NULLs come last in both directions unless it is said, as in Trino."""
    return ", ".join(
        f"{self.compile(key.this).sql}{' DESC' if key.args.get('desc') else ''} "
        f"NULLS {'FIRST' if key.args.get('nulls_first') else 'LAST'}"
        for key in keys
    )


def _over(self: "Expressions", node: exp.Window) -> str:
    if node.args.get("alias"):
        node = self.compiler.window(node.args["alias"].name.lower(), node)
    parts = []
    if partition := node.args.get("partition_by"):
        parts.append("PARTITION BY " + ", ".join(self.compile(key).sql for key in partition))
    if order := node.args.get("order"):
        parts.append("ORDER BY " + sort(self, order.expressions))
    if spec := node.args.get("spec"):
        if spec.args.get("exclude"):
            raise refuse("frame exclusion", node)
        start = _bound(self, spec.args["start"], spec.args.get("start_side"))
        end = _bound(self, spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"))
        parts.append(f"{spec.args['kind']} BETWEEN {start} AND {end}")
    return " ".join(parts)


def _bound(self: "Expressions", bound: Any, side: str | None) -> str:
    text = bound if isinstance(bound, str) else self.compile(bound).sql
    return f"{text} {side}" if side else text
