"""The Athena seam: ministack's query execution replaced by the engine in `local.engines.athena`.

Queries run on worker threads and reach S3 and Glue over HTTP, like any client, as their caller:
what the caller's role may not read or write, its query may not either.
"""

import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ministack.core import iam_evaluator, responses
from ministack.services import athena

from lakehouse.errors import LocalError
from local.engines.athena import AthenaError
from local.engines.athena.engine import Job
from local.engines.athena.parsing import parse
from local.engines.athena.statements import Statement, classify
from local.seams.athena_engines import WORKERS, engine_of, is_denial
from local.seams.athena_results import (
    FINAL,
    Response,
    get_query_results,
    refused,
    store,
    verify_output,
)
from local.seams.contract import Seam, check

SEAMS: Final = (
    Seam(athena, "_start_query_execution", ("data",)),
    Seam(athena, "_get_query_results", ("data",)),
    Seam(athena, "_stop_query_execution", ("data",)),
    Seam(athena, "_get_workgroup", ("data",)),
    Seam(athena, "_get_query_execution", ("data",)),
    Seam(athena, "_detect_statement_type", ("query",)),
    Seam(athena, "_ensure_default_workgroup", ()),
    Seam(athena, "_execution_out", ("ex",)),
)
"""What is replaced, and what is called or relied on."""
_STORES: Final = ("_executions", "_workgroups")
_VERSION: Final = "Athena engine version 3"

_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="athena")
_jobs: dict[str, Job] = {}
_lock = threading.Lock()


def check_stores() -> None:
    """Raises LocalError if the emulator keeps its executions or workgroups elsewhere."""
    for name in _STORES:
        if not isinstance(getattr(athena, name, None), responses.AccountRegionScopedDict):
            raise LocalError(
                f"ministack has moved under the local AWS: ministack.services.athena.{name} is not "
                "a scoped store. Install the pinned version (requirements-dev.txt)"
            )


def install() -> None:
    """Puts the engine behind the emulator's Athena; call it before the emulator starts."""
    check(SEAMS)
    check_stores()
    athena._start_query_execution = _start_query_execution
    athena._get_query_results = get_query_results
    athena._stop_query_execution = _stop_query_execution
    athena._get_workgroup = _get_workgroup


def _configuration(name: str) -> dict[str, Any] | None:
    """A workgroup's configuration with what AWS fills in; None if there is no such workgroup."""
    athena._ensure_default_workgroup()
    group = athena._workgroups.get(name)
    if group is None:
        return None
    return {
        "EnforceWorkGroupConfiguration": name != "primary",
        "PublishCloudWatchMetricsEnabled": True,
        "RequesterPaysEnabled": False,
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": _VERSION},
        **(group.get("Configuration") or {}),
    }


def _get_workgroup(data: dict[str, Any]) -> Response:
    name = data.get("WorkGroup", "")
    configuration = _configuration(name)
    if configuration is None:
        return refused(f"WorkGroup {name} is not found.")
    group = {**athena._workgroups[name], "Configuration": configuration}
    response: Response = responses.json_response({"WorkGroup": group})
    return response


def _start_query_execution(data: dict[str, Any]) -> Response:
    name = data.get("WorkGroup", "primary")
    configuration = _configuration(name)
    if configuration is None:
        return refused(f"WorkGroup {name} is not found.")
    if athena._workgroups[name].get("State") == "DISABLED":
        return refused(f"WorkGroup {name} is disabled.")
    enforced = bool(configuration["EnforceWorkGroupConfiguration"])
    theirs = (data.get("ResultConfiguration") or {}).get("OutputLocation")
    ours = (configuration.get("ResultConfiguration") or {}).get("OutputLocation")
    output = (ours or theirs) if enforced else (theirs or ours)
    if not output:
        return refused(
            "No output location provided. An output location is required either through the "
            "Workgroup result configuration setting or as an API input."
        )
    sql, token = data.get("QueryString", ""), data.get("ClientRequestToken")
    for known in athena._executions.values() if token else ():
        if known.get("_token") == token and known["Query"] == sql:
            return _accepted(known)
    try:
        statement = classify(sql)
        if statement.query:
            parse(statement.query)
    except AthenaError as fault:
        if fault.code == "SYNTAX_ERROR":
            return refused(fault.reason(sql).partition(": ")[2], "MALFORMED_QUERY")
        statement = Statement("", athena._detect_statement_type(sql))
    job = Job(responses.new_uuid(), output.rstrip("/") + "/", enforced)
    execution = _execution(data, sql, statement, job, name)
    execution["_token"] = token
    athena._executions[job.query_id] = execution
    _jobs[job.query_id] = job
    caller = iam_evaluator.caller_arn()
    context, region = contextvars.copy_context(), responses.get_region()
    _pool.submit(context.run, _run, execution, data, job, caller, region)
    return _accepted(execution)


