"""Entry of the Glue job: for each contract the waiting batches to silver, then gold.

A table that fails stays as it was; the others go on, and the run fails at the end naming it.
"""

import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import boto3
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark import SparkContext
from pyspark.sql import SparkSession

from glue_scripts import (
    bronze,
    foreign,
    gold,
    landed,
    quality,
    reconciliation,
    repair,
    silver,
    tables,
    totals,
    trust,
    upkeep,
)
from lakehouse.contract import TableContract, load_contracts
from lakehouse.errors import ConfigurationError, MergeError, QualityError, ReconciliationError
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
from lakehouse.reconciliation import Outcome, skipped
from lakehouse.spark_conf import SMALL, SMALL_ROWS

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
    hashed: dict[str, TableContract]
    """The contracts without added columns: what `_row_hash` is made from."""
    outcomes: dict[str, list[quality.Outcome]] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    compared: dict[str, Outcome] = field(default_factory=dict)
    is_small: bool = False
    """Few rows wait: planning takes longer than the work."""
    repaired: frozenset[str] = frozenset()
    """What an operator asked to be made anew by this run."""
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
    """Brings one table's waiting batches to silver and compares; raises naming what is wrong.

    Until batches are merged and reconciled they go on waiting: the next run does both again.
    """
    database = run.arguments["silver_database"]
    target = identifier(database, contract.table)
    marks = tables.marks(run.spark, target)
    merged = int(marks.get(tables.MERGED, 0))
    reconciled = int(marks.get(tables.RECONCILED, merged))
    # what gold may count on, whatever the mark says
    run.merged[contract.table] = min(merged, reconciled)
    if reconciled < merged:
        raise ReconciliationError(skipped(contract.table, reconciled, merged))
    held = [identifier(database, name) for name in _silver_tables(contract)]
    if contract.table not in run.repaired:
        for name in held:
            if change := foreign.foreign_change(run.spark, contract, name):
                raise ReconciliationError(change)
    batches = bronze.pending_batches(
        contract.table, run.ledger.batches(contract.table, merged), merged
    )
    if any(batch.files or batch.quarantine_files for batch in batches):
        started = time.monotonic()
        bucket, hashed = run.arguments["bronze_bucket"], run.hashed[contract.table]
        run.compared[contract.table] = Outcome(contract.table, batches[0].name, batches[-1].name)
        landed.check_objects(boto3.client("s3"), bucket, contract, batches, run.ledger)
        arrived = bronze.read_files(run.spark, contract, batches, bucket)
        if run.is_small:
            arrived = bronze.hold(arrived, is_small=True)
        counted = landed.counted(hashed, arrived)
        landed.check_rows(hashed, batches, arrived, counted)
        rows = bronze.hold(bronze.deduplicate(contract, arrived), run.is_small)
        try:
            rules, newest = load_ruleset(contract), bronze.newest(contract, arrived)
            with run.shared:
                checked = quality.check(run.context, contract, rules, rows, newest, database)
            run.outcomes[contract.table] = checked.outcomes
            _judge(run.arguments["quality_mode"], contract, checked)
            if checked.bad is not None and run.is_small:
                good, bad = (
                    bronze.hold(frame, is_small=True) for frame in (checked.good, checked.bad)
                )
                checked = replace(checked, good=good, bad=bad)
            held_back = bronze.read_quarantine(run.spark, contract, batches, bucket)
            with run.shared:
                quality.quarantine(run.spark, contract, checked, held_back, database)
            silver.merge_rows(run.spark, contract, checked.good, database)
            run.compared[contract.table] = reconciliation.reconcile(
                run.spark, hashed, batches, checked.good, checked.bad, database
            )
        finally:
            rows.unpersist()
        logger.info(
            "%s: merged %d batch(es) up to %s, %d rows, in %.1f s",
            contract.table,
            len(batches),
            batches[-1].name,
            sum(number for number, _ in counted.values()),
            time.monotonic() - started,
        )
    if batches:
        merged = batches[-1].batch_id
        for name in held[1:]:
            tables.mark_all(run.spark, name, foreign.seal(run.spark, name))
        marks = {tables.RECONCILED: str(merged), tables.MERGED: str(merged)}
        tables.mark_all(run.spark, target, marks | foreign.seal(run.spark, target))
        run.merged[contract.table] = merged
    if merged:
        # Also without news: a job killed between the two marks left the copy behind.
        run.ledger.mark_merged(contract.table, merged, tuple(contract.columns))


