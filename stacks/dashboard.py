"""The dashboard's place: a role that reads gold through Athena, and nothing else."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from lakehouse.settings import Stage
from stacks.blocks.catalog import catalog_statement
from stacks.blocks.statements import allow
from stacks.storage import StorageStack
from stacks.transform import TransformStack


class DashboardStack(cdk.Stack):
    """Role and settings of the Streamlit dashboard, whatever host runs it."""

    reader: iam.Role
    """May query the gold views; on `host = "none"` principals of this account may take it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
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
            assumed_by=iam.AccountRootPrincipal(),
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
