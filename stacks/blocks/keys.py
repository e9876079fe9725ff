"""The stage's own key, where it wants one."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from lakehouse.settings import Stage


def customer_key(
    scope: Construct, construct_id: str, stage: Stage, what: str, *services: str
) -> kms.Key | None:
    """A key for `services`, or None where the services' own keys do.

    Like AWS's own keys, it is used by whoever may use the data, through these services alone; so
    the roles need no statement about it. Unlike them it can be disabled, and its uses are logged.
    """
    if stage.data.keys == "service":
        return None
    stack = cdk.Stack.of(scope)
    key = kms.Key(
        scope,
        construct_id,
        description=f"{stage.prefix}: {what}",
        enable_key_rotation=True,
        removal_policy=(
            cdk.RemovalPolicy.DESTROY if stage.data.may_die else cdk.RemovalPolicy.RETAIN
        ),
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="ThroughTheServices",
            principals=[iam.AnyPrincipal()],
            actions=[
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:CreateGrant",
                "kms:DescribeKey",
            ],
            resources=["*"],
            conditions={
                "StringEquals": {
                    "kms:CallerAccount": stack.account,
                    "kms:ViaService": [f"{s}.{stack.region}.amazonaws.com" for s in services],
                }
            },
        )
    )
    return key
