"""An EventBridge schedule with a role of its own that may start its one target."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.blocks.statements import allow


class Schedule(Construct):
    """Fires `expression` at `target_arn`; the role may do `action` on `resources`.

    What could not be started is left in `dead_letters`, all else that the role may reach.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        expression: str,
        target_arn: str,
        action: str,
        resources: Sequence[str],
        dead_letters: sqs.IQueue,
        payload: Mapping[str, object] | None = None,
    ):
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            description=f"Schedule {name}: {expression}",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"),
            inline_policies={
                "Start": iam.PolicyDocument(
                    statements=[
                        allow("StartTheTarget", [action], *resources),
                        allow("KeepDeadLetters", ["sqs:SendMessage"], dead_letters.queue_arn),
                    ]
                )
            },
        )
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=name,
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target_arn,
                role_arn=role.role_arn,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=dead_letters.queue_arn
                ),
                input=json.dumps(dict(payload or {})),
                # A missed tick is made up by the next one; two at once gain nothing.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=0, maximum_event_age_in_seconds=60
                ),
            ),
        )
