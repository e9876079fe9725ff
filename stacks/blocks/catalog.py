"""Permissions on Glue databases and all their tables."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

_READ = ("glue:GetDatabase", "glue:GetTable", "glue:GetTables")
_READ_PARTITIONS = ("glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition")
_WRITE = ("glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable")
_WRITE_PARTITIONS = (
    "glue:BatchCreatePartition",
    "glue:CreatePartition",
    "glue:UpdatePartition",
    "glue:BatchUpdatePartition",
)


def catalog_statement(
    stack: cdk.Stack, databases: Sequence[str], *, write: bool = False, partitions: bool = False
) -> iam.PolicyStatement:
    """Reads (and writes) the tables of `databases`; `partitions` adds those of Hive tables."""
    actions = [*_READ]
    if write:
        actions += _WRITE
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
    return iam.PolicyStatement(actions=actions, resources=resources)
