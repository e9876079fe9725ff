"""CloudWatch: alarms are judged by what is measured, and services tell their metrics.

    a line of a log in the embedded metric format  -> its metrics
    ended executions                               -> AWS/States
    messages that wait in a queue                  -> AWS/SQS
    bytes and sessions of the PostgreSQL servers   -> AWS/RDS
    every alarm, each few seconds                  -> its state, and a message to its topic

The emulator itself tells AWS/Lambda; its own judgement knows neither dimensions, nor periods that
slide, nor formulas.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, cloudwatch_logs, rds, sqs, stepfunctions
from ministack.services.cloudformation import provisioners

from local.engines.alarms import Points, judge
from local.seams.contract import Seam, check
from local.seams.rds_instances import Instances

SEAMS = (
    Seam(cloudwatch, "_evaluate_alarm", ("alarm",)),
    Seam(cloudwatch, "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")),
    Seam(cloudwatch, "_record_history",
         ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data")),
    Seam(cloudwatch, "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions")),
    Seam(cloudwatch, "_dims_key", ("dims",)),
    Seam(cloudwatch_logs, "_append_log_events", ("stream", "events")),
    Seam(sqs, "_refresh_counts", ("q",)),
    Seam(provisioners, "_cw_metric_alarm_record", ("name", "props")),
)  # fmt: skip
_SECONDS: Final = 2
"""Between two looks; CloudWatch looks each minute, which is long on a laptop."""
_ENDED: Final = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_GIB: Final = 1024**3

logger = logging.getLogger(__name__)


def install(instances: Instances) -> None:
    """Judges alarms from now on, in a thread of its own; `instances` are asked for their load."""
    check(SEAMS)
    record = provisioners._cw_metric_alarm_record

    def record_with_formula(name: str, props: dict[str, Any]) -> dict[str, Any]:
        if not props.get("Metrics"):
            plain: dict[str, Any] = record(name, props)
            return plain
        alarm: dict[str, Any] = record(
            name,
            {**props, "Metrics": None, "MetricName": "a formula", "Namespace": "a formula"},
        )
        for key in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit"):
            del alarm[key]
        return alarm | {"Metrics": props["Metrics"]}

    provisioners._cw_metric_alarm_record = record_with_formula
    cloudwatch._evaluate_alarm = _left_to_the_thread
    append = cloudwatch_logs._append_log_events

    def append_and_measure(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        append(stream, events)
        for event in events:
            for metric in embedded(event["message"]):
                cloudwatch.record_metric(*metric)

    cloudwatch_logs._append_log_events = append_and_measure
    threading.Thread(target=_watch, args=(instances,), daemon=True, name="alarms").start()


def _left_to_the_thread(_alarm: dict[str, Any]) -> None:
    """The emulator's own judgement, at each metric and each change of an alarm, is not asked."""


def embedded(line: str) -> Iterable[tuple[str, str, float, str, dict[str, str]]]:
    """Namespace, name, value, unit and dimensions of what a line in the embedded format tells."""
    if not (line.startswith("{") and '"_aws"' in line):
        return
    try:
        told = json.loads(line)
    except json.JSONDecodeError:
        return
    for directive in told["_aws"].get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            dimensions = {name: str(told[name]) for name in names}
            for metric in directive["Metrics"]:
                values = told[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield (
                        directive["Namespace"],
                        metric["Name"],
                        float(value),
                        metric.get("Unit", "None"),
                        dimensions,
                    )


def _watch(instances: Instances) -> None:
    seen: set[str] = set()
    while True:
        time.sleep(_SECONDS)
        for account, region in {key[:2] for key in list(cloudwatch._alarms._data)}:
            with request_scope(account, region):
                _look(instances, seen)


def _look(instances: Instances, seen: set[str]) -> None:
    """Measures and judges in one region."""
    for look in (
        lambda: _look_at_executions(seen),
        _look_at_queues,
        lambda: _look_at_databases(instances),
        _judge_all,
    ):
        try:
            look()
        except Exception:
            logger.exception("a look for the alarms failed")


def _look_at_executions(seen: set[str]) -> None:
    for arn, execution in list(stepfunctions._executions.items()):
        name = _ENDED.get(execution["status"])
        if arn in seen or name is None or not execution.get("stopDate"):
            continue
        seen.add(arn)
        machine = {"StateMachineArn": execution["stateMachineArn"]}
        cloudwatch.record_metric("AWS/States", name, 1, "Count", machine)
        took = _moment(execution["stopDate"]) - _moment(execution["startDate"])
        cloudwatch.record_metric(
            "AWS/States", "ExecutionTime", took * 1000, "Milliseconds", machine
        )


def _moment(told: str) -> float:
    return datetime.fromisoformat(told.replace("Z", "+00:00")).timestamp()


def _look_at_queues() -> None:
    for queue in list(sqs._queues.values()):
        sqs._refresh_counts(queue)
        waiting = float(queue["attributes"]["ApproximateNumberOfMessages"])
        named = {"QueueName": queue["name"]}
        cloudwatch.record_metric(
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", waiting, "Count", named
        )


def _look_at_databases(instances: Instances) -> None:
    for name, load in instances.loads().items():
        if name not in rds._instances:  # of another region
            continue
        allocated = rds._instances[name]["AllocatedStorage"] * _GIB
        named = {"DBInstanceIdentifier": name}
        free = float(allocated - load.data_bytes)
        cloudwatch.record_metric("AWS/RDS", "FreeStorageSpace", free, "Bytes", named)
        cloudwatch.record_metric("AWS/RDS", "DatabaseConnections", load.sessions, "Count", named)


def _judge_all() -> None:
    now = time.time()
    for alarm in list(cloudwatch._alarms.values()):
        state, reason = judge(alarm, _points, now)
        old = alarm["StateValue"]
        alarm["StateReason"] = reason
        if state == old:
            continue
        alarm["StateValue"], alarm["StateUpdatedTimestamp"] = state, int(now)
        cloudwatch._record_history(alarm["AlarmName"], old, state, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)


def _points(namespace: str, name: str, dimensions: Mapping[str, str], after: float) -> Points:
    """From the newest back: an account that has been up for a day has many older ones."""
    key = (namespace, name, cloudwatch._dims_key(dict(dimensions)))
    recent = takewhile(
        lambda point: point["Timestamp"] > after, reversed(cloudwatch._metrics.get(key) or [])
    )
    return [(point["Timestamp"], point["Value"]) for point in recent if "Value" in point]
