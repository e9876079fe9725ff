"""Entry of the Glue job: for each contract the waiting batches to silver, then gold.

A table that fails stays as it was; the others go on, and the run fails at the end naming it.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

import boto3
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark import SparkContext, StorageLevel
from pyspark.sql import DataFrame, SparkSession

from glue_scripts import (
    bronze,
    foreign,
    gold,
    jvm_names,
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
from lakehouse.errors import (
    ConfigurationError,
    MergeError,
    OwnGoldError,
    QualityError,
    ReconciliationError,
)
from lakehouse.gold import (
    QUARANTINE,
    QUARANTINE_COLUMNS,
    gold_tables,
    identifier,
    is_shop,
    silver_tables,
)
from lakehouse.ledger import Batch
from lakehouse.ledger_client import Ledger
from lakehouse.own_gold import load_own_gold
from lakehouse.reconciliation import Outcome, skipped
from lakehouse.spark_conf import SMALL, SMALL_ROWS, large

logger = logging.getLogger("merge")

T = TypeVar("T")

SIDE_BY_SIDE = 4
"""Tables that are merged at once: of two, one would wait for the catalog while the other plans."""

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
    "metrics_namespace",
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
    """Few rows wait. They are held without the way they were made, which Spark would plan again for
    each statement over them: that takes longer than the work."""
    repaired: frozenset[str] = frozenset()
    """What an operator asked to be made anew by this run."""
    failures: dict[str, Exception] = field(default_factory=dict)
    newest: dict[str, DataFrame] = field(default_factory=dict)
    """The newest living rows that arrived, of the tables whose rules refer to other tables."""
    shared: threading.Lock = field(default_factory=threading.Lock)
    """Held where tables that are merged side by side meet: all write to the one quarantine."""


def ensure_tables(run: Run, contracts: dict[str, TableContract]) -> None:
    """Makes every table that a reader may ask for, empty where nothing has arrived."""
    in_silver, in_gold = run.arguments["silver_database"], run.arguments["gold_database"]
    derived = {
        identifier(in_gold, name): columns for name, columns in gold_tables(contracts).items()
    }
    wanted = {identifier(in_silver, QUARANTINE): QUARANTINE_COLUMNS}
    for contract in contracts.values():
        for table, columns in silver_tables(contract).items():
            wanted[identifier(in_silver, table)] = columns
    tables.ensure(run.spark, wanted, derived)


@dataclass(frozen=True)
class Waiting:
    """What of a table is not in silver yet, and up to which batch it is."""

    merged: int
    batches: list[Batch]


def look_at(run: Run, contract: TableContract) -> Waiting:
    """The table's waiting batches; raises where its silver tables are not as the job left them."""
    database = run.arguments["silver_database"]
    marks = tables.marks(run.spark, identifier(database, contract.table))
    merged = int(marks.get(tables.MERGED, 0))
    reconciled = int(marks.get(tables.RECONCILED, merged))
    # what gold may count on, whatever the mark says
    run.merged[contract.table] = min(merged, reconciled)
    if reconciled < merged:
        raise ReconciliationError(skipped(contract.table, reconciled, merged))
    if contract.table not in run.repaired:
        for name in silver_tables(contract):
            if change := foreign.foreign_change(run.spark, contract, identifier(database, name)):
                raise ReconciliationError(change)
    known = run.ledger.batches(contract.table, merged)
    return Waiting(merged, bronze.pending_batches(contract.table, known, merged))


def merge_table(run: Run, contract: TableContract) -> None:
    """Brings one table's waiting batches to silver and compares; raises naming what is wrong."""
    merge_batches(run, contract, look_at(run, contract))


def merge_batches(run: Run, contract: TableContract, waiting: Waiting) -> None:
    """Merges and compares what `look_at` found.

    Until batches are merged and reconciled they go on waiting: the next run does both again.
    """
    database, merged, batches = run.arguments["silver_database"], waiting.merged, waiting.batches
    if any(batch.files or batch.quarantine_files for batch in batches):
        started = time.monotonic()
        bucket, hashed = run.arguments["bronze_bucket"], run.hashed[contract.table]
        run.compared[contract.table] = Outcome(contract.table, batches[0].name, batches[-1].name)
        landed.check_objects(boto3.client("s3"), bucket, contract, batches, run.ledger)
        arrived = bronze.read_files(run.spark, contract, batches, bucket)
        if run.is_small:
            arrived = arrived.localCheckpoint()
        counted = landed.counted(hashed, arrived)
        landed.check_rows(hashed, batches, arrived, counted)
        count = sum(number for number, _ in counted.values())
        is_once = bronze.has_each_key_once(contract, batches, arrived, count)
        if is_once:  # a load may be large: what need not be brought together by key is not
            rows = newest = arrived
        else:
            rows, newest = bronze.deduplicate(contract, arrived), bronze.newest(contract, arrived)
        if run.is_small:
            rows, newest = rows.localCheckpoint(), newest.localCheckpoint()
        elif not is_once:
            rows = rows.persist(StorageLevel.MEMORY_AND_DISK)
        try:
            checked = quality.check(run.context, contract, rows, newest)
            run.outcomes[contract.table] = checked.outcomes
            if quality.references(contract):
                run.newest[contract.table] = newest
            _judge(run.arguments["quality_mode"], contract, checked.failed)
            if checked.bad is not None and run.is_small:
                good, bad = checked.good.localCheckpoint(), checked.bad.localCheckpoint()
                checked = replace(checked, good=good, bad=bad)
            held_back = bronze.read_quarantine(run.spark, contract, batches, bucket)
            with run.shared:
                quality.quarantine(run.spark, contract, checked, held_back, database)
            silver.merge_rows(run.spark, contract, checked.good, database, is_once=is_once)
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
            count,
            time.monotonic() - started,
        )
    if batches:
        merged = batches[-1].batch_id
        target, *others = [identifier(database, name) for name in silver_tables(contract)]
        for name in others:
            tables.mark_all(run.spark, name, foreign.seal(run.spark, name))
        marks = {tables.RECONCILED: str(merged), tables.MERGED: str(merged)}
        tables.mark_all(run.spark, target, marks | foreign.seal(run.spark, target))
        run.merged[contract.table] = merged
    if merged:
        # Also without news: a job killed between the two marks left the copy behind.
        run.ledger.mark_merged(contract.table, merged, tuple(contract.columns))


