"""Entry of the ingest Lambda."""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from lakehouse import live
from lakehouse.contract import load_contracts
from lakehouse.environment import IngestEnvironment
from lakehouse.errors import ConfigurationError
from lakehouse.ledger_client import Ledger
from lakehouse.quality.compiler import compile_rules
from lakehouse.quality.ruleset import load_ruleset
from lakehouse.validation import check
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.models import IngestEvent, LiveViewEvent
from lambdas.ingest.report import report
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import lambda_source
from lambdas.telemetry import logger, metrics, tracer

environment = IngestEnvironment.read()
contracts = load_contracts()
rules = {name: compile_rules(c, load_ruleset(c)) for name, c in contracts.items()}
ledger = Ledger(boto3.client("dynamodb"), environment.watermark_table)
budget = Budget(
    environment.chunk_rows, environment.chunk_seconds, environment.chunk_mib * 1024 * 1024
)
bronze = Bronze(boto3.client("s3"), environment.bronze_bucket)


views = live.live_views(
    contracts,
    environment.bronze_database,
    environment.silver_database,
    environment.gold_database,
)


@metrics.log_metrics
@tracer().capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Takes one batch of one table; its result says whether to invoke again.

    Or, asked for a live view, only renders its statement.
    """
    if "live_view" in event:
        asked = check(LiveViewEvent, event, "event of the ingest")
        return {"statement": live.statement(views[asked.table], asked.values, asked.live_view)}
    request = check(IngestEvent, event, "event of the ingest")
    logger.append_keys(source_table=request.table, run_id=request.run_id)
    if request.table not in contracts:
        raise ConfigurationError(
            f"no contract for table {request.table!r}; known: {', '.join(contracts)}"
        )
    timeout = environment.statement_timeout_seconds
    result = Ingest(
        contract=contracts[request.table],
        source=lambda_source(environment, request.table, timeout),
        ledger=ledger,
        bronze=bronze,
        run_id=request.run_id,
        budget=budget,
        margin_seconds=environment.horizon_margin_seconds,
        rules=rules[request.table],
    ).run()
    report(result, len(contracts))
    return result.model_dump(mode="json")
