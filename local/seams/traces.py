"""X-Ray: the trace of a state machine's run, sent at its end with the machine's role.

A role that may not send it runs all the same, and its trace is lost, as on AWS. What has arrived is
told as X-Ray tells it: `aws xray get-trace-summaries`.
"""

import json
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from ministack import app
from ministack.core import iam_actions, responses, router
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local.seams.contract import Seam, check
from local.seams.identity import RoleSession, assume

SEAMS = (
    Seam(stepfunctions, "_run_execution", ("exec_arn",)),
    Seam(provisioners, "_sfn_state_machine_create", ("logical_id", "props", "stack_name")),
    Seam(
        provisioners,
        "_sfn_state_machine_update",
        ("physical_id", "old_props", "new_props", "stack_name", "logical_id"),
    ),
    Seam(responses, "AccountRegionScopedDict", ()),
    Seam(responses, "json_response", ("data", "status", "content_type")),
    Seam(iam_actions, "_match_rest_action", ("service", "method", "path", "query_params")),
)
_MACHINE = "AWS::StepFunctions::StateMachine"
_TRACED = "tracingConfiguration"
Properties = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

logger = logging.getLogger(__name__)
_segments: Any = responses.AccountRegionScopedDict()
"""By trace its one segment, as it was sent."""


def install() -> None:
    """Registers the service, and has each traced run send its trace."""
    check(SEAMS)
    router.SERVICE_PATTERNS["xray"] = {}
    iam_actions.SERVICE_TO_IAM_NAMESPACE["xray"] = "xray"
    iam_actions._BOTOCORE_SERVICE_MAP["xray"] = ["xray"]
    app.SERVICE_HANDLERS["xray"] = _answer
    _note_what_is_traced()
    run = stepfunctions._run_execution

    def traced(exec_arn: str) -> None:
        run(exec_arn)
        execution = stepfunctions._executions.get(exec_arn)
        machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn"))
        if execution and machine and machine.get(_TRACED, {}).get("Enabled"):
            _send(machine, execution)

    stepfunctions._run_execution = traced


def _note_what_is_traced() -> None:
    """The emulator leaves this part of a machine's properties out."""
    handlers = provisioners._RESOURCE_HANDLERS[_MACHINE]
    create, update = handlers["create"], handlers["update"]

    def noted(result: Any, properties: Properties) -> Any:
        traced = properties.get("TracingConfiguration", {})
        stepfunctions._state_machines[result[0]][_TRACED] = traced
        return result

    def create_noted(logical_id: str, props: Properties, stack_name: str) -> Any:
        return noted(create(logical_id, props, stack_name), props)

    def update_noted(
        physical_id: str, old_props: Properties, new_props: Properties, *place: str
    ) -> Any:
        return noted(update(physical_id, old_props, new_props, *place), new_props)

    handlers["create"], handlers["update"] = create_noted, update_noted


def _send(machine: dict[str, Any], execution: dict[str, Any]) -> None:
    start, end = (_seconds(execution[name]) for name in ("startDate", "stopDate"))
    segment = {
        "name": machine["name"],
        "id": secrets.token_hex(8),
        "trace_id": f"1-{int(start):08x}-{secrets.token_hex(12)}",
        "start_time": start,
        "end_time": end,
        "fault": execution["status"] != "SUCCEEDED",
        "origin": _MACHINE,
        "annotations": {"execution": execution["name"]},
    }
    try:
        _put(assume(machine["roleArn"], "trace"), segment)
    except ClientError as refused:
        logger.warning("the trace of %s is lost: %s", execution["executionArn"], refused)


def _put(session: RoleSession, segment: Properties) -> None:
    xray = session.client("xray")
    xray.get_sampling_rules()
    now = datetime.now(UTC)
    counted = {"RuleName": "Default", "ClientID": "0" * 24, "Timestamp": now}
    counted |= {"RequestCount": 1, "SampledCount": 1}
    xray.get_sampling_targets(SamplingStatisticsDocuments=[counted])
    xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])
    xray.put_telemetry_records(TelemetryRecords=[{"Timestamp": now, "SegmentsSentCount": 1}])


def _seconds(moment: Any) -> float:
    if isinstance(moment, str):
        return datetime.fromisoformat(moment).timestamp()
    return float(moment)


async def _answer(
    method: str, path: str, _headers: dict[str, str], body: bytes, query_params: dict[str, Any]
) -> Response:
    action = iam_actions._match_rest_action("xray", method, path, query_params)
    if action not in _ACTIONS:
        message = f"{action or path}: the local X-Ray does not know it (local/seams/traces.py)"
        return _json({"__type": "InvalidRequestException", "Message": message}, 400)
    return _json(_ACTIONS[action](json.loads(body or b"{}")))


def _put_trace_segments(request: Properties) -> Properties:
    for document in request["TraceSegmentDocuments"]:
        segment = json.loads(document)
        _segments[segment["trace_id"]] = segment
    return {"UnprocessedTraceSegments": []}


def _get_trace_summaries(request: Properties) -> Properties:
    since, until = request["StartTime"], request["EndTime"]
    summaries = [
        {
            "Id": segment["trace_id"],
            "StartTime": segment["start_time"],
            "Duration": segment["end_time"] - segment["start_time"],
            "HasFault": segment["fault"],
            "EntryPoint": {"Name": segment["name"], "Type": segment["origin"]},
            "Annotations": {
                name: [{"AnnotationValue": {"StringValue": value}}]
                for name, value in segment["annotations"].items()
            },
        }
        for segment in _segments.values()
        if since <= segment["end_time"] and segment["start_time"] <= until
    ]
    return {"TraceSummaries": summaries, "TracesProcessedCount": len(summaries)}


_ACTIONS: dict[str | None, Callable[[Properties], Properties]] = {
    "GetSamplingRules": lambda _: {
        "SamplingRuleRecords": [
            {"SamplingRule": {"RuleName": "Default", "FixedRate": 1.0, "ReservoirSize": 1}}
        ]
    },
    "GetSamplingTargets": lambda _: {"SamplingTargetDocuments": [], "UnprocessedStatistics": []},
    "PutTelemetryRecords": lambda _: {},
    "PutTraceSegments": _put_trace_segments,
    "GetTraceSummaries": _get_trace_summaries,
}


def _json(answer: Properties, status: int = 200) -> Response:
    response: Response = responses.json_response(answer, status, content_type="application/json")
    return response
