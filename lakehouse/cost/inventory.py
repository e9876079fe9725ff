"""What the templates of a stage hold that is billed by the month. Pure.

A type is in one of two lists: billed for being there, or free in itself (what it does is counted by
`lakehouse.workload`). A type in neither is named by `make cost`, so that nothing is forgotten.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

Template = Mapping[str, Any]

DATABASE: Final = "AWS::RDS::DBInstance"
SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105
KEY: Final = "AWS::KMS::Key"
ALARM: Final = "AWS::CloudWatch::Alarm"
COMPOSITE_ALARM: Final = "AWS::CloudWatch::CompositeAlarm"
DASHBOARD: Final = "AWS::CloudWatch::Dashboard"
APP_RUNNER: Final = "AWS::AppRunner::Service"
TASKS: Final = "AWS::ECS::Service"
TASK: Final = "AWS::ECS::TaskDefinition"
LOAD_BALANCER: Final = "AWS::ElasticLoadBalancingV2::LoadBalancer"
BILLED: Final = frozenset(
    {
        DATABASE, SECRET, KEY, ALARM, COMPOSITE_ALARM, DASHBOARD,
        APP_RUNNER, TASKS, TASK, LOAD_BALANCER,
    }
)  # fmt: skip
FREE: Final = frozenset(
    {
        "AWS::AppRunner::AutoScalingConfiguration",
        "AWS::Athena::WorkGroup",
        "AWS::Budgets::Budget",
        "AWS::CDK::Metadata",
        # Cognito counts users of a month; the first ten thousand are free by rule.
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolClient",
        "AWS::Cognito::UserPoolDomain",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::FlowLog",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECS::Cluster",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::Events::Rule",
        "AWS::Glue::Crawler",
        "AWS::Glue::Database",
        "AWS::Glue::Job",
        "AWS::Glue::SecurityConfiguration",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::OIDCProvider",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::Logs::QueryDefinition",
        "AWS::Logs::ResourcePolicy",
        "AWS::RDS::DBParameterGroup",
        "AWS::RDS::DBSubnetGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
        "AWS::Scheduler::Schedule",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::SecretsManager::SecretTargetAttachment",
        "AWS::StepFunctions::StateMachine",
    }
)
_ENDPOINT: Final = "AWS::EC2::VPCEndpoint"


@dataclass(frozen=True)
class Host:
    """What runs the dashboard: processors and GB of memory of its one instance or task."""

    processors: Decimal
    memory_gb: Decimal


@dataclass(frozen=True)
class Inventory:
    """Counts of what is billed, and the types that nobody has put a price on."""

    databases: int = 0
    endpoint_zones: int = 0
    """Interface endpoints, each as often as it has zones."""
    secrets: int = 0
    keys: int = 0
    alarm_metrics: int = 0
    composite_alarms: int = 0
    dashboards: int = 0
    app_runner: Host | None = None
    fargate: Host | None = None
    load_balancers: int = 0
    unpriced: tuple[str, ...] = ()


def inventory(templates: Iterable[Template]) -> Inventory:
    """Counts over all templates of a stage."""
    resources = [found for template in templates for found in template["Resources"].values()]
    counts = Counter(found["Type"] for found in resources)
    return Inventory(
        databases=counts[DATABASE],
        endpoint_zones=sum(_zones(found) for found in resources if found["Type"] == _ENDPOINT),
        secrets=counts[SECRET],
        keys=counts[KEY],
        alarm_metrics=sum(_metrics(found) for found in resources if found["Type"] == ALARM),
        composite_alarms=counts[COMPOSITE_ALARM],
        dashboards=counts[DASHBOARD],
        app_runner=_host(resources, APP_RUNNER, "InstanceConfiguration"),
        fargate=_host(resources, TASK),
        load_balancers=counts[LOAD_BALANCER],
        unpriced=tuple(sorted({found["Type"] for found in resources if not _known(found)})),
    )


def read_templates(directory: Path) -> list[Template]:
    """The templates that a synthesis has left in `directory`."""
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.template.json"))]


def _metrics(alarm: Template) -> int:
    """Metrics that an alarm looks at; a formula over them is none itself."""
    listed = alarm.get("Properties", {}).get("Metrics", [])
    return max(sum("MetricStat" in metric for metric in listed), 1)


def _host(resources: Iterable[Template], kind: str, part: str | None = None) -> Host | None:
    """The one of its type: both services count 1024 to a processor and MiB to memory."""
    for resource in resources:
        if resource["Type"] == kind:
            properties = resource["Properties"]
            sizes = properties[part] if part else properties
            return Host(Decimal(sizes["Cpu"]) / 1024, Decimal(sizes["Memory"]) / 1024)
    return None


def _zones(endpoint: Template) -> int:
    # A gateway endpoint is free.
    is_interface = endpoint["Properties"].get("VpcEndpointType") == "Interface"
    return len(endpoint["Properties"].get("SubnetIds", [])) if is_interface else 0


def _known(resource: Template) -> bool:
    kind = resource["Type"]
    if kind == _ENDPOINT:
        return resource["Properties"].get("VpcEndpointType") in ("Gateway", "Interface")
    return kind in BILLED or kind in FREE or kind.startswith("Custom::")
