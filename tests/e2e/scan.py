"""Looks for what must not be told, wherever the platform writes something down beside its data."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.e2e.account import Deployment

STAGE = "local"
PATTERNS = {
    "a signed request": re.compile(
        r"X-Amz-(?:Signature|Security-Token|Credential)=", re.IGNORECASE
    ),
    "a connection string with a password": re.compile(r"postgres(?:ql)?://[^\s:/@]+:[^\s@]+@"),
    "an AWS secret key": re.compile(r"(?:aws_)?secret_?access_?key\W{1,4}\w{8}", re.IGNORECASE),
}
"""What a secret looks like, whatever its value."""
PERSONAL = ("name", "email", "address")


def places(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Each kind of place with a text that stands there."""
    for path in sorted((deployment.home / "cdk.out" / STAGE).glob("*.json")):
        yield "template", path.read_text()
    yield from _functions(deployment)
    yield from _machines(deployment)
    yield from _logs(deployment)
    yield from _job(deployment)
    yield from _queries(deployment)
    table = deployment.outputs["watermark_table"]
    for page in deployment.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        yield "ledger", _text(page["Items"])


def found(
    texts: Iterable[tuple[str, str]], wanted: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Where a wanted value stands, or what looks like a secret: kind of place, what, around it."""
    seen = []
    for kind, text in texts:
        for what, value in wanted.items():
            if (at := text.find(value)) >= 0:
                seen.append((kind, what, text[max(0, at - 80) : at + 80]))
        for what, pattern in PATTERNS.items():
            if match := pattern.search(text):
                seen.append((kind, what, text[max(0, match.start() - 80) : match.end() + 20]))
    return seen


def secrets(deployment: Deployment) -> dict[str, str]:
    """The passwords and keys of the deployed account, by what they are."""
    read = deployment.client("secretsmanager").get_secret_value
    document = json.loads(read(SecretId=f"lakehouse-{STAGE}/source/admin")["SecretString"])
    return {
        "the master password": document["password"],
        "the account's secret key": deployment.outputs["aws_secret_access_key"],
    }


def personal_values(deployment: Deployment) -> dict[str, str]:
    """Each person's name, e-mail and address in the source, by column and key."""
    with deployment.source() as source:
        rows = source.run(f"SELECT user_id, {', '.join(PERSONAL)} FROM dim_users")
    return {
        f"{column} of user {key}": value
        for key, *values in rows
        for column, value in zip(PERSONAL, values, strict=True)
        if value
    }


def _functions(deployment: Deployment) -> Iterator[tuple[str, str]]:
    for page in deployment.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            yield "environment of a Lambda", _text(function)


def _machines(deployment: Deployment) -> Iterator[tuple[str, str]]:
    states = deployment.client("stepfunctions")
    for name in ("state_machine_arn", "upkeep_machine_arn"):
        arn = deployment.outputs[name]
        yield "definition of a machine", _text(states.describe_state_machine(stateMachineArn=arn))
        for page in states.get_paginator("list_executions").paginate(stateMachineArn=arn):
            for execution in page["executions"]:
                one = {"executionArn": execution["executionArn"]}
                yield "input and output of a run", _text(states.describe_execution(**one))
                history = states.get_paginator("get_execution_history").paginate(**one)
                yield "history of a run", "".join(_text(p["events"]) for p in history)


def _logs(deployment: Deployment) -> Iterator[tuple[str, str]]:
    logs = deployment.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = {"logGroupName": group["logGroupName"]}
            for streams in logs.get_paginator("describe_log_streams").paginate(**name):
                for stream in streams["logStreams"]:
                    yield "log group", _stream(logs, **name, logStreamName=stream["logStreamName"])
    for path in sorted((deployment.home / "logs").glob("*.log")):
        yield "log of an engine", path.read_text(errors="replace")
    for path in sorted((deployment.home / "state" / "glue").glob("*/job.log")):
        yield "log of a job", path.read_text(errors="replace")


def _stream(logs: Any, **place: str) -> str:
    """A whole stream; the end is where the token stays the same."""
    lines, token, former = [], {}, None
    while token != former:
        answer = logs.get_log_events(**place, **token, startFromHead=True)
        lines += [event["message"] for event in answer["events"]]
        former, token = token, {"nextToken": answer["nextForwardToken"]}
    return "\n".join(lines)


def _job(deployment: Deployment) -> Iterator[tuple[str, str]]:
    glue, name = deployment.client("glue"), deployment.outputs["glue_job"]
    yield "definition of the job", _text(glue.get_job(JobName=name)["Job"])
    for page in glue.get_paginator("get_job_runs").paginate(JobName=name):
        yield "arguments of a job", _text(page["JobRuns"])


def _queries(deployment: Deployment) -> Iterator[tuple[str, str]]:
    athena = deployment.client("athena")
    pages = athena.get_paginator("list_query_executions").paginate(
        WorkGroup=deployment.outputs["workgroup"]
    )
    for page in pages:
        for query in page["QueryExecutionIds"]:
            yield "text of a query", _text(athena.get_query_execution(QueryExecutionId=query))


def _text(value: Any) -> str:
    """As JSON, without the answer's own metadata; quotation marks inside texts as they are."""
    if isinstance(value, dict):
        value = {k: v for k, v in value.items() if k != "ResponseMetadata"}
    return json.dumps(value, default=str, ensure_ascii=False).replace('\\"', '"')
