"""The generator Lambda: each invocation lives a little of the example shop's life."""

from typing import Any

import pg8000.exceptions
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lakehouse.environment import GeneratorEnvironment
from lakehouse.errors import SourceError
from lambdas.custom_resource import respond
from lambdas.database import connect, said
from lambdas.generator.shop import generate
from lambdas.telemetry import logger, metrics, tracer

ENVIRONMENT = GeneratorEnvironment.read()
STATEMENT_SECONDS = 60


@logger.inject_lambda_context
@tracer().capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Returns the rows written by action, as `Written` prints itself.

    As a custom resource it writes the first rows at deployment, so that the first run finds a shop.
    """
    if "ResponseURL" not in event:
        return _live()
    respond(event, _first_rows)
    return {}


def _first_rows(request: str) -> str:
    return f"{_live()['rows']} rows" if request == "Create" else "the shop stays as it is"


def _live() -> dict[str, Any]:
    connection = connect(ENVIRONMENT, "lakehouse generator", STATEMENT_SECONDS)
    try:
        written = generate(connection, ENVIRONMENT)
    except pg8000.exceptions.DatabaseError as refused:
        # Its detail quotes the row, and with it a person: only the message may go into a log.
        raise SourceError(
            f"database {ENVIRONMENT.database_name!r} refused the shop's rows: {said(refused)}"
        ) from None
    finally:
        connection.close()
    document = written.model_dump(mode="json")
    logger.info("shop written", extra=document)
    for action, rows in document.items():
        if action != "created_schema":
            name = f"Generated{action.title().replace('_', '')}"
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=rows)
    # By hand: the decorator warns of empty metrics when an invocation fails.
    metrics.flush_metrics()
    return document
