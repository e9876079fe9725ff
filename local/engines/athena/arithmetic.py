"""Arithmetic with Trino's result types: whole division truncates, decimals round half up."""

from typing import Any

from local.engines.athena import casts
from local.engines.athena.errors import mismatch
from local.engines.athena.scope import Typed
from local.engines.athena.types import DATE, DAYS, Type, common, decimal, timestamp, timestamptz


def compare(left: Typed, right: Typed, operator: str, node: Any) -> str:
    """SQL of a comparison in the operands' common type."""
    target = common(left.type, right.type)
    if target is None or target.name in ("map", "row"):
        raise mismatch(f"Cannot apply operator: {left.type} {operator} {right.type}", node)
    a = casts.coerce(left.sql, left.type, target)
    b = casts.coerce(right.sql, right.type, target)
    if target.name not in ("double", "real"):
        return f"({a} {operator} {b})"
    # NaN equals nothing and is above nothing in Trino; DuckDB orders it last.
    match operator:
        case "<>":
            return f"(NOT trino_eq({a}, {b}))"
        case ">" | ">=":
            return f"trino_{'lt' if operator == '>' else 'le'}({b}, {a})"
    return f"trino_{ {'=': 'eq', '<': 'lt', '<=': 'le'}[operator] }({a}, {b})"


def operate(operator: str, left: Typed, right: Typed, node: Any = None) -> Typed:
    """SQL and type of `left operator right`; raises AthenaError for types it has no meaning for."""
    if left.type.is_number and right.type.is_number:
        return _numbers(operator, left, right)
    if "unknown" in (left.type.name, right.type.name):
        known = right if left.type.name == "unknown" else left
        if known.type.is_number:
            kind = known.type
            null = Typed(f"CAST(NULL AS {kind.duckdb})", kind)
            return _numbers(operator, *((null, right) if known is right else (left, null)))
    timed = _times(operator, left, right)
    if timed is None:
        raise mismatch(f"Cannot apply operator: {left.type} {operator} {right.type}", node)
    return timed


def _numbers(operator: str, left: Typed, right: Typed) -> Typed:
    target = common(left.type, right.type)
    assert target is not None
    if target.name == "decimal":
        return _decimals(operator, left, right)
    a = casts.coerce(left.sql, left.type, target)
    b = casts.coerce(right.sql, right.type, target)
    if target.is_integer and operator in "/%":
        b = f"trino_nonzero({b})"
        operator = "//" if operator == "/" else operator
    return Typed(f"({a} {operator} {b})", target)


def _decimals(operator: str, left: Typed, right: Typed) -> Typed:
    a, b = left.type.as_decimal, right.type.as_decimal
    x, y = casts.coerce(left.sql, left.type, a), casts.coerce(right.sql, right.type, b)
    scale = max(a.scale, b.scale)
    match operator:
        case "+" | "-":
            target = decimal(max(a.size - a.scale, b.size - b.scale) + scale + 1, scale)
            x, y = casts.coerce(x, a, target), casts.coerce(y, b, target)
            return Typed(f"CAST({x} {operator} {y} AS {target.duckdb})", target)
        case "*":
            target = decimal(a.size + b.size, a.scale + b.scale)
            return Typed(f"CAST({x} * {y} AS {target.duckdb})", target)
        case "/":
            target = decimal(a.size + b.scale + max(0, b.scale - a.scale), scale)
            return Typed(divide(x, y, a, b, target), target)
    target = decimal(min(a.size - a.scale, b.size - b.scale) + scale, scale)
    wide = decimal(38, scale)
    x, y = casts.coerce(x, a, wide), casts.coerce(y, b, wide)
    return Typed(f"CAST({x} % trino_nonzero({y}) AS {target.duckdb})", target)


def divide(x: str, y: str, a: Type, b: Type, target: Type) -> str:
    """Exact division of decimals, rounded half up to the target's scale, on whole numbers."""
    shift = 10 ** (target.scale + b.scale - a.scale)
    quotient = (
        f"trino_half_up(trino_unscaled({x}) * {shift}::HUGEINT, trino_nonzero(trino_unscaled({y})))"
    )
    return scaled(quotient, target)


def scaled(unscaled: str, target: Type) -> str:
    """A whole number of the target's smallest units as a decimal."""
    whole = f"CAST({unscaled} AS DECIMAL(38,0))"
    if target.scale:
        unit = f"0.{'1':0>{target.scale}}"
        whole = f"{whole} * CAST('{unit}' AS DECIMAL({target.scale},{target.scale}))"
    return f"CAST({whole} AS {target.duckdb})"


def _times(operator: str, left: Typed, right: Typed) -> Typed | None:
    if operator not in "+-*":
        return None
    if left.type.name.startswith("interval"):
        if right.type == left.type and operator != "*":
            return Typed(f"({left.sql} {operator} {right.sql})", left.type)
        if right.type.is_integer and operator == "*":
            return Typed(f"({left.sql} * {right.sql})", left.type)
        return _times(operator, right, left) if operator == "+" and _is_time(right.type) else None
    if operator == "*" and left.type.is_integer and right.type.name.startswith("interval"):
        return Typed(f"({right.sql} * {left.sql})", right.type)
    if not _is_time(left.type):
        return None
    if right.type.name.startswith("interval") and operator != "*":
        return _shift(operator, left, right)
    target = common(left.type, right.type) if operator == "-" else None
    if target is None:
        return None
    a = casts.coerce(left.sql, left.type, target)
    b = casts.coerce(right.sql, right.type, target)
    if target == DATE:
        return Typed(f"to_days(CAST({a} - {b} AS INTEGER))", DAYS)
    return Typed(f"({a} - {b})", DAYS)


def _is_time(type_: Type) -> bool:
    return type_ == DATE or type_.is_instant


def _shift(operator: str, left: Typed, right: Typed) -> Typed:
    moved = f"({left.sql} {operator} {right.sql})"
    if left.type == DATE:
        return Typed(f"CAST({moved} AS DATE)", DATE)
    size = max(left.type.size, 3) if right.type == DAYS else left.type.size
    if left.type.name == "timestamp":
        return Typed(moved, timestamp(size))
    zone = left.type.zone
    if zone != "UTC" and right.type != DAYS:  # calendar arithmetic happens on the local clock
        moved = f"timezone('{zone}', {casts.wall(left.sql, left.type)} {operator} {right.sql})"
    return Typed(moved, timestamptz(size, zone))
