"""What an account says of a stage's existing source, by the caller's credentials, read only."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from lakehouse.errors import AccountError
from lakehouse.settings import ExistingSource, Stage
from onboarding.findings import Finding, Level


def account_findings(stage: Stage, client: Callable[[str], Any] | None = None) -> list[Finding]:
    """Findings about the instance and the secret that the stage names; none where it names neither.

    Raises AccountError where the account can't be asked at all.
    """
    existing = stage.source.existing
    if existing is None:
        return []
    make = client or (lambda service: boto3.client(service, region_name=stage.region))
    found: list[Finding] = []
    try:
        if existing.instance:
            found += _instance(make("rds"), existing)
        if existing.secret:
            found += _secret(make("secretsmanager"), existing.secret)
    except (BotoCoreError, ClientError) as refused:
        raise AccountError(
            f"the account can't be asked about {stage.name}'s source: {refused}; use credentials "
            "that may describe RDS instances and secrets"
        ) from None
    return found


def _instance(rds: Any, existing: ExistingSource) -> Iterator[Finding]:
    name = f"RDS {existing.instance}"
    try:
        answer = rds.describe_db_instances(DBInstanceIdentifier=existing.instance)
    except rds.exceptions.DBInstanceNotFoundFault:
        yield Finding(Level.FAIL, name, "is not there", "correct source.existing.instance")
        return
    (instance,) = answer["DBInstances"]
    address = instance.get("Endpoint", {}).get("Address", "")
    groups = [group["VpcSecurityGroupId"] for group in instance.get("VpcSecurityGroups", [])]
    status, resource = instance["DBInstanceStatus"], instance.get("DbiResourceId")
    replica = instance.get("ReadReplicaSourceDBInstanceIdentifier")
    is_iam, has_iam = existing.auth == "iam", instance.get("IAMDatabaseAuthenticationEnabled")
    for is_right, found, remedy in (
        (status == "available", f"is {status}", "start it, or wait until it is available"),
        (address == existing.host, f"answers at {address}, not at {existing.host}",
         "correct source.existing.host"),
        (not replica, f"is a replica of {replica}", "name the primary"),
        (not is_iam or has_iam, "takes no IAM tokens", "switch IAM database authentication on"),
        (not is_iam or resource == existing.resource,
         f"has the resource id {resource}, not {existing.resource}",
         "correct source.existing.resource"),
        (existing.security_group in (None, *groups),
         f"is not in the security group {existing.security_group}",
         "correct source.existing.security_group"),
    ):  # fmt: skip
        if not is_right:
            yield Finding(Level.FAIL, name, found, remedy)
    if instance.get("PubliclyAccessible"):
        remedy = "the ingest needs no public address: switch it off if nobody else does"
        yield Finding(Level.WARN, name, "has a public address", remedy)
    else:
        yield Finding(Level.OK, name, f"is {status}, without a public address")


def _secret(secrets: Any, arn: str) -> Iterator[Finding]:
    try:
        described = secrets.describe_secret(SecretId=arn)
    except secrets.exceptions.ResourceNotFoundException:
        yield Finding(Level.FAIL, "secret", "is not there", "correct source.existing.secret")
        return
    if described.get("DeletedDate"):
        remedy = "restore it: aws secretsmanager restore-secret"
        yield Finding(Level.FAIL, "secret", "is about to be deleted", remedy)
    else:
        yield Finding(Level.OK, "secret", "is there; its value was not read")
