"""The local judgement of CloudWatch's alarms: periods, silence, formulas, the embedded format."""

from collections.abc import Mapping
from typing import Any

import pytest

from lakehouse.errors import LocalError
from local.engines.alarms import Points, calculate, judge

NOW = 1_000.0
ALARM: dict[str, Any] = {
    "Namespace": "N",
    "MetricName": "M",
    "Dimensions": [{"Name": "table", "Value": "a"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 2.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "StateValue": "ALARM",
    "StateReason": "earlier",
}


def reading(points: Points, table: str = "a") -> Any:
    def read(namespace: str, name: str, dimensions: Mapping[str, str], _after: float) -> Points:
        known = (namespace, name, dimensions) == ("N", "M", {"table": table})
        return points if known else []

    return read


def test_a_period_slides_with_the_judgement() -> None:
    points = [(NOW - 61, 5.0), (NOW - 59, 2.0), (NOW, 1.0)]
    assert judge(ALARM, reading(points), NOW)[0] == "ALARM"
    assert judge(ALARM, reading(points), NOW + 2)[0] == "OK", "the point of 2 is 61 s old"


def test_another_dimension_is_another_metric() -> None:
    assert judge(ALARM, reading([(NOW, 9.0)], table="b"), NOW)[0] == "OK"


@pytest.mark.parametrize(
    ("silence", "state"),
    [
        ("notBreaching", "OK"),
        ("breaching", "ALARM"),
        ("missing", "INSUFFICIENT_DATA"),
        ("ignore", "ALARM"),
    ],
)
def test_silence_is_treated_as_the_alarm_says(silence: str, state: str) -> None:
    assert judge(ALARM | {"TreatMissingData": silence}, reading([]), NOW)[0] == state


def test_every_period_has_to_breach() -> None:
    alarm = ALARM | {"EvaluationPeriods": 2}
    assert judge(alarm, reading([(NOW, 3.0)]), NOW)[0] == "OK"
    assert judge(alarm, reading([(NOW, 3.0), (NOW - 70, 3.0)]), NOW)[0] == "ALARM"


@pytest.mark.parametrize(
    ("formula", "result"),
    [
        ("MAX([a, b, gone])", 4.0),
        ("SUM([a, b]) / 2", 3.0),
        ("IF(SUM([gone, a]) > 1, 100 * a / SUM([a, b]), 0)", pytest.approx(100 / 3)),
        ("IF(a > b, 1, 0)", 0.0),
        ("a + gone", None),
        ("MAX([gone])", None),
        ("a / (b - 4)", None),
    ],
)
def test_formulas(formula: str, result: float | None) -> None:
    assert calculate(formula, {"a": 2.0, "b": 4.0, "gone": None}) == result


@pytest.mark.parametrize("formula", ["FILL(a, 0)", "ANOMALY_DETECTION_BAND(a)", "a b", "other"])
def test_a_formula_that_is_not_known_is_refused(formula: str) -> None:
    with pytest.raises(LocalError, match="the local AWS can't"):
        calculate(formula, {"a": 1.0})
