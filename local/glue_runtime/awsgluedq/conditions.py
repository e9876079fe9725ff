"""DQDL conditions as Spark columns (for rows) and as plain comparisons (for metrics)."""

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as fn

from lakehouse.quality.rules import Condition, Duration, Keyword, Moment, Value

_EXACT = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
_SECONDS = {"minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}


def seconds(value: Duration | Moment) -> float:
    """A duration, or a moment's distance from now, in seconds."""
    amount = value.amount if isinstance(value, Duration) else value.offset
    return float(amount) * _SECONDS[value.unit]


def literal(value: Value) -> Column:
    """A value as a Spark literal; moments are relative to the query's start."""
    if isinstance(value, Moment):
        return fn.current_timestamp() + fn.expr(f"make_dt_interval(0, 0, 0, {seconds(value)})")
    if isinstance(value, Duration):
        raise ValueError(f"a duration ({value.amount} {value.unit}) belongs to DataFreshness only")
    return fn.lit(value)


def _is(column: Column, value: Value) -> Column:
    """Whether the column holds the value; never NULL."""
    match value:
        case Keyword.NULL:
            return column.isNull()
        case Keyword.EMPTY:
            return fn.coalesce(column == "", fn.lit(False))
        case Keyword.WHITESPACES_ONLY:
            return fn.coalesce((fn.length(column) > 0) & (fn.trim(column) == ""), fn.lit(False))
    return fn.coalesce(column == literal(value), fn.lit(False))


def holds(column: Column, condition: Condition) -> Column:
    """Row by row: NULL fails, except under `!=` and `not in`, where it passes unless excluded."""
    operator, values = condition.operator, condition.values
    if operator in ("=", "in", "!=", "not in"):
        any_of = fn.lit(False)
        for value in values:
            any_of = any_of | _is(column, value)
        return any_of if operator in ("=", "in") else ~any_of
    if operator in ("matches", "not matches"):
        matched = column.cast("string").rlike(rf"\A(?:{values[0]})\z")
        passed = matched if operator == "matches" else ~matched
    elif operator == "between":
        passed = (column > literal(values[0])) & (column < literal(values[1]))
    elif operator == "not between":
        passed = (column <= literal(values[0])) | (column >= literal(values[1]))
    else:
        passed = _EXACT[operator](column, literal(values[0]))
    return fn.coalesce(passed, fn.lit(False))


def meets(metric: float, condition: Condition) -> bool:
    """Whether a metric of the whole set satisfies the condition."""
    values = [_number(value) for value in condition.values]
    match condition.operator:
        case "in" | "not in":
            return (metric in values) == (condition.operator == "in")
        case "between":
            return values[0] < metric < values[1]
        case "not between":
            return metric <= values[0] or metric >= values[1]
        case "matches" | "not matches":
            raise ValueError(f"'{condition.operator}' can't judge a number")
    return bool(_EXACT[condition.operator](metric, values[0]))


def _number(value: Value) -> float:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Duration):
        return seconds(value)
    raise ValueError(f"{value!r} is not a number")
