"""Quality rules in the job: bad rows to quarantine, outcomes to a table, failures stop or warn.

Two kinds of rules, two frames. Rules that judge each row alone see every arrived row; the ones at
fault are quarantined, whichever batches are merged together. Rules about the set see the newest
living row of each arrived key. Deletes are exempt: they only carry a key.
"""

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.transforms import SelectFromCollection
from awsgluedq.transforms import EvaluateDataQuality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from glue_scripts.bronze import as_json, row_key
from glue_scripts.snapshots import files
from glue_scripts.tables import frame_of
from lakehouse.columns import BATCH_ID, INGESTED_AT, OP
from lakehouse.contract import TableContract
from lakehouse.gold import (
    GOLD,
    QUALITY_RESULTS,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    bronze_columns,
    identifier,
)
from lakehouse.quality.rules import Rule, Scope
from lakehouse.quality.ruleset import document, load_ruleset, of_scope

FAILED_RULES = "__failed_rules"
_RESULTS = "DataQualityEvaluationResult"
_NAMED = threading.Lock()
"""Held while a CustomSql rule is evaluated: it names its frames for the whole session."""


@dataclass(frozen=True)
class Outcome:
    """What a rule said of a table in this run."""

    rule: str
    outcome: str
    failure_reason: str | None


@dataclass(frozen=True)
class Checked:
    """Arrived rows, split: `bad` carries the rules that each row broke, in `__failed_rules`."""

    good: DataFrame
    bad: DataFrame | None
    outcomes: list[Outcome]
    failed: list[Outcome] = field(default_factory=list)
    """Failing rules about the set."""


def check(
    context: GlueContext, contract: TableContract, rows: DataFrame, newest: DataFrame
) -> Checked:
    """Evaluates the rules over arrived `rows` and the `newest` living ones among them.

    Those that refer to other tables are left to `check_references`.
    """
    rules = load_ruleset(contract)
    outcomes: list[Outcome] = []
    good, bad = rows, None
    living = rows.where(fn.col(OP) != "D")
    if living.isEmpty():
        return Checked(rows, None, [])
    if row_rules := of_scope(rules, Scope.ROW):
        found, judged = _evaluate(context, contract, row_rules, living)
        outcomes += found
        if any(outcome.outcome == "Failed" for outcome in found):
            broken = fn.array_join("DataQualityRulesFail", "; ")
            columns = [fn.col(name) for name in bronze_columns(contract)]
            bad = judged.where(f"{_RESULTS} = 'Failed'").select(
                *columns, broken.alias(FAILED_RULES)
            )
            good = judged.where(f"{_RESULTS} = 'Passed'").select(*columns)
            good = good.unionByName(rows.where(fn.col(OP) == "D"))
    failed: list[Outcome] = []
    if chosen := tuple(rule for rule in of_scope(rules, Scope.SET) if not rule.references):
        found, _ = _evaluate(context, contract, chosen, newest)
        outcomes += found
        failed = [outcome for outcome in found if outcome.outcome == "Failed"]
    return Checked(good, bad, outcomes, failed)


def references(contract: TableContract) -> tuple[Rule, ...]:
    """The table's rules that refer to other tables."""
    return tuple(r for r in of_scope(load_ruleset(contract), Scope.SET) if r.references)


def check_references(
    context: GlueContext, contract: TableContract, newest: DataFrame, silver: str
) -> list[Outcome]:
    """What the rules that refer to other tables say of the `newest` living rows.

    They are looked up in the tables of `silver`, with their history: a partner that was deleted
    since is one still. So it is asked when all tables have their batches of this run.
    """
    if newest.isEmpty():
        return []
    rules = references(contract)
    found, _ = _evaluate(context, contract, rules, newest, _sources(context, rules, silver))
    return found


def _sources(context: GlueContext, rules: tuple[Rule, ...], silver: str) -> dict[str, DynamicFrame]:
    """The looked-up columns of each table that the rules refer to, under the table's name."""
    wanted: dict[str, set[str]] = {}
    for reference in (found for rule in rules for found in rule.references):
        wanted.setdefault(reference.table, set()).update(reference.keys)
    return {
        table: DynamicFrame.fromDF(
            context.spark_session.table(identifier(silver, table)).select(*sorted(keys)),
            context,
            table,
        )
        for table, keys in wanted.items()
    }


