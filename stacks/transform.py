"""Bronze to silver to gold: the crawler, the PySpark job and the Athena workgroup."""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from lakehouse import spark_conf
from lakehouse.contract import TableContract
from lakehouse.settings import Stage
from stacks.blocks.bundle import (
    BUILD,
    ROOT,
    copy_sources,
    digest,
    finish,
    placed,
    source_files,
    unfinished_of,
)
from stacks.blocks.catalog import catalog_statement
from stacks.blocks.python_function import retention
from stacks.blocks.statements import allow
from stacks.storage import StorageStack

_FIND = ("s3:GetBucketLocation", "s3:ListBucket")


def job_seconds(stage: Stage) -> int:
    """How long a state waits for the job: its own limit, and a minute for Glue to say so."""
    return stage.glue.timeout_minutes * 60 + 60


class TransformStack(cdk.Stack):
    """What turns raw Parquet into tables that people query."""

    crawler: glue.CfnCrawler
    """Discovers bronze; run only when a table, a column or a day is new."""
    job: glue.CfnJob
    """Checks quality, keeps history, aggregates: bronze to silver and gold Iceberg tables."""
    workgroup: athena.CfnWorkGroup
    """All queries run here: encrypted results, a limit on the bytes of one query."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: StorageStack,
        contracts: Mapping[str, TableContract],
        **kwargs: object,
    ):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        self._stage, self._storage = stage, storage
        self.crawler = self._crawler(contracts)
        self.job = self._job()
        self.workgroup = self._workgroup()
        cdk.CfnOutput(self, "Crawler", value=self.crawler.ref)
        cdk.CfnOutput(self, "GlueJob", value=self.job.ref)
        cdk.CfnOutput(self, "Workgroup", value=self.workgroup.ref)

    def _crawler(self, contracts: Mapping[str, TableContract]) -> glue.CfnCrawler:
        bronze = self._storage.bronze
        role = self._role("CrawlerRole", "Glue crawler: describes bronze", "/aws-glue/crawlers*")
        for statement in (
            allow("FindFiles", _FIND, bronze.bucket_arn),
            allow("ReadBronze", ["s3:GetObject"], bronze.arn_for_objects("bronze/*")),
            catalog_statement(
                self,
                "DescribeBronze",
                [self._stage.database("bronze")],
                write=True,
                partitions=True,
            ),
        ):
            role.add_to_policy(statement)
        return glue.CfnCrawler(
            self,
            "BronzeCrawler",
            name=f"{self._stage.prefix}-bronze",
            role=role.role_arn,
            database_name=self._stage.database("bronze"),
            targets=glue.CfnCrawler.TargetsProperty(
                s3_targets=[
                    glue.CfnCrawler.S3TargetProperty(
                        path=f"s3://{bronze.bucket_name}/bronze/{table}/"
                    )
                    for table in contracts
                ]
            ),
            schema_change_policy=glue.CfnCrawler.SchemaChangePolicyProperty(
                update_behavior="UPDATE_IN_DATABASE", delete_behavior="LOG"
            ),
            configuration=self.to_json_string(
                {
                    "Version": 1.0,
                    "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
                    "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"},
                }
            ),
        )

    def _job(self) -> glue.CfnJob:
        stage, storage = self._stage, self._storage
        script = s3_assets.Asset(self, "Script", path=str(ROOT / "glue_scripts" / "job.py"))
        modules = s3_assets.Asset(self, "Modules", path=_modules(stage.contracts))
        logs_prefix = f"/aws-glue/{stage.prefix}-merge"
        for kind in ("output", "error"):
            logs.LogGroup(
                self,
                f"Job{kind.title()}Log",
                log_group_name=f"{logs_prefix}/{kind}",
                retention=retention(stage),
                removal_policy=cdk.RemovalPolicy.DESTROY,
            )
        role = self._role("JobRole", "Glue job: bronze to silver and gold", f"{logs_prefix}/*")
        for statement in self._job_statements(script, modules):
            role.add_to_policy(statement)
        return glue.CfnJob(
            self,
            "MergeJob",
            name=f"{stage.prefix}-merge",
            role=role.role_arn,
            glue_version="5.1",
            worker_type=stage.glue.worker_type,
            number_of_workers=stage.glue.workers,
            execution_class=stage.glue.execution_class,
            timeout=stage.glue.timeout_minutes,
            max_retries=0,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=1),
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=script.s3_object_url
            ),
            default_arguments={
                "--extra-py-files": modules.s3_object_url,
                "--datalake-formats": "iceberg",
                "--conf": spark_conf.glue_argument(f"s3://{storage.silver.bucket_name}"),
                "--custom-logGroup-prefix": logs_prefix,
                "--watermark_table": storage.watermarks.table_name,
                "--bronze_bucket": storage.bronze.bucket_name,
                "--silver_bucket": storage.silver.bucket_name,
                "--gold_bucket": storage.gold.bucket_name,
                "--silver_database": stage.database("silver"),
                "--gold_database": stage.database("gold"),
                "--quality_mode": stage.pipeline.quality_mode,
                "--metrics_namespace": stage.metrics_namespace,
            },
        )

    def _job_statements(self, *code: s3_assets.Asset) -> list[iam.PolicyStatement]:
        stage, storage = self._stage, self._storage
        rebuilt = [stage.rebuild_database("silver"), stage.rebuild_database("gold")]
        live = [stage.database("silver"), stage.database("gold")]
        lake = (storage.silver, storage.gold)
        raw = [storage.bronze.arn_for_objects(f"{p}/*") for p in ("bronze", "quarantine")]
        catalog = self.format_arn(service="glue", resource="catalog")
        copies = [
            self.format_arn(service="glue", resource="database", resource_name=name)
            for name in rebuilt
        ]
        files = [bucket.arn_for_objects("*") for bucket in lake]
        return [
            allow(
                "OwnCode",
                ["s3:GetObject"],
                *(one.bucket.arn_for_objects(one.s3_object_key) for one in code),
            ),
            allow("FindFiles", _FIND, *(b.bucket_arn for b in (storage.bronze, *lake))),
            allow("ReadBronze", ["s3:GetObject"], *raw),
            allow(
                "KeepTheTables",
                # Removed are files of expired snapshots and orphans, never versions of an object.
                ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                *files,
            ),
            catalog_statement(self, "DescribeTables", [*live, *rebuilt], write=True, drop=True),
            allow("PlaceOfARebuild", ["glue:UpdateDatabase"], catalog, *copies),
            allow(
                "Ledger",
                ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                storage.watermarks.table_arn,
            ),
            allow(
                "JobMetrics",
                ["cloudwatch:PutMetricData"],
                "*",  # the action knows no resource; the namespace narrows it
                conditions={
                    "StringEquals": {"cloudwatch:namespace": [self._stage.metrics_namespace]}
                },
            ),
        ]

    def _workgroup(self) -> athena.CfnWorkGroup:
        key = self._storage.key
        return athena.CfnWorkGroup(
            self,
            "Queries",
            name=self._stage.prefix,
            recursive_delete_option=self._stage.data.may_die,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=self._stage.athena.scan_limit_mib * 1024 * 1024,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self._storage.results.bucket_name}/athena/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS" if key else "SSE_S3",
                        kms_key=key.key_arn if key else None,
                    ),
                ),
            ),
        )

    def _role(self, construct_id: str, what: str, log_groups: str) -> iam.Role:
        role = iam.Role(
            self,
            construct_id,
            description=what,
            assumed_by=iam.ServicePrincipal("glue.amazonaws.com"),
        )
        groups = self.format_arn(
            service="logs",
            resource="log-group",
            resource_name=log_groups,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        role.add_to_policy(allow("Logs", actions, groups))
        return role


def _modules(contracts: Path) -> str:
    """Directory with the packages that the job imports; CDK zips it for `--extra-py-files`."""
    files = placed(source_files(ROOT / "lakehouse", ROOT / "glue_scripts"), contracts)
    target = BUILD / f"glue-{digest(files)}"
    if not target.is_dir():
        unfinished = unfinished_of(target)
        copy_sources(files, unfinished)
        finish(unfinished, target)
    return str(target)
