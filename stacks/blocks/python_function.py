"""A Python Lambda of this repository: bundled, its logs expire, its environment is typed."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from lakehouse.environment import Environment
from lakehouse.settings import Stage
from stacks.blocks.bundle import bundle_function

_ARCHITECTURE = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


class PythonFunction(lambda_.Function):
    """The function of `lambdas/<name>`, whose handler is `lambdas.<name>.handler.handler`.

    Without a `vpc` it reaches AWS's own services only, which have no place in the network.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        name: str,
        description: str,
        environment: Environment,
        memory_mib: int,
        timeout: cdk.Duration,
        vpc: ec2.IVpc | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        storage_mib: int = 512,
    ) -> None:
        python = stage.functions.python_version
        physical = f"{stage.prefix}-{name}"
        super().__init__(
            scope,
            construct_id,
            function_name=physical,
            description=description,
            runtime=lambda_.Runtime(f"python{python}", lambda_.RuntimeFamily.PYTHON),
            architecture=_ARCHITECTURE[stage.functions.machine],
            handler=f"lambdas.{name}.handler.handler",
            code=lambda_.Code.from_asset(str(bundle_function(name, stage.functions))),
            environment={
                **environment.variables(),
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
            memory_size=memory_mib,
            ephemeral_storage_size=cdk.Size.mebibytes(storage_mib),
            timeout=timeout,
            tracing=lambda_.Tracing.ACTIVE,
            vpc=vpc,
            vpc_subnets=(
                ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) if vpc else None
            ),
            security_groups=security_groups,
            log_group=logs.LogGroup(
                scope,
                f"{construct_id}Log",
                log_group_name=f"/aws/lambda/{physical}",
                retention=retention(stage),
                removal_policy=cdk.RemovalPolicy.DESTROY,
            ),
        )


def retention(stage: Stage) -> logs.RetentionDays:
    """The stage's log retention as CDK names it."""
    return {
        1: logs.RetentionDays.ONE_DAY,
        3: logs.RetentionDays.THREE_DAYS,
        5: logs.RetentionDays.FIVE_DAYS,
        7: logs.RetentionDays.ONE_WEEK,
        14: logs.RetentionDays.TWO_WEEKS,
        30: logs.RetentionDays.ONE_MONTH,
        60: logs.RetentionDays.TWO_MONTHS,
        90: logs.RetentionDays.THREE_MONTHS,
        180: logs.RetentionDays.SIX_MONTHS,
        365: logs.RetentionDays.ONE_YEAR,
    }[stage.data.log_retention_days]
