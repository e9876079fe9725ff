"""Tells of a finished invocation: one log line and its metrics."""

from aws_lambda_powertools.metrics import MetricUnit

from lakehouse.measures import (
    HORIZON_HELD,
    ROWS_INGESTED,
    ROWS_QUARANTINED,
    TABLE_DIMENSION,
    TABLES_APART,
)
from lambdas.ingest.models import IngestResult
from lambdas.telemetry import logger, metrics


def report(result: IngestResult, tables: int) -> None:
    """Logs the result; `HorizonHeld` carries who held it as metadata: they are no dimensions.

    `tables` is how many there are: of many, no metric is about one.
    """
    logger.info("ingested", extra=result.model_dump(mode="json"))
    if tables <= TABLES_APART:
        metrics.add_dimension(TABLE_DIMENSION, result.table)
    metrics.add_metric(ROWS_INGESTED, MetricUnit.Count, result.rows)
    # A metric costs by the hours in which it has a value: no zeros.
    if result.quarantined:
        metrics.add_metric(ROWS_QUARANTINED, MetricUnit.Count, result.quarantined)
    if result.horizon_held_seconds:
        metrics.add_metric(HORIZON_HELD, MetricUnit.Seconds, result.horizon_held_seconds)
    if result.horizon_culprit:
        metrics.add_metadata("horizon_culprit", result.horizon_culprit)
        metrics.add_metadata("horizon_pid", result.horizon_pid)
        metrics.add_metadata("horizon_application", result.horizon_application)
        metrics.add_metadata("horizon_held_seconds", result.horizon_held_seconds)
