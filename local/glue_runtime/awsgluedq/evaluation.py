"""Evaluates rules over a frame in one pass for all metrics of its rows."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from awsgluedq.checks import SET_CHECKS, UNIQUE, Verdict, ratio_verdict, row_flag, unique_rows
from lakehouse.quality.rules import Rule

OUTCOME_SCHEMA = (
    "Rule string, Outcome string, FailureReason string, "
    "EvaluatedMetrics map<string,double>, EvaluatedRule string"
)


@dataclass(frozen=True)
class _Flag:
    """A boolean column of the row-level work frame, and the rows that the rule speaks about."""

    passed: str
    inside: str


def evaluate(
    frame: DataFrame, rules: Sequence[Rule], sources: Mapping[str, DataFrame]
) -> tuple[DataFrame, DataFrame]:
    """Rule outcomes and the frame with its row-level columns; raises naming an unsupported rule."""
    flags: dict[int, _Flag] = {}
    # All expressions in one step: Spark plans each step again with all columns before it, which
    # for some hundred rules would take minutes.
    plain: dict[str, Column] = {}
    brought: dict[str, Callable[[DataFrame, str], DataFrame]] = {}
    for number, leaf in enumerate(leaf for rule in rules for leaf in rule.leaves()):
        if id(leaf) in flags:
            continue
        if (flag := row_flag(leaf, frame, sources)) is not None:
            name = _Flag(f"__dq_{number}_passed", f"__dq_{number}_inside")
            inside = fn.expr(leaf.where) if leaf.where else fn.lit(True)
            plain[name.inside] = fn.coalesce(inside, fn.lit(False))
            if isinstance(flag, Column):
                plain[name.passed] = flag
            else:
                brought[name.passed] = flag
            flags[id(leaf)] = name
        elif leaf.type not in SET_CHECKS:
            raise NotImplementedError(f"rule {leaf.text!r}: {leaf.type} has no local stand-in")
    work = frame.withColumns(plain) if plain else frame
    for passed, bring in brought.items():
        work = bring(work, passed)
    joint: dict[int, str] = {}
    for number, rule in enumerate(rules):
        if rule.is_composite and (passes := _row_passes(rule, flags)) is not None:
            joint[id(rule)] = f"__dq_joint_{number}"
            work = work.withColumn(joint[id(rule)], passes)
    alone = {
        flags[id(rule)].passed: unique_rows(rule, frame)
        for rule in rules
        if rule.type in UNIQUE and id(rule) in flags and set(rule.columns) <= set(frame.columns)
    }
    counted = _counts(work, list(flags.values()), list(joint.values()), alone)
    verdicts = {
        id(leaf): _leaf_verdict(leaf, frame, sources, flags.get(id(leaf)), counted)
        for rule in rules
        for leaf in rule.leaves()
    }
    results = [(rule, _verdict(rule, verdicts, joint, counted)) for rule in rules]
    told = [
        {
            "Rule": rule.text,
            "Outcome": "Passed" if verdict.passed else "Failed",
            "FailureReason": verdict.reason,
            "EvaluatedMetrics": verdict.metrics,
            "EvaluatedRule": rule.text,
        }
        for rule, verdict in results
    ]
    # As one literal: a list of Python rows would start a Python worker.
    listed = fn.from_json(fn.lit(json.dumps(told)), f"array<struct<{OUTCOME_SCHEMA}>>")
    outcomes = frame.sparkSession.range(1).select(fn.inline(listed))
    return outcomes, _row_level(frame.columns, work, rules, flags)


def _counts(
    work: DataFrame, flags: list[_Flag], joint: list[str], known: Mapping[str, int]
) -> dict[str, int]:
    """Rows in all, and by flag those inside and those that passed, unless these are `known`."""
    if not flags and not joint:
        return {}
    measures = [fn.count(fn.lit(1)).alias("rows")]
    measures += [fn.count_if(fn.col(name)).alias(name) for name in joint]
    for flag in flags:
        inside = fn.col(flag.inside)
        measures.append(fn.count_if(inside).alias(flag.inside))
        if flag.passed not in known:
            measures.append(fn.count_if(inside & fn.col(flag.passed)).alias(flag.passed))
    return work.agg(*measures).first().asDict() | known  # type: ignore[union-attr]


def _leaf_verdict(
    rule: Rule,
    frame: DataFrame,
    sources: Mapping[str, DataFrame],
    flag: _Flag | None,
    counted: Mapping[str, int],
) -> Verdict:
    if flag is None:
        where = fn.expr(rule.where) if rule.where else None
        inside = frame if where is None else frame.where(where)
        return SET_CHECKS[rule.type](rule, inside, sources)
    return ratio_verdict(rule, counted[flag.passed], counted[flag.inside], counted["rows"])


def _verdict(
    rule: Rule,
    verdicts: Mapping[int, Verdict],
    joint: Mapping[int, str],
    counted: Mapping[str, int],
) -> Verdict:
    """A composite rule is judged row by row where all its parts can be, else part by part."""
    if not rule.is_composite:
        return verdicts[id(rule)]
    parts = [_verdict(nested, verdicts, joint, counted) for nested in rule.nested]
    metrics = {name: value for part in parts for name, value in part.metrics.items()}
    if id(rule) in joint:
        passed = 0 < counted["rows"] == counted[joint[id(rule)]]
    else:
        passed = (all if rule.type == "and" else any)(part.passed for part in parts)
    reasons = "; ".join(part.reason for part in parts if part.reason)
    return Verdict(passed, metrics, None if passed else reasons)


def _row_passes(rule: Rule, flags: Mapping[int, _Flag]) -> Column | None:
    if rule.is_composite:
        parts = [_row_passes(nested, flags) for nested in rule.nested]
        if any(part is None for part in parts):
            return None
        columns = [part for part in parts if part is not None]
        return reduce(lambda a, b: a & b if rule.type == "and" else a | b, columns)
    flag = flags.get(id(rule))
    return None if flag is None else fn.col(flag.passed) | ~fn.col(flag.inside)


def _row_level(
    columns: list[str], work: DataFrame, rules: Sequence[Rule], flags: Mapping[int, _Flag]
) -> DataFrame:
    texts: dict[str, list[Column]] = {"Pass": [], "Fail": [], "Skip": []}
    for rule in rules:
        text, passes = fn.lit(rule.text), _row_passes(rule, flags)
        if passes is None:
            continue
        skipped = fn.lit(False) if rule.is_composite else ~fn.col(flags[id(rule)].inside)
        texts["Skip"].append(fn.when(skipped, text))
        texts["Pass"].append(fn.when(~skipped & passes, text))
        texts["Fail"].append(fn.when(~skipped & ~passes, text))
    empty = fn.array().cast("array<string>")
    arrays = {
        f"DataQualityRules{kind}": fn.array_compact(fn.array(*found)) if found else empty
        for kind, found in texts.items()
    }
    failed = fn.size("DataQualityRulesFail") > 0
    result = fn.when(failed, "Failed").otherwise("Passed")
    judged = work.withColumns(arrays).withColumn("DataQualityEvaluationResult", result)
    kept = [*columns, *arrays, "DataQualityEvaluationResult"]
    return judged.select(*[fn.col(f"`{name}`") for name in kept])
