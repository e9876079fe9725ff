"""EventBridge Scheduler: a schedule starts its target with its own role, or not at all."""

import logging
from typing import Any

from ministack.services import eventbridge, scheduler

from local.seams.contract import Seam, check
from local.seams.identity import may

SEAMS = (
    Seam(eventbridge, "_invoke_target", ("target", "event", "rule", "view")),
    Seam(scheduler, "_tick_schedules", ()),
)
_ACTIONS = {"states": "states:StartExecution", "lambda": "lambda:InvokeFunction"}

logger = logging.getLogger(__name__)


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
                return
        invoke(target, event, rule, view)

    eventbridge._invoke_target = invoke_with_role
