"""The run: a state machine that EventBridge starts, and all that it may start in turn."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lakehouse.contract import TableContract
from lakehouse.environment import ReceiptEnvironment
from lakehouse.gold import PIPELINE_RUNS, tables_of_views
from lakehouse.own_gold import OwnGold, Refresh
from lakehouse.settings import Stage
from lakehouse.views import create_statement, create_view, load_views
from stacks.blocks.catalog import catalog_statement
from stacks.blocks.filling import fill
from stacks.blocks.python_function import PythonFunction
from stacks.blocks.scheduled_machine import ScheduledMachine
from stacks.blocks.statements import allow
from stacks.ingest import IngestStack
from stacks.source import SourceStack
from stacks.storage import StorageStack
from stacks.transform import TransformStack, job_seconds

DEFINITION = Path(__file__).parent / "pipeline.asl.json"


class OrchestrationStack(cdk.Stack):
    """State machine, its role and its schedule."""

    machine: sfn.StateMachine
    """The run; its states carry names that read as sentences in the console."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        contracts: Mapping[str, TableContract],
        own_gold: Mapping[str, OwnGold],
        storage: StorageStack,
        source: SourceStack,
        ingest: IngestStack,
        transform: TransformStack,
        **kwargs: object,
    ):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self._stage, self._storage = stage, storage
        self._ingest, self._transform = ingest, transform
        self._own_gold = own_gold
        self._machine_name = f"{stage.prefix}-pipeline"
        self._receipt = self._receipt_function()
        self.machine = ScheduledMachine(
            self,
            "Pipeline",
            stage=stage,
            name=self._machine_name,
            definition=self._definition(contracts),
            statements=self._statements(),
            schedule=stage.pipeline.schedule,
            schedule_name=self._machine_name,
            dead_letters=source.dead_letters,
        )
        cdk.CfnOutput(self, "StateMachineArn", value=self.machine.state_machine_arn)

    def _receipt_function(self) -> PythonFunction:
        """Reads a run's history and writes the receipt; outside the network, as states are."""
        stage = self._stage
        function = PythonFunction(
            self,
            "Receipt",
            stage=stage,
            name="receipt",
            description="Makes the receipt of a run from its history",
            environment=ReceiptEnvironment.model_construct(
                gold_database=stage.database("gold"),
                ingest_memory_mib=stage.functions.ingest_memory_mib,
                architecture=stage.functions.machine,
            ),
            memory_mib=256,
            timeout=cdk.Duration.minutes(1),
        )
        executions = self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self._machine_name}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        function.add_to_role_policy(
            allow("ReadOwnHistory", ["states:GetExecutionHistory"], executions)
        )
        return function

    def _definition(self, contracts: Mapping[str, TableContract]) -> object:
        stage, pipeline = self._stage, self._stage.pipeline
        silver, gold = stage.database("silver"), stage.database("gold")
        run_seconds = pipeline.run_timeout_minutes * 60
        return fill(
            json.loads(DEFINITION.read_text()),
            {
                "RunSeconds": run_seconds,
                # The run is certainly over when its lease expires.
                "LeaseSeconds": run_seconds + 60,
                "PollSeconds": pipeline.poll_seconds,
                "JobSeconds": job_seconds(stage),
                "WorkerType": stage.glue.worker_type,
                "Workers": stage.glue.workers,
                "LargeRows": stage.glue.large_rows,
                "LargeWorkers": stage.glue.large_workers,
                "MergePendingRows": pipeline.merge_pending_rows,
                "MergeMaxAgeMinutes": pipeline.merge_max_age_minutes,
                "WatermarkTable": self._storage.watermarks.table_name,
                "IngestFunction": self._ingest.function.function_arn,
                "ReceiptFunction": self._receipt.function_arn,
                "Tables": list(contracts),
                "Crawler": self._transform.crawler.ref,
                "GlueJob": self._transform.job.ref,
                "Workgroup": self._transform.workgroup.ref,
                "Views": [
                    {"view": name, "statement": statement}
                    for name, statement in self._views(contracts, silver, gold)
                ],
            },
        )

    def _views(
        self, contracts: Mapping[str, TableContract], silver: str, gold: str
    ) -> Iterator[tuple[str, str]]:
        for name in load_views(tables_of_views(contracts)):
            yield name, create_statement(name, silver, gold)
        for name, own in self._own_gold.items():
            if own.refresh is Refresh.READ:
                yield name, create_view(name, own.select(silver, gold), gold)

    def _statements(self) -> list[iam.PolicyStatement]:
        storage, transform = self._storage, self._transform
        stage = self._stage
        workgroup = self.format_arn(
            service="athena", resource="workgroup", resource_name=transform.workgroup.ref
        )
        job = self.format_arn(service="glue", resource="job", resource_name=transform.job.ref)
        crawler = self.format_arn(
            service="glue", resource="crawler", resource_name=transform.crawler.ref
        )

        return [
            allow(
                "CallFunctions",
                ["lambda:InvokeFunction"],
                self._ingest.function.function_arn,
                self._receipt.function_arn,
            ),
            allow("Lease", ["dynamodb:UpdateItem"], storage.watermarks.table_arn),
            allow("Crawl", ["glue:StartCrawler", "glue:GetCrawler"], crawler),
            allow(
                "RunTheJob",
                ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
                job,
            ),
            allow(
                "FindTheCatalog",
                ["athena:GetDataCatalog"],
                self.format_arn(
                    service="athena", resource="datacatalog", resource_name="AwsDataCatalog"
                ),
            ),
            allow(
                "Query",
                [
                    "athena:StartQueryExecution",
                    "athena:GetQueryExecution",
                    "athena:StopQueryExecution",
                ],
                workgroup,
            ),
            catalog_statement(self, "MakeViews", [stage.database("gold")], write=True, drop=True),
            # A live view looks into bronze; its columns are checked when it is made.
            catalog_statement(
                self, "LookBelow", [stage.database("silver"), stage.database("bronze")]
            ),
            allow(
                "FindFiles",
                ["s3:GetBucketLocation", "s3:ListBucket"],
                storage.results.bucket_arn,
                storage.silver.bucket_arn,
                storage.gold.bucket_arn,
            ),
            allow(
                "OwnResults",
                ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                storage.results.arn_for_objects("athena/*"),
            ),
            allow(
                "WriteReceipts",
                # a receipt is one more row of an Iceberg table; the rest of gold is the job's
                ["s3:PutObject", "s3:AbortMultipartUpload"],
                storage.gold.arn_for_objects(f"{PIPELINE_RUNS}/*"),
            ),
            allow(
                "ReadTables",
                ["s3:GetObject"],
                storage.silver.arn_for_objects("*"),
                storage.gold.arn_for_objects("*"),
            ),
        ]
