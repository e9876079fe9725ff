"""Upkeep of silver and gold: maintenance on a schedule of its own, a rebuild when asked for."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lakehouse.settings import Stage
from stacks.blocks.filling import fill
from stacks.blocks.scheduled_machine import ScheduledMachine
from stacks.blocks.statements import allow
from stacks.source import SourceStack
from stacks.storage import StorageStack
from stacks.transform import TransformStack, job_seconds

DEFINITION = Path(__file__).parent / "upkeep.asl.json"


class UpkeepStack(cdk.Stack):
    """State machine, its role and its schedule."""

    machine: sfn.StateMachine
    """Takes the lease of the runs, starts the job with a task, gives the lease back."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        source: SourceStack,
        storage: StorageStack,
        transform: TransformStack,
        **kwargs: object,
    ):
        super().__init__(scope, construct_id, **kwargs)  # type: ignore[arg-type]
        job = self.format_arn(service="glue", resource="job", resource_name=transform.job.ref)
        runs = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
        lease = allow("Lease", ["dynamodb:UpdateItem"], storage.watermarks.table_arn)
        self.machine = ScheduledMachine(
            self,
            "Upkeep",
            stage=stage,
            name=f"{stage.prefix}-upkeep",
            definition=_definition(stage, storage, transform),
            statements=[lease, allow("RunTheJob", runs, job)],
            schedule=stage.maintenance.schedule,
            schedule_name=f"{stage.prefix}-maintenance",
            dead_letters=source.dead_letters,
        )
        cdk.CfnOutput(self, "UpkeepMachineArn", value=self.machine.state_machine_arn)


def _definition(stage: Stage, storage: StorageStack, transform: TransformStack) -> object:
    keep = stage.maintenance
    seconds = job_seconds(stage)
    # A run gives its lease back, or lets it expire, within its own time.
    wait_seconds = stage.pipeline.run_timeout_minutes * 60 + 120
    return fill(
        json.loads(DEFINITION.read_text()),
        {
            "TotalSeconds": wait_seconds + seconds,
            "LeaseSeconds": seconds + 60,
            "JobSeconds": seconds,
            "PollSeconds": stage.pipeline.poll_seconds,
            "WatermarkTable": storage.watermarks.table_name,
            "GlueJob": transform.job.ref,
            "KeepSnapshots": str(keep.keep_snapshots),
            "KeepHours": str(keep.keep_hours),
            "OrphanHours": str(keep.orphan_hours),
            "FileMib": str(keep.file_mib),
        },
    )
