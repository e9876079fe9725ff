"""Step Functions: every task calls its service over HTTP, signed by the state machine's role.

The emulator would call its own services from inside, past IAM, and knows neither Glue's nor
Athena's `.sync`. Here a task is what it is on AWS: a signed request, answered or refused.
"""

import contextvars
import datetime as dt
import json
import re
import time
from typing import Any

from botocore import exceptions as boto_errors
from ministack.core.responses import error_response_json
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local.seams.contract import Seam, check
from local.seams.identity import RoleSession, assume, may

SEAMS = (
    Seam(stepfunctions, "_execute_task", ("state_def", "raw_input", "execution", "ctx")),
    Seam(stepfunctions, "_invoke_resource", ("resource", "input_data")),
    Seam(stepfunctions, "_update_state_machine", ("data",)),
    Seam(provisioners, "_sfn_state_machine_create", ("logical_id", "props", "stack_name")),
)
_DELIVERY = (
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
)  # fmt: skip
"""What AWS asks of the role of a machine that logs, when the machine is made or changed."""
_role: contextvars.ContextVar[str] = contextvars.ContextVar("state_machine_role")

_SDK_NAMES = {"sfn": "stepfunctions", "cloudwatchlogs": "logs"}
_ERROR_PREFIX = {"dynamodb": "DynamoDB", "glue": "Glue", "athena": "Athena", "lambda": "Lambda"}
_POLL_SECONDS = 0.5


def install() -> None:
    """Replaces how tasks reach services; the role comes from the execution's state machine."""
    check(SEAMS)
    execute_task = stepfunctions._execute_task

    def with_role(state: dict[str, Any], raw: Any, execution: Any, context: Any) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
        _role.set(machine["roleArn"])
        return execute_task(state, raw, execution, context)

    stepfunctions._execute_task = with_role
    stepfunctions._invoke_resource = invoke_resource
    _install_log_delivery()


def _install_log_delivery() -> None:
    create = provisioners._sfn_state_machine_create
    update = stepfunctions._update_state_machine

    def create_logging(
        logical_id: str, props: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        if refused := _refused_delivery(props["RoleArn"], props.get("LoggingConfiguration")):
            raise ValueError(refused)
        created: tuple[str, dict[str, Any]] = create(logical_id, props, stack_name)
        return created

    def update_logging(data: dict[str, Any]) -> Any:
        known = stepfunctions._state_machines.get(data.get("stateMachineArn")) or {}
        role = data.get("roleArn") or known.get("roleArn")
        if role and (refused := _refused_delivery(role, data.get("loggingConfiguration"))):
            return error_response_json("AccessDeniedException", refused, 400)
        return update(data)

    provisioners._sfn_state_machine_create = create_logging
    provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]["create"] = create_logging
    stepfunctions._update_state_machine = update_logging


def _refused_delivery(role: str, logging: dict[str, Any] | None) -> str | None:
    """What AWS says when a machine's role can't deliver its log."""
    level = (logging or {}).get("Level") or (logging or {}).get("level") or "OFF"
    if level == "OFF" or all(may(role, action) for action in _DELIVERY):
        return None
    return "The state machine IAM Role is not authorized to access the Log Destination"


def invoke_resource(resource: str, arguments: dict[str, Any]) -> Any:
    """Runs one task; raises ministack's `_ExecutionError` with the error name of AWS."""
    session = assume(_role.get(), "pipeline")
    parts = resource.split(":")
    if parts[5] == "aws-sdk":
        return _call(session, parts[6], parts[7], arguments)
    service, action = parts[5], parts[6]
    match service, action:
        case "lambda", "invoke":
            return _invoke_function(session, arguments)
        case "glue", "startJobRun.sync":
            return _run_job(session, arguments)
        case "athena", "startQueryExecution.sync":
            return _run_query(session, arguments)
        case "dynamodb", _:
            return _call(session, service, action, arguments)
        case _:
            raise _failure(
                "States.Runtime", f"{resource} has no engine in the local AWS (local/seams)"
            )


def _call(session: RoleSession, service: str, action: str, arguments: dict[str, Any]) -> Any:
    client = session.client(_SDK_NAMES.get(service, service))
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
    try:
        answer = getattr(client, method)(**arguments)
    except boto_errors.ClientError as refused:
        error = refused.response["Error"]
        prefix = _ERROR_PREFIX.get(service, service.capitalize())
        code = error["Code"].rsplit("#", 1)[-1]
        raise _failure(f"{prefix}.{code}", f"{error['Message']} (role {_role.get()})") from None
    except boto_errors.ParamValidationError as invalid:
        raise _failure("States.Runtime", str(invalid)) from None
    answer.pop("ResponseMetadata", None)
    return json.loads(json.dumps(answer, default=_plain))


def _invoke_function(session: RoleSession, arguments: dict[str, Any]) -> Any:
    payload = json.dumps(arguments.get("Payload", {})).encode()
    client = session.client("lambda")
    try:
        answer = client.invoke(FunctionName=arguments["FunctionName"], Payload=payload)
    except boto_errors.ClientError as refused:
        error = refused.response["Error"]
        raise _failure(f"Lambda.{error['Code']}", error["Message"]) from None
    body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        raise _failure(body.get("errorType", "Lambda.Unknown"), json.dumps(body))
    return {"StatusCode": answer["StatusCode"], "Payload": body}


def _run_job(session: RoleSession, arguments: dict[str, Any]) -> Any:
    run_id = _call(session, "glue", "startJobRun", arguments)["JobRunId"]
    while True:
        run = _call(
            session, "glue", "getJobRun", {"JobName": arguments["JobName"], "RunId": run_id}
        )["JobRun"]
        match run["JobRunState"]:
            case "SUCCEEDED":
                return run
            case "FAILED" | "STOPPED" | "TIMEOUT" | "ERROR" | "EXPIRED":
                raise _failure("States.TaskFailed", json.dumps(run))
        time.sleep(_POLL_SECONDS)


def _run_query(session: RoleSession, arguments: dict[str, Any]) -> Any:
    # AWS's policy for this integration has it beside the query's own actions.
    catalog = arguments.get("QueryExecutionContext", {}).get("Catalog", "AwsDataCatalog")
    _call(session, "athena", "getDataCatalog", {"Name": catalog})
    query_id = _call(session, "athena", "startQueryExecution", arguments)["QueryExecutionId"]
    while True:
        answer = _call(session, "athena", "getQueryExecution", {"QueryExecutionId": query_id})
        match answer["QueryExecution"]["Status"]["State"]:
            case "SUCCEEDED":
                return answer
            case "FAILED" | "CANCELLED":
                raise _failure("States.TaskFailed", json.dumps(answer["QueryExecution"]))
        time.sleep(_POLL_SECONDS / 5)


def _failure(error: str, cause: str) -> Exception:
    failure: Exception = stepfunctions._ExecutionError(error, cause)
    return failure


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