def _evaluate(
    context: GlueContext,
    contract: TableContract,
    rules: tuple[Rule, ...],
    frame: DataFrame,
    sources: Mapping[str, DynamicFrame] = MappingProxyType({}),
) -> tuple[list[Outcome], DataFrame]:
    is_sql = any(leaf.type == "CustomSql" for rule in rules for leaf in rule.leaves())
    with _NAMED if is_sql else nullcontext():
        results = EvaluateDataQuality().process_rows(
            frame=DynamicFrame.fromDF(frame, context, contract.table),
            ruleset=document(rules),
            additional_data_sources=dict(sources),
            publishing_options={
                "dataQualityEvaluationContext": contract.table,
                "enableDataQualityCloudWatchMetrics": True,
                "enableDataQualityResultsPublishing": True,
            },
            additional_options={
                "observations.scope": "ALL",
                "performanceTuning.caching": "CACHE_NOTHING",
                "compositeRuleEvaluation.method": "ROW",
            },
        )
    outcomes = SelectFromCollection.apply(dfc=results, key="ruleOutcomes").toDF().collect()
    rows = SelectFromCollection.apply(dfc=results, key="rowLevelOutcomes").toDF()
    found = [Outcome(row["Rule"], row["Outcome"], row["FailureReason"]) for row in outcomes]
    return found, rows


def quarantine(
    spark: SparkSession,
    contract: TableContract,
    checked: Checked,
    held_back: DataFrame | None,
    silver: str,
) -> None:
    """Sets the bad rows aside, and closes earlier ones whose key has since arrived again.

    `held_back` is what the ingest set aside before bronze, as `bronze.read_quarantine` reads it.
    """
    table = identifier(silver, QUARANTINE)
    key = row_key(contract)
    held = spark.table(table).where(fn.col("source_table") == contract.table)
    waiting = held.where(fn.col("superseded_by").isNull())
    if checked.bad is None and held_back is None and (not files(spark, table) or waiting.isEmpty()):
        return
    entries = waiting.withColumn("__held", fn.lit(True))
    known = held.select("batch_id", "row_key")
    if held_back is not None:
        early = held_back.withColumns(
            {"superseded_by": fn.lit(None).cast("string"), "__held": fn.lit(False)}
        )
        entries = entries.unionByName(early.join(known, ["batch_id", "row_key"], "left_anti"))
    if checked.bad is not None:
        raw = as_json(fn.struct(*bronze_columns(contract)))
        arrived = checked.bad.select(
            fn.lit(contract.table).alias("source_table"),
            fn.col(BATCH_ID).alias("batch_id"),
            key.alias("row_key"),
            raw.alias("raw_row"),
            fn.col(FAILED_RULES).alias("failed_rules"),
            fn.col(INGESTED_AT).alias("quarantined_at"),
            fn.lit(None).cast("string").alias("superseded_by"),
            fn.lit(False).alias("__held"),
        ).join(known, ["batch_id", "row_key"], "left_anti")
        entries = entries.unionByName(arrived)
    later = checked.good.select(key.alias("__key"), fn.col(BATCH_ID).alias("__later")).unionByName(
        entries.select(fn.col("row_key").alias("__key"), fn.col("batch_id").alias("__later"))
    )
    follows = (fn.col("row_key") == fn.col("__key")) & (fn.col("__later") > fn.col("batch_id"))
    columns = [name for name in QUARANTINE_COLUMNS if name != "superseded_by"]
    closed = (
        entries.join(later, follows, "left")
        .groupBy(*columns, "__held")
        .agg(fn.min("__later").alias("superseded_by"))
        .where(~fn.col("__held") | fn.col("superseded_by").isNotNull())
    )
    closed.select(*QUARANTINE_COLUMNS).localCheckpoint().createOrReplaceTempView("set_aside")
    same = " AND ".join(f"t.{n} = s.{n}" for n in ("source_table", "batch_id", "row_key"))
    spark.sql(
        f"MERGE INTO {table} t USING set_aside s ON {same} "
        "WHEN MATCHED THEN UPDATE SET t.superseded_by = s.superseded_by "
        "WHEN NOT MATCHED THEN INSERT *"
    )


def publish(
    spark: SparkSession, outcomes: dict[str, list[Outcome]], run_id: str, gold: str
) -> None:
    """Adds a run's outcomes by table; a repetition adds its own, and readers take the newest."""
    now = datetime.now(UTC).isoformat()
    rows = {
        (table, found.rule): (run_id, table, found.rule, found.outcome, found.failure_reason, now)
        for table, results in outcomes.items()
        for found in results
    }
    if rows:
        frame = frame_of(spark, rows.values(), GOLD[QUALITY_RESULTS])
        frame.writeTo(identifier(gold, QUALITY_RESULTS)).append()
