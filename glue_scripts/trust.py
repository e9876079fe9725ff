"""What the comparisons of a run found, as rows of gold and as a metric that an alarm can watch."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
from pyspark.sql import SparkSession

from glue_scripts.tables import frame_of
from lakehouse.errors import ReconciliationError
from lakehouse.gold import GOLD, RECONCILIATION, identifier
from lakehouse.measures import RECONCILIATION_FAILED, TABLE_DIMENSION, TABLES_APART
from lakehouse.reconciliation import Outcome

logger = logging.getLogger(__name__)


def tell(
    spark: SparkSession,
    compared: Mapping[str, Outcome],
    failures: Mapping[str, Exception],
    run_id: str,
    gold: str,
    namespace: str,
    tables: int,
) -> None:
    """Stores and measures the outcomes of the tables that were compared, and of those that failed.

    A table that failed for another reason than a difference was not compared, and is left out.
    """
    outcomes = {table: found for table, found in compared.items() if table not in failures}
    for table, failure in failures.items():
        if isinstance(failure, ReconciliationError):
            begun = compared.get(table, Outcome(table, "", ""))
            outcomes[table] = replace(begun, detail=str(failure))
    publish(spark, outcomes, run_id, gold)
    measure(boto3.client("cloudwatch"), namespace, outcomes, tables)


def publish(spark: SparkSession, outcomes: Mapping[str, Outcome], run_id: str, gold: str) -> None:
    """Adds a run's outcomes; a repetition adds its own, and readers take the newest."""
    if not outcomes:
        return
    now = datetime.now(UTC).isoformat()
    rows = [
        (
            run_id,
            found.source_table,
            found.first_batch_id,
            found.last_batch_id,
            found.source_rows,
            found.bronze_rows,
            found.bronze_keys,
            found.silver_keys,
            found.deleted_keys,
            found.quarantined_keys,
            found.is_reconciled,
            found.detail,
            now,
        )
        for found in outcomes.values()
    ]
    frame = frame_of(spark, rows, GOLD[RECONCILIATION])
    frame.writeTo(identifier(gold, RECONCILIATION)).append()


def measure(cloudwatch: Any, namespace: str, outcomes: Mapping[str, Outcome], tables: int) -> None:
    """Puts the metric, of many `tables` one for all; a refusal is logged and hides no outcome."""
    data = [
        {
            "MetricName": RECONCILIATION_FAILED,
            "Dimensions": [{"Name": TABLE_DIMENSION, "Value": found.source_table}],
            "Value": 0 if found.is_reconciled else 1,
            "Unit": "Count",
        }
        for found in outcomes.values()
    ]
    if not data:
        return
    if tables > TABLES_APART:
        worst = max(data, key=lambda one: one["Value"])
        data = [{name: value for name, value in worst.items() if name != "Dimensions"}]
    try:
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    except Exception:
        logger.exception("the metric %s could not be put", RECONCILIATION_FAILED)
