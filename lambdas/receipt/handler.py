"""Entry of the receipt Lambda."""

from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from lakehouse.environment import ReceiptEnvironment
from lakehouse.measures import RUN_DOLLARS
from lakehouse.validation import check
from lambdas.receipt.receipt import Ending, Sizes, insert_statement, receipt
from lambdas.telemetry import logger, metrics, tracer

environment = ReceiptEnvironment.read()
states = boto3.client("stepfunctions")


class ReceiptEvent(BaseModel):
    """Which execution, and how it ended so far."""

    model_config = ConfigDict(extra="forbid")

    execution_arn: str
    run_id: str
    error: str = ""
    failed_state: str = ""
    cause: str = ""


@metrics.log_metrics
@tracer().capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Reads the history and returns the INSERT of its receipt, for the state machine to run."""
    asked = check(ReceiptEvent, event, "event of the receipt")
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=asked.execution_arn, includeExecutionData=True
    )
    row = receipt(
        asked.run_id,
        [found for page in pages for found in page["events"]],
        Ending(asked.error, asked.failed_state, asked.cause),
        datetime.now(UTC),
        Sizes(environment.ingest_memory_mib, environment.architecture),
    )
    metrics.add_metric(RUN_DOLLARS, MetricUnit.NoUnit, float(row["dollars"]))
    logger.info("receipt", extra={"run_id": asked.run_id, "dollars": str(row["dollars"])})
    return {"statement": insert_statement(row, environment.gold_database)}
