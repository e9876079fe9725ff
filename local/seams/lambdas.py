"""Lambda: a failed function reports the class of its exception, and the role lets the service act.

Lambda writes a function's log, sends its traces and makes its network interfaces with the
function's role. The emulator asks nobody for the first, and does nothing of the others: here, as on
AWS, no function is made or changed whose role does not allow them.
"""

import contextvars
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from lakehouse.errors import LocalError
from local.seams.contract import Seam, check
from local.seams.identity import may

_ANCHOR = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_TYPED = (
    '{"status": "error", "error": str(e), "error_type": type(e).__name__, '
    '"trace": traceback.format_exc()}'
)
SEAMS = (
    Seam(lambda_svc, "_execute_function_warm", ("func", "event", "request_id")),
    Seam(lambda_svc, "_emit_lambda_logs",
         ("func", "request_id", "log_text", "error", "duration_ms", "log_source")),
    Seam(lambda_svc, "_update_config", ("name", "data")),
    Seam(provisioners, "_lambda_create", ("logical_id", "props", "stack_name")),
)  # fmt: skip
_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
_INTERFACES = (
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface",
)  # fmt: skip
_TRACES = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
_error_type: contextvars.ContextVar[str | None] = contextvars.ContextVar("error_type", default=None)


def install() -> None:
    """Carries the exception's class name from the worker process into the function's error."""
    check(SEAMS)
    _install_logs()
    _install_role_checks()
    if _ANCHOR not in lambda_runtime._PYTHON_WORKER_SCRIPT:
        raise LocalError("ministack's Python worker no longer reports errors where it did")
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(
        _ANCHOR, _TYPED
    )
    invoke = lambda_runtime.Worker.invoke
    execute = lambda_svc._execute_function_warm

    def remembering(self: Any, *args: Any, **keywords: Any) -> dict[str, Any]:
        result: dict[str, Any] = invoke(self, *args, **keywords)
        _error_type.set(result.get("error_type"))
        return result

    def typed(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        _error_type.set(None)
        result: dict[str, Any] = execute(func, event, request_id)
        error_type = _error_type.get()
        if result.get("error") and error_type:
            result["body"]["errorType"] = error_type
        return result

    lambda_runtime.Worker.invoke = remembering
    lambda_svc._execute_function_warm = typed


def _install_logs() -> None:
    emit = lambda_svc._emit_lambda_logs

    def emit_with_role(func: dict[str, Any], *args: Any, **keywords: Any) -> None:
        config = func.get("config") or func
        name, place = config["FunctionName"], config["FunctionArn"].split(":")
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        stream = f"arn:aws:logs:{place[3]}:{place[4]}:log-group:{group}:log-stream:any"
        # Without the permission the function runs all the same, and its lines are lost.
        if all(may(config["Role"], action, stream) for action in _LOG):
            emit(func, *args, **keywords)

    lambda_svc._emit_lambda_logs = emit_with_role


def _install_role_checks() -> None:
    create, update = provisioners._lambda_create, lambda_svc._update_config

    def create_checked(
        logical_id: str, props: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        if refused := _refused(props["Role"], props):
            raise ValueError(refused)
        created: tuple[str, dict[str, Any]] = create(logical_id, props, stack_name)
        return created

    def update_checked(name: str, data: dict[str, Any]) -> Any:
        known = lambda_svc._functions.get(name)
        role = data.get("Role") or (known["config"]["Role"] if known else "")
        if role and (refused := _refused(role, data)):
            return error_response_json("InvalidParameterValueException", refused, 400)
        return update(name, data)

    provisioners._lambda_create = create_checked
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]["create"] = create_checked
    lambda_svc._update_config = update_checked


def _refused(role: str, asked: dict[str, Any]) -> str | None:
    """What Lambda says when the role does not let it do what the configuration asks for."""
    needed: dict[str, tuple[str, ...]] = {}
    if (asked.get("VpcConfig") or {}).get("SubnetIds"):
        needed["EC2"] = _INTERFACES
    if (asked.get("TracingConfig") or {}).get("Mode") == "Active":
        needed["XRAY"] = _TRACES
    for service, actions in needed.items():
        for action in actions:
            if not may(role, action):
                call = action.partition(":")[2]
                return (
                    "The provided execution role does not have permissions to call "
                    f"{call} on {service}"
                )
    return None