def _silver_tables(contract: TableContract) -> list[str]:
    return [name for name in (contract.table, contract.transitions_table) if name]


def _repair(run: Run, contracts: dict[str, TableContract]) -> None:
    """Does what `--repair` asks for: names of tables, or `gold`, joined by commas."""
    for name in sorted(run.repaired):
        if name in contracts:
            repair.start_over(run.spark, contracts[name], run.arguments["silver_database"])
        elif name != repair.GOLD_ITSELF:
            known = ", ".join([*contracts, repair.GOLD_ITSELF])
            raise ConfigurationError(f"--repair {name}: no such table; known: {known}")


def _waiting_rows(run: Run) -> int:
    waiting = 0
    for table in run.hashed:
        marks = tables.marks(run.spark, identifier(run.arguments["silver_database"], table))
        merged = int(marks.get(tables.MERGED, 0))
        batches = bronze.pending_batches(table, run.ledger.batches(table, merged), merged)
        waiting += sum(batch.rows for batch in batches)
    return waiting


def _waves(contracts: dict[str, TableContract]) -> list[list[TableContract]]:
    """The contracts, those whose rules refer to other tables after those."""
    waves: tuple[list[TableContract], list[TableContract]] = [], []
    for contract in contracts.values():
        waves[any(rule.references for rule in load_ruleset(contract))].append(contract)
    return [wave for wave in waves if wave]


def _try_to_merge(run: Run, contract: TableContract) -> None:
    try:
        merge_table(run, contract)
    except Exception as failure:
        logger.exception("%s failed: its batches go on waiting", contract.table)
        run.failures[contract.table] = failure


def _judge(mode: str, contract: TableContract, checked: quality.Checked) -> None:
    for outcome in (*checked.failed, *checked.warned):
        text = f"{contract.table}: rule {outcome.rule} failed: {outcome.failure_reason}"
        if mode == "stop" and outcome in checked.failed:
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
    hashed = load_contracts()
    run = Run(arguments, context, context.spark_session, ledger, hashed)
    contracts = {
        name: contract.with_columns(ledger.watermark(name, contract.cursor).added_columns)
        for name, contract in hashed.items()
    }
    run.merged = dict.fromkeys(contracts, 0)
    if "--task" in argv:
        upkeep.perform(argv, run, contracts, ensure_tables, merge_table)
        job.commit()
        return
    ensure_tables(run, contracts)
    if "--repair" in argv:
        run.repaired = frozenset(getResolvedOptions(argv, ["repair"])["repair"].split(","))
        _repair(run, contracts)
    run.is_small = _waiting_rows(run) <= SMALL_ROWS
    if run.is_small:
        for name, value in SMALL.items():
            run.spark.conf.set(name, value)
    for wave in _waves(contracts):
        # Side by side: a small delta waits for the catalog and S3 more than for the processors.
        with ThreadPoolExecutor(max_workers=len(contracts)) as pool:
            list(pool.map(lambda contract: _try_to_merge(run, contract), wave))
    in_silver, in_gold = arguments["silver_database"], arguments["gold_database"]
    quality.publish(run.spark, run.outcomes, arguments["run_id"], in_gold)
    gold.refresh(
        run.spark, contracts, run.merged, arguments["run_id"], in_silver, in_gold,
        anew=bool(run.repaired),
    )  # fmt: skip
    run.compared["gold"] = Outcome("gold", "", "")
    try:
        totals.check_gold(run.spark, in_silver, in_gold)
    except ReconciliationError as failure:
        run.failures["gold"] = failure
    trust.tell(run.spark, run.compared, run.failures, arguments["run_id"], in_gold)
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
