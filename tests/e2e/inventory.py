"""What lies in the account, service by service: all that AWS would bill for, and roles."""

from collections.abc import Callable
from typing import Any

_BOOTSTRAP = ("cdk-hnb659fds-", "CDKToolkit")
"""What `cdk bootstrap` made is the account's, not a stage's."""
_OF_AWS = ("primary", "default")
"""Athena's workgroup and the network that an account comes with."""


def inventory(client: Callable[[str], Any]) -> dict[str, list[str]]:
    """Service to the names of what is there; a service without anything has an empty list."""
    s3, ec2, glue, logs = client("s3"), client("ec2"), client("glue"), client("logs")
    rds, watch, kms, ecr = client("rds"), client("cloudwatch"), client("kms"), client("ecr")
    found = {
        "S3 buckets": _names(s3.list_buckets()["Buckets"], "Name"),
        "DynamoDB tables": client("dynamodb").list_tables()["TableNames"],
        "RDS instances": _names(rds.describe_db_instances()["DBInstances"], "DBInstanceIdentifier"),
        "RDS snapshots": _names(rds.describe_db_snapshots()["DBSnapshots"], "DBSnapshotIdentifier"),
        "Lambda functions": _names(client("lambda").list_functions()["Functions"], "FunctionName"),
        "Glue jobs": _names(glue.get_jobs()["Jobs"], "Name"),
        "Glue crawlers": _names(glue.get_crawlers()["Crawlers"], "Name"),
        "Glue databases": _names(glue.get_databases()["DatabaseList"], "Name"),
        "Athena workgroups": _names(client("athena").list_work_groups()["WorkGroups"], "Name"),
        "Step Functions machines": _names(
            client("stepfunctions").list_state_machines()["stateMachines"], "name"
        ),
        "Scheduler schedules": _names(client("scheduler").list_schedules()["Schedules"], "Name"),
        "EventBridge rules": _names(client("events").list_rules()["Rules"], "Name"),
        "SQS queues": client("sqs").list_queues().get("QueueUrls", []),
        "SNS topics": _names(client("sns").list_topics()["Topics"], "TopicArn"),
        "CloudWatch log groups": _names(logs.describe_log_groups()["logGroups"], "logGroupName"),
        "CloudWatch alarms": _names(watch.describe_alarms()["MetricAlarms"], "AlarmName"),
        "CloudWatch dashboards": _names(
            watch.list_dashboards()["DashboardEntries"], "DashboardName"
        ),
        "Secrets Manager secrets": _names(
            client("secretsmanager").list_secrets()["SecretList"], "Name"
        ),
        "KMS keys": [
            key["KeyId"]
            for key in (
                kms.describe_key(KeyId=listed["KeyId"])["KeyMetadata"]
                for listed in kms.list_keys()["Keys"]
            )
            if key["KeyManager"] == "CUSTOMER" and key["KeyState"] == "Enabled"
        ],
        "VPCs": [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc.get("IsDefault")],
        "VPC endpoints": _names(ec2.describe_vpc_endpoints()["VpcEndpoints"], "VpcEndpointId"),
        "NAT gateways": _names(ec2.describe_nat_gateways()["NatGateways"], "NatGatewayId"),
        "Elastic addresses": _names(ec2.describe_addresses()["Addresses"], "PublicIp"),
        "ECR repositories": _names(ecr.describe_repositories()["repositories"], "repositoryName"),
        "ECS clusters": client("ecs").list_clusters()["clusterArns"],
        "IAM roles": _names(client("iam").list_roles(MaxItems=1000)["Roles"], "RoleName"),
        "CloudFormation stacks": _names(
            client("cloudformation").describe_stacks()["Stacks"], "StackName"
        ),
    }
    return {
        service: sorted(n for n in names if not n.startswith(_BOOTSTRAP) and n not in _OF_AWS)
        for service, names in found.items()
    }


def _names(entries: list[dict[str, Any]], key: str) -> list[str]:
    return [entry[key] for entry in entries]