def _repair(run: Run, contracts: dict[str, TableContract]) -> None:
    """Does what `--repair` asks for: names of tables, or `gold`, joined by commas."""
    for name in sorted(run.repaired):
        if name in contracts:
            repair.start_over(run.spark, contracts[name], run.arguments["silver_database"])
        elif name != repair.GOLD_ITSELF:
            known = ", ".join([*contracts, repair.GOLD_ITSELF])
            raise ConfigurationError(f"--repair {name}: no such table; known: {known}")


def _alone(run: Run, contract: TableContract, work: Callable[[], T]) -> T | None:
    """Does a part of one table's work; what it raises fails that table and no other."""
    try:
        return work()
    except Exception as failure:
        logger.exception("%s failed", contract.table)
        run.failures[contract.table] = failure
        return None


def _merge_all(run: Run, contracts: dict[str, TableContract]) -> None:
    """Merges side by side: a small delta waits for the catalog and S3 more than for processors."""

    def look(contract: TableContract) -> Waiting | None:
        return _alone(run, contract, lambda: look_at(run, contract))

    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        looked = pool.map(look, contracts.values())
        found = {name: one for name, one in zip(contracts, looked, strict=True) if one}
        rows = sum(batch.rows for waiting in found.values() for batch in waiting.batches)
        run.is_small = rows <= SMALL_ROWS
        cores = run.spark.sparkContext.defaultParallelism
        tables.set_all(run.spark, SMALL if run.is_small else large(cores))

        def merge(contract: TableContract) -> None:
            _alone(run, contract, lambda: merge_batches(run, contract, found[contract.table]))

        list(pool.map(merge, [contracts[name] for name in found]))


def _judge(mode: str, contract: TableContract, failed: list[quality.Outcome]) -> None:
    for outcome in failed:
        text = f"{contract.table}: rule {outcome.rule} failed: {outcome.failure_reason}"
        if mode == "stop":
            raise QualityError(text)
        logger.warning(text)


def _check_references(run: Run, contracts: dict[str, TableContract]) -> None:
    """Judges the rules about other tables, now that all have their batches, and publishes all.

    Their failures warn only: the other table's window may end before the partner came.
    """
    silver = run.arguments["silver_database"]
    for name, newest in run.newest.items():
        contract = contracts[name]
        found = quality.check_references(run.context, contract, newest, silver)
        run.outcomes[name] += found
        _judge("warn", contract, [outcome for outcome in found if outcome.outcome == "Failed"])
    gold = run.arguments["gold_database"]
    quality.publish(run.spark, run.outcomes, run.arguments["run_id"], gold)


def main(argv: list[str]) -> None:
    """Runs the job; raises MergeError naming each table that failed and why."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    arguments = getResolvedOptions(argv, list(ARGUMENTS))
    jvm_names.remember_jvm_names()
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
    _merge_all(run, contracts)
    in_silver, in_gold = arguments["silver_database"], arguments["gold_database"]
    with ThreadPoolExecutor(max_workers=1) as beside:
        judged = beside.submit(_check_references, run, contracts)
        try:
            gold.refresh(
                run.spark, contracts, run.merged, arguments["run_id"], in_silver, in_gold,
                own=load_own_gold(), anew=bool(run.repaired),
            )  # fmt: skip
        except OwnGoldError as failed:
            run.failures.update(failed.failures)
        judged.result()
    if is_shop(contracts):
        run.compared["gold"] = Outcome("gold", "", "")
        try:
            totals.check_gold(run.spark, in_silver, in_gold)
        except ReconciliationError as failure:
            run.failures["gold"] = failure
    trust.tell(
        run.spark,
        run.compared,
        run.failures,
        arguments["run_id"],
        in_gold,
        arguments["metrics_namespace"],
        len(contracts),
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
