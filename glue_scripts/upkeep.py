"""The job's other tasks: `--task maintain` and `--task rebuild`. Each leaves a report in S3."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from awsglue.utils import getResolvedOptions

from glue_scripts import maintenance, rebuild
from lakehouse.contract import TableContract
from lakehouse.errors import RebuildError
from lakehouse.gold import identifier

if TYPE_CHECKING:
    from glue_scripts.job import Run

logger = logging.getLogger(__name__)

Ensure = Callable[["Run", Mapping[str, TableContract]], None]
Merge = Callable[["Run", TableContract], None]


def perform(
    argv: Sequence[str],
    run: "Run",
    contracts: Mapping[str, TableContract],
    ensure: Ensure,
    merge: Merge,
) -> None:
    """Does the task that `--task` names; raises when tables are not what they should be."""
    task = getResolvedOptions(argv, ["task"])["task"]
    if task == "maintain":
        _maintain(argv, run)
    elif task == "rebuild":
        ensure(run, contracts)
        _rebuild(argv, run, contracts, ensure, merge)
    else:
        raise ValueError(f"--task {task} is none of: maintain, rebuild")


def _maintain(argv: Sequence[str], run: "Run") -> None:
    names = ("keep_snapshots", "keep_hours", "orphan_hours", "file_mib")
    given = getResolvedOptions(argv, list(names))
    glue, there = boto3.client("glue"), {}
    for layer in rebuild.LAYERS:
        database = run.arguments[f"{layer}_database"]
        pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
        found = [table for page in pages for table in page["TableList"]]
        iceberg = [t["Name"] for t in found if "metadata_location" in t.get("Parameters", {})]
        there[layer] = [identifier(database, name) for name in sorted(iceberg)]
    rebuild.drop_copies(run, glue)
    keep = maintenance.Keep(*(int(given[name]) for name in names))
    kept = maintenance.maintain(run.spark, there["silver"], there["gold"], keep, datetime.now(UTC))
    for one in kept:
        logger.info("%s", one)
    _report(run, "maintain", [asdict(one) for one in kept])


def _rebuild(
    argv: Sequence[str],
    run: "Run",
    contracts: Mapping[str, TableContract],
    ensure: Ensure,
    merge: Merge,
) -> None:
    given = getResolvedOptions(argv, ["swap", "step"])
    glue = boto3.client("glue")
    found = rebuild.rebuild(run, contracts, ensure, merge, int(given["step"]), glue)
    differing = [one for one in found if not one.equal]
    is_swapped = given["swap"] == "1"
    _report(run, "rebuild", [{"equal": one.equal, "told": str(one)} for one in found])
    if is_swapped:
        rebuild.swap(run, found, glue)
    elif not differing:
        rebuild.drop_copies(run, glue)
    if differing and not is_swapped:
        told = "; ".join(str(one) for one in differing)
        raise RebuildError(f"{told}. Swap the copies in with: make rebuild SWAP=1")


def _report(run: "Run", task: str, rows: list[dict[str, Any]]) -> None:
    boto3.client("s3").put_object(
        Bucket=run.arguments["gold_bucket"],
        Key=f"upkeep/{task}/{run.arguments['run_id']}.json",
        Body=json.dumps(rows, indent=2).encode(),
    )
