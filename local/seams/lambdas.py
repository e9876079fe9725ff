"""Lambda: a failed function reports the class of its exception, as on AWS."""

import contextvars
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from lakehouse.errors import LocalError
from local.seams.contract import Seam, check

_ANCHOR = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_TYPED = (
    '{"status": "error", "error": str(e), "error_type": type(e).__name__, '
    '"trace": traceback.format_exc()}'
)
SEAMS = (Seam(lambda_svc, "_execute_function_warm", ("func", "event", "request_id")),)
_error_type: contextvars.ContextVar[str | None] = contextvars.ContextVar("error_type", default=None)


def install() -> None:
    """Carries the exception's class name from the worker process into the function's error."""
    check(SEAMS)
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
