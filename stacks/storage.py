"""The lake's storage: one bucket and one Glue database per layer, and the watermark table."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kms as kms
from constructs import Construct

from lakehouse import ledger
from lakehouse.environment import Environment
from lakehouse.settings import Stage
from stacks.blocks.keys import customer_key
from stacks.blocks.layer_bucket import LayerBucket
from stacks.blocks.python_function import PythonFunction
from stacks.blocks.statements import allow


class StorageStack(cdk.Stack):
    """Buckets, databases and the ledger of all batches."""

    bronze: LayerBucket
    """Raw, immutable Parquet below `bronze/<table>/`."""
    silver: LayerBucket
    """Iceberg tables with current rows and history."""
    gold: LayerBucket
    """Iceberg tables with aggregates."""
    results: LayerBucket
    """Athena's query results; they expire."""
    key: kms.Key | None
    """The stage's own key, or None where the services' own keys do."""
    watermarks: dynamodb.TableV2
    """Watermarks, batches and the run's lease (`lakehouse.ledger`)."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, **kwargs: object):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self._stage = stage
        self.key = customer_key(self, "Key", stage, "the lake and its ledger", "s3", "dynamodb")
        self.bronze = self._bucket(
            "Bronze", infrequent_after_days=stage.data.bronze_infrequent_after_days
        )
        if stage.data.bronze_immutable:
            self.bronze.make_immutable("bronze")
        self.silver = self._bucket("Silver")
        self.gold = self._bucket("Gold")
        # Results are made anew by asking again.
        self.results = self._bucket("Results", versioned=False, expires_after=cdk.Duration.days(7))
        for layer, bucket in (
            ("bronze", self.bronze),
            ("silver", self.silver),
            ("gold", self.gold),
        ):
            self._database(layer, bucket)
        for layer, bucket in (("silver", self.silver), ("gold", self.gold)):
            self._rebuild_database(layer, bucket)
        self.watermarks = dynamodb.TableV2(
            self,
            "Watermarks",
            table_name=f"{stage.prefix}-watermarks",
            partition_key=dynamodb.Attribute(
                name=ledger.PARTITION_KEY, type=dynamodb.AttributeType.STRING
            ),
            sort_key=dynamodb.Attribute(name=ledger.SORT_KEY, type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=(
                dynamodb.TableEncryptionV2.customer_managed_key(self.key) if self.key else None
            ),
            deletion_protection=stage.data.deletion_protection,
            removal_policy=self._removal,
        )
        if stage.data.may_die:
            self._empty_before_deletion(self.bronze, self.silver, self.gold, self.results)
        cdk.CfnOutput(self, "BronzeBucket", value=self.bronze.bucket_name)
        cdk.CfnOutput(self, "SilverBucket", value=self.silver.bucket_name)
        cdk.CfnOutput(self, "GoldBucket", value=self.gold.bucket_name)
        cdk.CfnOutput(self, "WatermarkTable", value=self.watermarks.table_name)

    @property
    def _removal(self) -> cdk.RemovalPolicy:
        return cdk.RemovalPolicy.DESTROY if self._stage.data.may_die else cdk.RemovalPolicy.RETAIN

    def _bucket(self, layer: str, **lifecycle: Any) -> LayerBucket:
        return LayerBucket(self, layer, stage=self._stage, key=self.key, **lifecycle)

    def _empty_before_deletion(self, *buckets: LayerBucket) -> None:
        """S3 deletes only empty buckets; this function exists only where the data may die."""
        function = PythonFunction(
            self,
            "Emptier",
            stage=self._stage,
            name="emptier",
            description="Empties the buckets when the stack goes",
            environment=Environment(),
            memory_mib=256,
            timeout=cdk.Duration.minutes(15),
        )
        for statement in (
            allow("Find", ["s3:ListBucketVersions"], *(b.bucket_arn for b in buckets)),
            allow(
                "Empty",
                ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                *(b.arn_for_objects("*") for b in buckets),
            ),
        ):
            function.add_to_role_policy(statement)
        resource = cdk.CustomResource(
            self,
            "EmptyBuckets",
            resource_type="Custom::EmptyBuckets",
            service_token=function.function_arn,
            properties={"Buckets": [bucket.bucket_name for bucket in buckets]},
        )
        # Also of their policies, so that these are still there when it is asked to delete.
        resource.node.add_dependency(*buckets)

    def _database(self, layer: str, bucket: LayerBucket) -> None:
        name = self._stage.database(layer)  # type: ignore[arg-type]
        self._glue_database(f"{layer.capitalize()}Database", name, bucket)
        cdk.CfnOutput(self, f"{layer.capitalize()}DatabaseName", value=name)

    def _rebuild_database(self, layer: str, bucket: LayerBucket) -> None:
        name = self._stage.rebuild_database(layer)  # type: ignore[arg-type]
        self._glue_database(f"{layer.capitalize()}RebuildDatabase", name, bucket)

    def _glue_database(self, construct_id: str, name: str, bucket: LayerBucket) -> None:
        glue.CfnDatabase(
            self,
            construct_id,
            catalog_id=self.account,
            database_name=name,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=name, location_uri=f"s3://{bucket.bucket_name}"
            ),
        )
