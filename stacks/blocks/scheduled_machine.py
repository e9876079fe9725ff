"""A state machine that a schedule starts: its role, its log, its schedule."""

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lakehouse.settings import Stage
from stacks.blocks.python_function import retention
from stacks.blocks.schedule import Schedule
from stacks.blocks.statements import allow, traces

_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
"""What Step Functions asks of a role to deliver a machine's log; none has a narrower resource."""


class ScheduledMachine(sfn.StateMachine):
    """Runs under a role of its own; only errors are logged, without the data of executions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        name: str,
        definition: object,
        statements: Iterable[iam.PolicyStatement],
        schedule: str,
        schedule_name: str,
        dead_letters: sqs.IQueue,
    ):
        role = iam.Role(
            scope,
            "Role",
            description=f"State machine {name}",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
        )
        for statement in (*statements, traces(sampled=True), allow("LogDelivery", _DELIVERY, "*")):
            role.add_to_policy(statement)
        log = logs.LogGroup(
            scope,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=retention(stage),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        super().__init__(
            scope,
            construct_id,
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(
                cdk.Stack.of(scope).to_json_string(definition)
            ),
            role=role,
        )
        # Set here, since the construct's own switches add statements that don't say what for.
        own = self.node.default_child
        assert isinstance(own, sfn.CfnStateMachine)
        own.tracing_configuration = sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True)
        group = sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(log_group_arn=log.log_group_arn)
        own.logging_configuration = sfn.CfnStateMachine.LoggingConfigurationProperty(
            level="ERROR",
            include_execution_data=False,
            destinations=[
                sfn.CfnStateMachine.LogDestinationProperty(cloud_watch_logs_log_group=group)
            ],
        )
        Schedule(
            scope,
            f"{construct_id}Schedule",
            name=schedule_name,
            expression=schedule,
            target_arn=self.state_machine_arn,
            action="states:StartExecution",
            resources=[self.state_machine_arn],
            dead_letters=dead_letters,
        )
