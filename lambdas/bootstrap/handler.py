"""Custom resource that creates the database roles. It always answers, also when it fails."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lakehouse.environment import BootstrapEnvironment
from lambdas.bootstrap.database_roles import create_roles
from lambdas.custom_resource import respond
from lambdas.telemetry import logger, tracer


@logger.inject_lambda_context
@tracer().capture_lambda_handler(capture_response=False, capture_error=False)
def handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Create and Update make the roles; Delete leaves them, since they own data."""
    properties = event.get("ResourceProperties", {})

    def act(request: str) -> str:
        if request == "Delete":
            return "the roles stay with the database"
        # Read here, not at cold start: a missing variable must be answered too.
        target = BootstrapEnvironment.read()
        create_roles(target, properties["AdminUser"], properties["AdminPassword"])
        return f"roles exist in {target.database_name}"

    respond(event, act)
