"""The dashboard's place: a role that reads gold through Athena, and the stage's host."""

import json
from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from lakehouse.own_gold import OwnGold, Refresh
from lakehouse.settings import Stage
from stacks.blocks.app_runner import AppRunnerHost
from stacks.blocks.catalog import catalog_statement
from stacks.blocks.dashboard_image import PORT, dashboard_image
from stacks.blocks.fargate import FargateHost
from stacks.blocks.reader_pool import ReaderPool
from stacks.blocks.statements import allow
from stacks.storage import StorageStack
from stacks.transform import TransformStack

_SERVICE = {"apprunner": "tasks.apprunner.amazonaws.com", "fargate": "ecs-tasks.amazonaws.com"}
_HOST = {"apprunner": AppRunnerHost, "fargate": FargateHost}


class DashboardStack(cdk.Stack):
    """Role and settings of the Streamlit dashboard, whatever host runs it, and that host."""

    reader: iam.Role
    """May query the gold views; principals of this account may take it, and so may the host."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        own_gold: Mapping[str, OwnGold],
        has_shop: bool,
        storage: StorageStack,
        transform: TransformStack,
        **kwargs: object,
    ):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self.reader = iam.Role(
            self,
            "Reader",
            role_name=stage.reader_role(self.region),
            description="Dashboard: reads the gold views through Athena",
            assumed_by=_takers(stage),
        )
        workgroup = self.format_arn(
            service="athena", resource="workgroup", resource_name=transform.workgroup.ref
        )
        statements = [
            allow(
                "Query",
                [
                    "athena:StartQueryExecution",
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:StopQueryExecution",
                    "athena:GetWorkGroup",
                ],
                workgroup,
            ),
            # A view of gold may look into silver; Athena reads with its caller's permissions.
            catalog_statement(
                self, "ReadTheCatalog", [stage.database("gold"), stage.database("silver")]
            ),
            allow(
                "FindFiles",
                ["s3:GetBucketLocation", "s3:ListBucket"],
                storage.results.bucket_arn,
                storage.silver.bucket_arn,
                storage.gold.bucket_arn,
            ),
            allow(
                "ReadTables",
                ["s3:GetObject"],
                storage.silver.arn_for_objects("*"),
                storage.gold.arn_for_objects("*"),
            ),
            allow(
                "OwnResults",
                ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                storage.results.arn_for_objects("athena/*"),
            ),
        ]
        for statement in statements:
            self.reader.add_to_policy(statement)
        cdk.CfnOutput(self, "DashboardRole", value=self.reader.role_arn)
        if host := _HOST.get(stage.dashboard.host):
            signs_in = stage.dashboard.sign_in == "cognito"
            host(
                self,
                "Host",
                stage=stage,
                image=dashboard_image(self, "Image"),
                environment={
                    "GOLD_DATABASE": stage.database("gold"),
                    "WORKGROUP": transform.workgroup.ref,
                    "STAGE": stage.name,
                    "REFRESH_SECONDS": str(stage.dashboard.refresh_seconds),
                    "AWS_DEFAULT_REGION": self.region,
                    "ADDRESS": "0.0.0.0",  # noqa: S104  (the host's proxy comes from outside)
                    "PORT": str(PORT),
                    **told_figures(own_gold, has_shop),
                },
                reader=self.reader,
                readers=ReaderPool(self, "Readers", stage=stage) if signs_in else None,
            )


def told_figures(own_gold: Mapping[str, OwnGold], has_shop: bool) -> dict[str, str]:
    """What the pages tell besides the shop's figures, or instead of them."""
    found = {} if has_shop else {"HAS_SHOP": "false"}
    if own_gold:
        told = [
            {
                "name": one.name,
                "title": one.title,
                "grain": one.grain,
                "chart": one.chart,
                "is_timed": one.refresh is Refresh.READ and one.tells_time,
            }
            for one in own_gold.values()
        ]
        found["OWN_GOLD"] = json.dumps(told, separators=(",", ":"))
    return found


def _takers(stage: Stage) -> iam.PrincipalBase:
    account = iam.AccountRootPrincipal()
    service = _SERVICE.get(stage.dashboard.host)
    if service is None:
        return account
    return iam.CompositePrincipal(account, iam.ServicePrincipal(service))
