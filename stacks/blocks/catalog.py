"""Permissions on Glue databases and all their tables."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.blocks.statements import allow

_READ = ("glue:GetDatabase", "glue:GetTable", "glue:GetTables")
_READ_PARTITIONS = ("glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition")
_WRITE = ("glue:CreateTable", "glue:UpdateTable")
_WRITE_PARTITIONS = (
    "glue:BatchCreatePartition",
    "glue:CreatePartition",
    "glue:UpdatePartition",
    "glue:BatchUpdatePartition",
)


def catalog_statement(
    stack: cdk.Stack,
    sid: str,
    databases: Sequence[str],
    *,
    write: bool = False,
    drop: bool = False,
    partitions: bool = False,
) -> iam.PolicyStatement:
    """Reads (writes, drops) the tables of `databases`; `partitions` adds those of Hive tables."""
    actions = [*_READ]
    if write:
        actions += _WRITE
    if drop:
        actions.append("glue:DeleteTable")
    if partitions:
        actions += _READ_PARTITIONS
    if write and partitions:
        actions += _WRITE_PARTITIONS
    resources = [stack.format_arn(service="glue", resource="catalog")]
    for database in databases:
        resources += [
            stack.format_arn(service="glue", resource="database", resource_name=database),
            stack.format_arn(service="glue", resource="table", resource_name=f"{database}/*"),
        ]
    return allow(sid, actions, *resources)
