"""Entry of the Glue job: for each contract the waiting batches to silver, then gold.

A table that fails stays as it was; the others go on, and the run fails at the end naming it.
"""

import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import boto3
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark import SparkContext, StorageLevel
from pyspark.sql import SparkSession

from glue_scripts import bronze, gold, quality, silver, tables
from lakehouse.columns import BATCH_ID
from lakehouse.contract import TableContract, load_contracts
from lakehouse.errors import MergeError, QualityError
from lakehouse.gold import (
    GOLD,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    identifier,
    silver_columns,
    transition_columns,
)
from lakehouse.ledger_client import Ledger
from lakehouse.quality.ruleset import load_ruleset

logger = logging.getLogger("merge")

ARGUMENTS = (
    "JOB_NAME",
    "run_id",
    "watermark_table",
    "bronze_bucket",
    "silver_bucket",
    "gold_bucket",
    "silver_database",
    "gold_database",
    "quality_mode",
)


@dataclass
class Run:
    """One run of the job: its arguments, its clients, and what it found."""

    arguments: dict[str, str]
    context: GlueContext
    spark: SparkSession
    ledger: Ledger
    outcomes: dict[str, list[quality.Outcome]] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    shared: threading.Lock = field(default_factory=threading.Lock)
    """Held where tables that are merged side by side would meet: the rules' evaluation names its
    frame for the session, and all write to the one quarantine."""


def ensure_tables(run: Run, contracts: dict[str, TableContract]) -> None:
    """Makes every table that a reader may ask for, empty where nothing has arrived."""
    in_silver, in_gold = run.arguments["silver_database"], run.arguments["gold_database"]
    derived = {identifier(in_gold, name): columns for name, columns in GOLD.items()}
    wanted = {identifier(in_silver, QUARANTINE): QUARANTINE_COLUMNS}
    for contract in contracts.values():
        wanted[identifier(in_silver, contract.table)] = silver_columns(contract)
        if contract.transitions_table:
            name = identifier(in_silver, contract.transitions_table)
            wanted[name] = transition_columns(contract)
    tables.ensure(run.spark, wanted, derived)


def merge_table(run: Run, contract: TableContract) -> None:
    """Brings one table's waiting batches to silver; raises and leaves the table as it was."""
    database = run.arguments["silver_database"]
    target = identifier(database, contract.table)
    merged = int(tables.read_mark(run.spark, target, tables.MERGED) or 0)
    run.merged[contract.table] = merged
    batches = bronze.pending_batches(
        contract.table, run.ledger.batches(contract.table, merged), merged
    )
    if any(batch.files or batch.quarantine_files for batch in batches):
        started = time.monotonic()
        landed = bronze.read_files(run.spark, contract, batches, run.arguments["bronze_bucket"])
        counted = {row[0]: row[1] for row in landed.groupBy(BATCH_ID).count().collect()}
        bronze.check_complete(contract, batches, counted)
        rows = bronze.deduplicate(contract, landed).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            newest = bronze.newest(contract, landed)
            with run.shared:
                checked = quality.check(run.context, contract, load_ruleset(contract), rows, newest)
            run.outcomes[contract.table] = checked.outcomes
            _judge(run.arguments["quality_mode"], contract, checked)
            held_back = bronze.read_quarantine(
                run.spark, contract, batches, run.arguments["bronze_bucket"]
            )
            with run.shared:
                quality.quarantine(run.spark, contract, checked, held_back, database)
            silver.merge_rows(run.spark, contract, checked.good, database)
        finally:
            rows.unpersist()
        logger.info(
            "%s: merged %d batch(es) up to %s, %d rows, in %.1f s",
            contract.table,
            len(batches),
            batches[-1].name,
            sum(counted.values()),
            time.monotonic() - started,
        )
    if batches:
        merged = batches[-1].batch_id
        tables.mark(run.spark, target, tables.MERGED, str(merged))
        run.merged[contract.table] = merged
    if merged:
        # Also without news: a job killed between the two marks left the copy behind.
        run.ledger.mark_merged(contract.table, merged)


def _try_to_merge(run: Run, contract: TableContract) -> None:
    try:
        merge_table(run, contract)
    except Exception as failure:
        logger.exception("%s failed and stays as it was", contract.table)
        run.failures[contract.table] = failure


def _judge(mode: str, contract: TableContract, checked: quality.Checked) -> None:
    for outcome in checked.failed:
        text = f"{contract.table}: rule {outcome.rule} failed: {outcome.failure_reason}"
        if mode == "stop":
            raise QualityError(text)
        logger.warning(text)


def main(argv: list[str]) -> None:
    """Runs the job; raises MergeError naming each table that failed and why."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    arguments = getResolvedOptions(argv, list(ARGUMENTS))
    context = GlueContext(SparkContext.getOrCreate())
    job = Job(context)
    job.init(arguments["JOB_NAME"], arguments)
    ledger = Ledger(boto3.client("dynamodb"), arguments["watermark_table"])
    run = Run(arguments, context, context.spark_session, ledger)
    contracts = {
        name: contract.with_columns(ledger.watermark(name, contract.cursor).added_columns)
        for name, contract in load_contracts().items()
    }
    run.merged = dict.fromkeys(contracts, 0)
    ensure_tables(run, contracts)
    # Side by side: a small delta waits for the catalog and S3 more than for the processors.
    with ThreadPoolExecutor(max_workers=len(contracts)) as pool:
        list(pool.map(lambda contract: _try_to_merge(run, contract), contracts.values()))
    in_gold = arguments["gold_database"]
    quality.publish(run.spark, run.outcomes, arguments["run_id"], in_gold)
    gold.refresh(
        run.spark, contracts, run.merged, arguments["run_id"], arguments["silver_database"], in_gold
    )
    if run.failures:
        failures = sorted(run.failures.items())
        causes = [f"{table}: {_summary(failure)}" for table, failure in failures]
        raise MergeError("; ".join(causes)) from next(iter(run.failures.values()))
    job.commit()


def _summary(failure: Exception) -> str:
    lines = str(failure).strip().splitlines() or [""]
    return f"{type(failure).__name__}: {lines[0]}"


if __name__ == "__main__":
    main(sys.argv)
