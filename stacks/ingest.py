"""The ingest Lambda: only new and changed rows, from PostgreSQL to bronze."""

import aws_cdk as cdk
from constructs import Construct

from lakehouse.environment import IngestEnvironment
from lakehouse.settings import Stage
from stacks.blocks.python_function import PythonFunction
from stacks.blocks.statements import allow
from stacks.source import SourceStack
from stacks.storage import StorageStack

STORAGE_MIB = 2048
"""The function's disk: a batch in Parquet, the same without its held-back rows, and room."""


class IngestStack(cdk.Stack):
    """The function, and what it may touch: its database role, its ledger, new objects in bronze."""

    function: PythonFunction
    """Takes one batch of one table per call."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        source: SourceStack,
        storage: StorageStack,
        **kwargs: object,
    ):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self.function = PythonFunction(
            self,
            "Ingest",
            stage=stage,
            name="ingest",
            description="Takes one batch of new or changed rows of one table to bronze",
            environment=IngestEnvironment.model_construct(
                **source.address,
                database_user=source.reader,
                watermark_table=storage.watermarks.table_name,
                bronze_bucket=storage.bronze.bucket_name,
                chunk_rows=stage.pipeline.chunk_rows,
                chunk_seconds=stage.pipeline.chunk_seconds,
                chunk_mib=STORAGE_MIB // 4,
                horizon_margin_seconds=stage.pipeline.horizon_margin_seconds,
                statement_timeout_seconds=stage.pipeline.statement_timeout_seconds,
            ),
            memory_mib=stage.functions.ingest_memory_mib,
            timeout=cdk.Duration.minutes(10),
            vpc=source.network.vpc,
            security_groups=[source.clients],
            storage_mib=STORAGE_MIB,
        )
        source.allow_connect(self.function, source.reader)
        ledger = [
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:ConditionCheckItem",
        ]
        # GetObject: another attempt's object is looked at before it is taken over.
        land = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
        landing = [
            storage.bronze.arn_for_objects(f"{p}/*") for p in ("bronze", "quarantine", "state")
        ]
        bronze, table = storage.bronze.bucket_arn, storage.watermarks.table_arn
        for statement in (
            allow("Ledger", ledger, table),
            allow("Land", land, *landing),
            # Without it S3 answers 403, not 404, for an object that is not there.
            allow("Look", ["s3:ListBucket"], bronze),
        ):
            self.function.add_to_role_policy(statement)
        network = source.network
        network.let_through(network.dynamodb, "Ledger", ledger, table)
        network.let_through(network.s3, "Bronze", [*land, "s3:ListBucket"], bronze, *landing)
        cdk.CfnOutput(self, "IngestFunction", value=self.function.function_name)
