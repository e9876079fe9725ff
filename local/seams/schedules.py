"""EventBridge Scheduler: a schedule starts its target with its own role, or not at all."""

import logging
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import eventbridge, scheduler

from local.seams.contract import Seam, check
from local.seams.identity import assume, endpoint_url, may

SEAMS = (
    Seam(eventbridge, "_invoke_target", ("target", "event", "rule", "view")),
    Seam(scheduler, "_tick_schedules", ()),
)
_ACTIONS = {"states": "states:StartExecution", "lambda": "lambda:InvokeFunction"}

logger = logging.getLogger(__name__)


def _keep(target: dict[str, Any], event: dict[str, Any], code: str) -> None:
    """Leaves what could not be started in the schedule's dead letter queue, by its own role."""
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue:
        return
    try:
        sqs = assume(target["RoleArn"], "scheduler").client("sqs")
        account, name = queue.split(":")[4:]
        told = {
            "ERROR_CODE": code,
            "SCHEDULE_ARN": event["Resources"][0],
            "TARGET_ARN": target["Arn"],
        }
        sqs.send_message(
            QueueUrl=f"{endpoint_url()}/{account}/{name}",
            MessageBody=target.get("Input") or "{}",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text} for name, text in told.items()
            },
        )
    except ClientError as refused:
        logger.warning("the dead letter of %s is lost: %s", event["Resources"][0], refused)


def install() -> None:
    """Asks the role of each schedule before its target is started."""
    check(SEAMS)
    invoke = eventbridge._invoke_target

    def invoke_with_role(
        target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None
    ) -> None:
        if event.get("Source") == "aws.scheduler":
            action = _ACTIONS.get(target["Arn"].split(":")[2])
            if action and not may(target["RoleArn"], action, target["Arn"]):
                logger.warning(
                    "AccessDenied: schedule %s: %s may not %s on %s",
                    rule["Name"], target["RoleArn"], action, target["Arn"],
                )  # fmt: skip
                _keep(target, event, "AccessDeniedException")
                return
        invoke(target, event, rule, view)

    eventbridge._invoke_target = invoke_with_role