def _accepted(execution: dict[str, Any]) -> Response:
    response: Response = responses.json_response(
        {"QueryExecutionId": execution["QueryExecutionId"]}
    )
    return response


def _execution(
    data: dict[str, Any], sql: str, statement: Statement, job: Job, workgroup: str
) -> dict[str, Any]:
    context = data.get("QueryExecutionContext") or {}
    return {
        "QueryExecutionId": job.query_id,
        "Query": sql,
        "StatementType": statement.type,
        "SubstatementType": statement.kind,
        "ResultConfiguration": {"OutputLocation": job.output + _result_name(statement, job)},
        "QueryExecutionContext": {
            "Database": context.get("Database", "default"),
            "Catalog": context.get("Catalog", "AwsDataCatalog"),
        },
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {"EngineExecutionTimeInMillis": 0, "DataScannedInBytes": 0},
        "WorkGroup": workgroup,
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": _VERSION},
        **({"ExecutionParameters": p} if (p := data.get("ExecutionParameters")) else {}),
    }


def _result_name(statement: Statement, job: Job) -> str:
    match statement.kind:
        case "CREATE_TABLE_AS_SELECT":
            return f"tables/{job.query_id}"
        case "UNLOAD":
            return job.query_id
    return f"{job.query_id}.{'csv' if statement.type == 'DML' else 'txt'}"


def _run(
    execution: dict[str, Any], data: dict[str, Any], job: Job, caller: str, region: str
) -> None:
    """One query, on a worker thread; whatever happens, the execution ends in a final state."""
    status, started = execution["Status"], time.time()
    try:
        if status["State"] != "QUEUED":
            return
        status["State"] = "RUNNING"
        engine = engine_of(caller, region)
        verify_output(engine.s3, job.output)
        database = execution["QueryExecutionContext"]["Database"]
        parameters = data.get("ExecutionParameters") or ()
        result = engine.execute(execution["Query"], database, parameters=parameters, job=job)
        store(engine.s3, execution, result)
        _finish(execution, job, "SUCCEEDED")
    except AthenaError as fault:
        _finish(execution, job, "FAILED", fault.reason(execution["Query"]))
    except Exception as fault:  # a query must never stay RUNNING
        code = "PERMISSION_DENIED" if is_denial(fault) else "GENERIC_INTERNAL_ERROR"
        _finish(execution, job, "FAILED", f"{code}: {fault}")
    finally:
        _jobs.pop(job.query_id, None)
        elapsed = max(1, int((time.time() - started) * 1000))
        queued = int((started - status["SubmissionDateTime"]) * 1000)
        execution["Statistics"].update(
            EngineExecutionTimeInMillis=elapsed,
            TotalExecutionTimeInMillis=elapsed + queued,
            QueryQueueTimeInMillis=queued,
        )


def _finish(execution: dict[str, Any], job: Job, state: str, reason: str = "") -> None:
    status = execution["Status"]
    with _lock:
        if status["State"] in FINAL:
            return
        if job.stopped.is_set():
            state, reason = "CANCELLED", "Query cancelled by user"
        if reason:
            status["StateChangeReason"] = reason[:4000]
            if state == "FAILED":
                user = not reason.startswith("GENERIC_INTERNAL_ERROR")
                status["AthenaError"] = {
                    "ErrorCategory": 2 if user else 1,
                    "ErrorMessage": reason,
                    "ErrorType": 1006 if user else 1,
                    "Retryable": False,
                }
        status["CompletionDateTime"] = time.time()
        status["State"] = state


def _stop_query_execution(data: dict[str, Any]) -> Response:
    query_id = data.get("QueryExecutionId", "")
    execution = athena._executions.get(query_id)
    if execution is None:
        return refused(f"QueryExecution {query_id} was not found")
    job = _jobs.get(query_id)
    if job is not None:
        job.stop()
        _finish(execution, job, "CANCELLED", "Query cancelled by user")
    response: Response = responses.json_response({})
    return response
