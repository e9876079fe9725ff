"""IAM: a request is held against the policies as AWS does it: resources, conditions, absence."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import athena, s3

from local.seams.contract import Seam, check
from local.seams.identity import may, role_of

SEAMS = (
    Seam(
        iam_actions,
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
    ),
    Seam(iam_actions, "request_tag_context", ("service", "iam_action", "body", "params")),
    Seam(iam_evaluator, "caller_arn", ()),
    Seam(s3, "_get_object", ("bucket_name", "key", "headers", "query_params")),
    Seam(s3, "_head_object", ("bucket_name", "key", "headers", "query_params")),
)


def install() -> None:
    """Corrects what the emulator's evaluator holds against the policies: resources, conditions."""
    check(SEAMS)
    s3._get_object = _hiding(s3._get_object)
    s3._head_object = _hiding(s3._head_object)
    context = iam_actions.request_tag_context

    def with_namespace(
        service: str, iam_action: str, body: bytes, params: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = context(service, iam_action, body, params)
        if iam_action == "cloudwatch:PutMetricData" and (name := metric_namespace(body)):
            found = found | {"cloudwatch:namespace": name}
        return found

    iam_actions.request_tag_context = with_namespace
    extract = iam_actions.extract_resource_arn

    def corrected(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service in _NAMED:
            action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            try:
                request = json.loads(body or b"{}")
            except json.JSONDecodeError:
                request = {}
            if named := _NAMED[service](action, request):
                return f"arn:aws:{service}:{region}:{account_id}:{named}"
        arn: str = extract(service, method, path, headers, body, query_params, region, account_id)
        return arn

    iam_actions.extract_resource_arn = corrected


def _hiding(read: Callable[..., Any]) -> Callable[..., Any]:
    """S3 tells nobody that an object is missing who may not list its bucket: 403, not 404."""

    def hide(bucket: str, key: str, *args: Any, **keywords: Any) -> Any:
        answer = read(bucket, key, *args, **keywords)
        if answer[0] != 404 or not (role := role_of(iam_evaluator.caller_arn())):
            return answer
        if may(role, "s3:ListBucket", f"arn:aws:s3:::{bucket}"):
            return answer
        refused = f"{role} is not authorized to perform: s3:ListBucket on arn:aws:s3:::{bucket}"
        return s3._error("AccessDenied", refused, 403, f"/{bucket}/{key}")

    return hide


def metric_namespace(body: bytes) -> str | None:
    """The namespace that a PutMetricData names, in the CBOR of today's clients or in JSON."""
    if body[:1] == b"{":
        named = json.loads(body).get("Namespace")
        return str(named) if named else None
    _, found, rest = body.partition(b"\x69Namespace")  # a text of nine bytes, then the value's
    if not found:
        return None
    if 0x60 <= rest[0] < 0x78:  # a text whose length is in the first byte, or in the second
        return rest[1 : 1 + rest[0] - 0x60].decode()
    return rest[2 : 2 + rest[1]].decode() if rest[0] == 0x78 else None


def _glue(action: str, request: dict[str, Any]) -> str | None:
    if "Crawler" in action:
        return f"crawler/{request.get('Name') or request.get('CrawlerName')}"
    if "Job" in action:
        return f"job/{request.get('JobName') or request.get('Name')}"
    database = request.get("DatabaseName")
    if database is None:
        name = request.get("Name") or request.get("DatabaseInput", {}).get("Name")
        return f"database/{name}" if "Database" in action and name else "catalog"
    table = (
        request.get("TableName")
        or request.get("Name")
        or request.get("TableInput", {}).get("Name")
        or "*"
    )
    return f"table/{database}/{table}"


def _ecr(_action: str, request: dict[str, Any]) -> str | None:
    names = request.get("repositoryNames") or [request.get("repositoryName")]
    return f"repository/{names[0]}" if len(names) == 1 and names[0] else None


def _athena(action: str, request: dict[str, Any]) -> str | None:
    if action == "GetDataCatalog":
        return f"datacatalog/{request.get('Name')}"
    execution = athena._executions.get(request.get("QueryExecutionId", ""))
    workgroup = execution["WorkGroup"] if execution else request.get("WorkGroup", "primary")
    return f"workgroup/{workgroup}"


def _logs(action: str, request: dict[str, Any]) -> str | None:
    # A policy names a group with `:*`, which its streams match, and the bare group does not.
    group, stream = request.get("logGroupName"), request.get("logStreamName")
    if action not in ("CreateLogStream", "PutLogEvents") or not group:
        return None
    return f"log-group:{group}:log-stream:{stream}"


_NAMED = {"glue": _glue, "athena": _athena, "ecr": _ecr, "logs": _logs}
