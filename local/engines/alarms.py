"""CloudWatch's judgement of a metric alarm, over points that have been recorded. Pure.

As on AWS the periods slide with the time of the judgement and what no point tells is treated as the
alarm says. Of metric math there is what the templates use: numbers, + - * / and comparisons, SUM,
MAX, MIN and AVG of a list, IF.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lakehouse.errors import LocalError

Points = Sequence[tuple[float, float]]
"""Moments in seconds since 1970, and values."""
Read = Callable[[str, str, Mapping[str, str], float], Points]
"""The points of a namespace's metric with exactly these dimensions, after a moment."""
Alarm = Mapping[str, Any]

_STATISTICS: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
_LISTS: Final = {"SUM": "Sum", "MAX": "Maximum", "MIN": "Minimum", "AVG": "Average"}
_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_OPERATORS: Final[dict[type, Callable[[float, float], float]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def judge(alarm: Alarm, read: Read, now: float) -> tuple[str, str]:
    """The state that the alarm is to have, and the reason in words; raises LocalError."""
    period = _period(alarm)
    found = [
        value(alarm, read, now - (back + 1) * period, now - back * period)
        for back in range(int(alarm["EvaluationPeriods"]))
    ]
    silence = alarm.get("TreatMissingData") or "missing"
    known = [one for one in found if one is not None]
    if not known and silence == "missing":
        return "INSUFFICIENT_DATA", "no point in the periods"
    if not known and silence == "ignore":
        return alarm["StateValue"], alarm["StateReason"]
    breaches, threshold = _COMPARISONS[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    is_breached = all(
        silence == "breaching" if one is None else breaches(one, threshold) for one in found
    )
    shown = ", ".join("none" if one is None else f"{one:g}" for one in found)
    words = f"{shown} in {period:g} s against {alarm['ComparisonOperator']} {threshold:g}"
    return "ALARM" if is_breached else "OK", words


def value(alarm: Alarm, read: Read, after: float, upto: float) -> float | None:
    """What the alarm looks at in one period; None where no point tells."""

    def of_metric(metric: Mapping[str, Any], statistic: str) -> float | None:
        named = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
        points = read(metric["Namespace"], metric["MetricName"], named, after)
        values = [number for moment, number in points if after < moment <= upto]
        return float(_STATISTICS[statistic](values)) if values else None

    if not alarm.get("Metrics"):
        return of_metric(alarm, alarm["Statistic"])
    names: dict[str, float | None] = {}
    formula = ""
    for one in alarm["Metrics"]:
        if one.get("Expression"):
            formula = one["Expression"]
        else:
            names[one["Id"]] = of_metric(one["MetricStat"]["Metric"], one["MetricStat"]["Stat"])
    return calculate(formula, names)


def calculate(formula: str, names: Mapping[str, float | None]) -> float | None:
    """A formula's number; None where it needs one that is missing; raises LocalError."""

    def number(node: ast.expr) -> float | None:
        match node:
            case ast.Constant(value=int() | float() as constant):
                return float(constant)
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _applied(op, number(left), number(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return _applied(op, number(left), number(right))
            case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
                chosen = number(condition)
                return None if chosen is None else number(then if chosen else otherwise)
            case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=parts)]) if name in _LISTS:
                known = [found for part in parts if (found := number(part)) is not None]
                return float(_STATISTICS[_LISTS[name]](known)) if known else None
        raise LocalError(f"the local AWS can't calculate {ast.unparse(node)!r} in {formula!r}")

    try:
        return number(ast.parse(formula, mode="eval").body)
    except SyntaxError as wrong:
        raise LocalError(f"the local AWS can't read the formula {formula!r}: {wrong}") from None


def _applied(op: ast.AST, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (isinstance(op, ast.Div) and right == 0):
        return None
    return float(_OPERATORS[type(op)](left, right))


def _period(alarm: Alarm) -> float:
    stats = [one["MetricStat"] for one in alarm.get("Metrics") or [] if one.get("MetricStat")]
    return float(stats[0]["Period"] if stats else alarm["Period"])
