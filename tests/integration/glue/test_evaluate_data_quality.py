import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

CASES = tomllib.loads((Path(__file__).parents[2] / "cases/dqdl/evaluate.toml").read_text())["case"]


def _frame(spark: SparkSession, schema: str, rows: str) -> DataFrame:
    data = json.loads(rows)
    if "decimal" in schema:
        data = [[Decimal(value) for value in row] for row in data]
    numbered = [[number, *row] for number, row in enumerate(data)]
    return spark.createDataFrame(numbered, f"__row int, {schema}")


def _process(context: Any, frame: DataFrame, rule: str, **others: DataFrame) -> Any:
    from awsglue.dynamicframe import DynamicFrame
    from awsgluedq.transforms import EvaluateDataQuality

    return EvaluateDataQuality().process_rows(
        frame=DynamicFrame.fromDF(frame, context, "frame"),
        ruleset=f"Rules = [ {rule} ]",
        additional_data_sources={
            name: DynamicFrame.fromDF(other, context, name) for name, other in others.items()
        },
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_case(spark: SparkSession, glue_context: Any, case: dict[str, str]) -> None:
    frame = _frame(spark, case["schema"], case["rows"])
    others = {}
    if "other" in case:
        others["other"] = _frame(spark, case["schema"], case["other"]).drop("__row")
    if "by_row" not in case:
        frame = frame.drop("__row")
    results = _process(glue_context, frame, case["rule"], **others)
    (outcome,) = results.select("ruleOutcomes").toDF().collect()
    assert (outcome["Rule"], outcome["Outcome"]) == (case["rule"], case["outcome"])
    assert (outcome["FailureReason"] is None) == (case["outcome"] == "Passed")
    if "by_row" in case:
        rows = results.select("rowLevelOutcomes").toDF().orderBy("__row").collect()
        assert "".join(_letter(row) for row in rows) == case["by_row"]


def _letter(row: Any) -> str:
    filled = [k for k in ("Pass", "Fail", "Skip") if row[f"DataQualityRules{k}"]]
    assert len(filled) == 1
    assert row["DataQualityEvaluationResult"] == ("Failed" if filled == ["Fail"] else "Passed")
    return filled[0][0]


def test_apply_returns_outcomes_in_order(spark: SparkSession, glue_context: Any) -> None:
    from awsglue.dynamicframe import DynamicFrame
    from awsgluedq.transforms import EvaluateDataQuality

    frame = DynamicFrame.fromDF(_frame(spark, "a int", "[[1], [2]]"), glue_context, "frame")
    found = EvaluateDataQuality.apply(
        frame=frame,
        ruleset='Rules = [ RowCount = 2, IsComplete "a", IsUnique "a" ]',
        publishing_options={"dataQualityEvaluationContext": "frame"},
    ).toDF()
    assert found.columns == [
        "Rule",
        "Outcome",
        "FailureReason",
        "EvaluatedMetrics",
        "EvaluatedRule",
    ]
    assert [row["Rule"] for row in found.collect()] == [
        "RowCount = 2", 'IsComplete "a"', 'IsUnique "a"',
    ]  # fmt: skip


def test_a_rule_without_a_stand_in_is_named(spark: SparkSession, glue_context: Any) -> None:
    frame = _frame(spark, "a int", "[[1]]")
    with pytest.raises(NotImplementedError, match="DetectAnomalies has no local stand-in"):
        _process(glue_context, frame, 'DetectAnomalies "RowCount"')


def test_an_empty_frame_has_nothing_that_passes(spark: SparkSession, glue_context: Any) -> None:
    results = _process(glue_context, _frame(spark, "a int", "[]"), 'IsComplete "a"')
    (outcome,) = results.select("ruleOutcomes").toDF().collect()
    assert outcome["Outcome"] == "Failed"
    assert "no rows" in outcome["FailureReason"]
