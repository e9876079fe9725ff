"""A Python Lambda of this repository: bundled, its logs expire, its environment is typed."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from lakehouse.environment import Environment
from lakehouse.measures import NAMESPACE_VARIABLE
from lakehouse.settings import Stage
from stacks.blocks.bundle import bundle_function
from stacks.blocks.statements import allow, traces

_ARCHITECTURE = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


class PythonFunction(lambda_.Function):
    """The function of `lambdas/<name>`, whose handler is `lambdas.<name>.handler.handler`.

    Without a `vpc` it reaches AWS's own services only, which have no place in the network. Its role
    begins with its own log group and its traces, in a network with the interfaces that Lambda makes
    for it; a managed policy would let it write every log of the account.
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
        log = logs.LogGroup(
            scope,
            f"{construct_id}Log",
            log_group_name=f"/aws/lambda/{physical}",
            retention=retention(stage),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = _role(scope, construct_id, physical, description, in_network=vpc is not None)
        super().__init__(
            scope,
            construct_id,
            function_name=physical,
            description=description,
            runtime=lambda_.Runtime(f"python{python}", lambda_.RuntimeFamily.PYTHON),
            architecture=_ARCHITECTURE[stage.functions.machine],
            handler=f"lambdas.{name}.handler.handler",
            code=lambda_.Code.from_asset(
                str(bundle_function(name, stage.functions, stage.contracts))
            ),
            environment={
                **environment.variables(),
                "POWERTOOLS_LOG_LEVEL": "INFO",
                NAMESPACE_VARIABLE: stage.metrics_namespace,
            },
            memory_size=memory_mib,
            ephemeral_storage_size=cdk.Size.mebibytes(storage_mib),
            timeout=timeout,
            role=role,
            vpc=vpc,
            vpc_subnets=(
                ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) if vpc else None
            ),
            security_groups=security_groups,
            log_group=log,
        )
        # Set here, since the construct's own switch adds a statement that doesn't say what for.
        own = self.node.default_child
        assert isinstance(own, lambda_.CfnFunction)
        own.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")


def _role(
    scope: Construct, construct_id: str, physical: str, what: str, *, in_network: bool
) -> iam.Role:
    role = iam.Role(
        scope,
        f"{construct_id}Role",
        description=f"{construct_id} Lambda: {what[0].lower()}{what[1:]}",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    stack = cdk.Stack.of(scope)
    streams = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"/aws/lambda/{physical}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    role.add_to_policy(allow("OwnLog", ["logs:CreateLogStream", "logs:PutLogEvents"], streams))
    role.add_to_policy(traces())
    if in_network:
        # Lambda itself makes them with this role and knows no narrower resource; ...
        role.add_to_policy(allow("NetworkInterfaces", _INTERFACES, "*"))
        function = stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=physical,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="NoInterfacesForTheCode",
                effect=iam.Effect.DENY,
                actions=list(_INTERFACES),
                resources=["*"],
                # ... the function's code, whose calls carry this key, may not.
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": function}},
            )
        )
    return role


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
