"""AWS's own parser reads every ruleset and every case as ours does."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.contract import load_contracts
from lakehouse.quality.dqdl import parse
from lakehouse.quality.rules import Condition, Duration, Moment, Rule, Value
from lakehouse.quality.ruleset import default_directory

CASES = Path(__file__).parents[2] / "cases/dqdl"
PARSE = tomllib.loads((CASES / "parse.toml").read_text())["case"]
EVALUATE = tomllib.loads((CASES / "evaluate.toml").read_text())["case"]
RULESETS = {
    **{f"{t}.dqdl": (default_directory() / f"{t}.dqdl").read_text() for t in load_contracts()},
    **{case["title"]: case["given"] for case in PARSE if "expect" in case},
    **{case["title"]: f"Rules = [ {case['rule']} ]" for case in EVALUATE},
}
Seen = tuple[Any, ...]
"""Type, parameters, condition, where, threshold; of a composite rule its operator and its parts."""


def _theirs(spark: SparkSession, text: str) -> list[Seen]:
    parser = spark._jvm.software.amazon.glue.dqdl.parser.DQDLParser()
    # Its grammar wants a line's end after a comment.
    return [_their_rule(rule) for rule in parser.parse(text + "\n").getRules()]


def _their_rule(rule: Any) -> Seen:
    if nested := rule.getNestedRules():
        return (str(rule.getOperator()).lower(), *(_their_rule(part) for part in nested))
    condition, threshold = rule.getCondition(), rule.getThresholdCondition()
    return (
        rule.getRuleType(),
        tuple(rule.getParameters().values()),
        condition.getFormattedCondition(),
        rule.getWhereClause(),
        threshold.getFormattedCondition() if threshold else None,
    )


def _our_rule(rule: Rule) -> Seen:
    if rule.is_composite:
        return (rule.type, *(_our_rule(part) for part in rule.nested))
    threshold = _condition(rule.threshold) if rule.threshold else None
    return (rule.type, rule.parameters, _condition(rule.condition), rule.where, threshold)


def _condition(condition: Condition | None) -> str:
    """A condition as AWS's parser prints it."""
    if condition is None:
        return ""
    values = [_value(value) for value in condition.values]
    if condition.operator in ("in", "not in"):
        return f"{condition.operator} [{','.join(values)}]"
    return f"{condition.operator} {' and '.join(values)}"


def _value(value: Value) -> str:
    match value:
        case Moment():
            sign = "-" if value.offset < 0 else "+"
            offset = f"{sign} {abs(value.offset)} {value.unit}"
            return f"(now() {offset})" if value.offset else "now()"
        case Duration():
            return f"{value.amount} {value.unit}"
        case str() if type(value) is str:
            return f'"{value}"'
    return str(value)


@pytest.mark.parametrize("title", RULESETS)
def test_both_parsers_see_the_same_rules(spark: SparkSession, title: str) -> None:
    text = RULESETS[title]
    ours = [_our_rule(rule) for rule in parse(text)]
    assert ours
    assert _theirs(spark, text) == ours


@pytest.mark.parametrize("case", [c for c in PARSE if "error" in c], ids=lambda case: case["title"])
def test_what_we_refuse_aws_refuses_too(spark: SparkSession, case: dict[str, str]) -> None:
    if case.get("aws") == "accepts":
        assert _theirs(spark, case["given"])
        return
    with pytest.raises(Py4JJavaError, match="InvalidDataQualityRulesetException"):
        _theirs(spark, case["given"])


def test_there_are_cases_of_both_levels() -> None:
    levels = ["by_row" in case for case in EVALUATE]
    assert min(levels.count(True), levels.count(False)) >= 15
    assert len(EVALUATE) >= 30
