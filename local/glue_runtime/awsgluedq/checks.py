"""What each rule type checks: a flag per row, or a verdict over the set."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as fn

from awsgluedq.conditions import holds, meets
from lakehouse.quality.rules import Rule

Sources = Mapping[str, DataFrame]
Flag = Column | Callable[[DataFrame, str], DataFrame]
"""Whether the row passes: an expression, or what adds it as a column of the given name."""


UNIQUE = ("IsUnique", "Uniqueness", "IsPrimaryKey")
"""Rules that bring the rows together by their columns."""


@dataclass(frozen=True)
class Verdict:
    """Outcome of a rule over the set; `reason` says why it failed."""

    passed: bool
    metrics: dict[str, float] = field(default_factory=dict)
    reason: str | None = None


def row_flag(rule: Rule, frame: DataFrame, sources: Sources) -> Flag | None:
    """How rows are judged by the rule; None where it speaks only of the set."""
    for name in rule.columns:
        if name not in frame.columns:
            return None if rule.type in SET_CHECKS else fn.lit(False)
    columns = [fn.col(f"`{name}`") for name in rule.columns]
    match rule.type:
        case "IsComplete" | "Completeness":
            return columns[0].isNotNull()
        case "ColumnValues":
            condition = rule.condition
            assert condition is not None
            return holds(columns[0], condition)
        case "ColumnLength":
            length = rule.condition
            assert length is not None
            # A NULL has no characters: AWS counts it as length 0.
            measured = fn.coalesce(fn.length(columns[0]), fn.lit(0))
            return holds(measured, length)
        case "IsUnique" | "Uniqueness" | "IsPrimaryKey":
            inside = fn.expr(rule.where) if rule.where else fn.lit(True)
            same = Window.partitionBy(*columns, fn.coalesce(inside, fn.lit(False)))
            alone = fn.count(fn.lit(1)).over(same) == 1
            if rule.type == "IsPrimaryKey":
                for column in columns:
                    alone = alone & column.isNotNull()
            return alone
        case "CustomSql" if rule.condition is None:
            return lambda work, name: _returned(rule, work, frame, sources, name)
    return None


def unique_rows(rule: Rule, frame: DataFrame) -> int:
    """Rows inside the rule whose columns no other one shares: by groups, not row by row."""
    columns = [fn.col(f"`{name}`") for name in rule.columns]
    inside = frame if rule.where is None else frame.where(rule.where)
    if rule.type == "IsPrimaryKey":
        for column in columns:
            inside = inside.where(column.isNotNull())
    groups = inside.groupBy(*columns).agg(fn.count(fn.lit(1)).alias("__rows"))
    return groups.where("__rows = 1").count()


def _run(rule: Rule, frame: DataFrame, sources: Sources) -> DataFrame:
    for name, source in {"primary": frame, **sources}.items():
        source.createOrReplaceTempView(name)
    return frame.sparkSession.sql(rule.parameters[0])


def _returned(
    rule: Rule, work: DataFrame, frame: DataFrame, sources: Sources, name: str
) -> DataFrame:
    found = _run(rule, frame, sources).distinct()
    renamed = found.select([fn.col(f"`{c}`").alias(f"__found_{c}") for c in found.columns])
    same = [fn.col(f"`{c}`").eqNullSafe(fn.col(f"`__found_{c}`")) for c in found.columns]
    marked = work.join(renamed.withColumn(name, fn.lit(True)), same, "left").drop(*renamed.columns)
    return marked.withColumn(name, fn.coalesce(fn.col(name), fn.lit(False)))


def _label(rule: Rule, metric: str) -> str:
    entity = "Dataset" if not rule.columns else "Column"
    return f"{entity}.{','.join(rule.columns) or '*'}.{metric}"


def ratio_verdict(rule: Rule, passed: int, inside: int, rows: int) -> Verdict:
    """Verdict of a rule that judges rows: all must pass unless a condition tolerates some."""
    if rows == 0:
        return Verdict(False, reason="Empty state for the analyzer: the dataset has no rows")
    names = {"IsComplete": "Completeness", "IsUnique": "Uniqueness", "IsPrimaryKey": "Uniqueness"}
    compliance = passed / inside if inside else 1.0
    metrics = {_label(rule, names.get(rule.type, f"{rule.type}.Compliance")): compliance}
    measured = rule.type in ("Completeness", "Uniqueness")
    limit = rule.condition if measured else rule.threshold
    met = passed == inside if limit is None else meets(compliance, limit)
    if met:
        return Verdict(True, metrics)
    return Verdict(False, metrics, f"Value: {compliance} does not meet the constraint requirement!")


def _judge(rule: Rule, metric: str, value: float | None) -> Verdict:
    if value is None:
        return Verdict(False, reason=f"{metric} has no value: no rows to measure")
    assert rule.condition is not None
    passed = meets(value, rule.condition)
    reason = None if passed else f"Value: {value} does not meet the constraint requirement!"
    return Verdict(passed, {_label(rule, metric): value}, reason)


def _aggregate(metric: str, function: str) -> Callable[[Rule, DataFrame, Sources], Verdict]:
    def check(rule: Rule, frame: DataFrame, _: Sources) -> Verdict:
        value = frame.agg(fn.expr(f"cast({function.format(f'`{rule.columns[0]}`')} as double)"))
        return _judge(rule, metric, value.first()[0])  # type: ignore[index]

    return check


def _unique_ratio(rule: Rule, frame: DataFrame, _: Sources) -> Verdict:
    groups = frame.groupBy(*[fn.col(f"`{c}`") for c in rule.columns]).count()
    row = groups.agg(fn.count_if(fn.col("count") == 1) / fn.count(fn.lit(1))).first()
    return _judge(rule, "UniqueValueRatio", row[0])  # type: ignore[index]


def _column_count(rule: Rule, frame: DataFrame, _: Sources) -> Verdict:
    return _judge(rule, "ColumnCount", float(len(frame.columns)))


def _column_exists(rule: Rule, frame: DataFrame, _: Sources) -> Verdict:
    found = rule.parameters[0] in frame.columns
    return Verdict(found, reason=None if found else f"Column {rule.parameters[0]} does not exist")


def _column_names(rule: Rule, frame: DataFrame, _: Sources) -> Verdict:
    odd = [name for name in frame.columns if not re.fullmatch(rule.parameters[0], name)]
    return Verdict(not odd, reason=f"Columns that do not match: {', '.join(odd)}" if odd else None)


def _row_count(rule: Rule, frame: DataFrame, _: Sources) -> Verdict:
    return _judge(rule, "RowCount", float(frame.count()))


def _other(rule: Rule, sources: Sources, reference: str) -> DataFrame:
    if reference not in sources:
        raise ValueError(
            f"rule {rule.text!r}: no additional data source {reference!r}; "
            f"there are: {', '.join(sources) or 'none'}"
        )
    return sources[reference]


def _row_count_match(rule: Rule, frame: DataFrame, sources: Sources) -> Verdict:
    other = _other(rule, sources, rule.parameters[0]).count()
    return _judge(rule, "RowCountMatch", frame.count() / other if other else None)


def _reference(rule: Rule, frame: DataFrame, sources: Sources) -> Verdict:
    """The share of rows with a partner; a row with a NULL among its columns has none."""
    (reference,) = rule.references
    columns = [fn.col(f"`{name}`") for name in reference.columns]
    asked = frame.groupBy(*columns).agg(fn.count(fn.lit(1)).alias("__rows"))
    keys = [fn.col(f"`{key}`").alias(f"__key_{i}") for i, key in enumerate(reference.keys)]
    other = _other(rule, sources, reference.table).select(*keys)
    same = [column == fn.col(f"__key_{i}") for i, column in enumerate(columns)]
    known = other.join(fn.broadcast(asked), same).select(*columns, "__rows").distinct()
    rows = frame.count()
    found = known.agg(fn.coalesce(fn.sum("__rows"), fn.lit(0))).first()
    return _judge(rule, "ReferentialIntegrity", found[0] / rows if rows else None)  # type: ignore[index]


def _freshness(rule: Rule, frame: DataFrame, _: Sources) -> Verdict:
    column = fn.col(f"`{rule.columns[0]}`").cast("timestamp")
    age = fn.unix_timestamp(fn.current_timestamp()) - fn.unix_timestamp(column)
    row = frame.agg(fn.max(age), fn.count_if(column.isNull()), fn.count(fn.lit(1))).first()
    oldest, nulls, rows = row  # type: ignore[misc]
    if rows and nulls:
        return Verdict(False, reason=f"{nulls} row(s) have no {rule.columns[0]}")
    return _judge(rule, "DataFreshness", None if oldest is None else float(oldest))


def _custom_sql(rule: Rule, frame: DataFrame, sources: Sources) -> Verdict:
    row = _run(rule, frame, sources).first()
    return _judge(rule, "CustomSQL", None if row is None or row[0] is None else float(row[0]))


SET_CHECKS: dict[str, Callable[[Rule, DataFrame, Sources], Verdict]] = {
    "ColumnCount": _column_count,
    "ColumnExists": _column_exists,
    "ColumnNamesMatchPattern": _column_names,
    "RowCount": _row_count,
    "RowCountMatch": _row_count_match,
    "ReferentialIntegrity": _reference,
    "DataFreshness": _freshness,
    "UniqueValueRatio": _unique_ratio,
    "DistinctValuesCount": _aggregate("DistinctValuesCount", "count(distinct {0})"),
    "Mean": _aggregate("Mean", "avg({0})"),
    "Sum": _aggregate("Sum", "sum({0})"),
    "StandardDeviation": _aggregate("StandardDeviation", "stddev_pop({0})"),
    "CustomSql": _custom_sql,
}
