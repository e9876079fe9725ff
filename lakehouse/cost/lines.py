"""The lines of an estimate: counts of a month times prices, each with how it comes about. Pure.

The constants are assumptions, not measurements in an account.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lakehouse import prices
from lakehouse.cost import workload as assumed
from lakehouse.cost.inventory import Host, Inventory
from lakehouse.cost.workload import Volume, Workload
from lakehouse.errors import ConfigurationError
from lakehouse.measures import TABLES_APART
from lakehouse.prices import Usage
from lakehouse.settings import Stage

INGEST_SECONDS: Final = 4
"""Of one call, its cold start included: after a quarter of an hour no process is warm."""
INGEST_DISK_MIB: Final = 2048
SMALL_SECONDS: Final = 3
"""Of a call of the generator or the receipt, likewise."""
INGEST_METRICS: Final = 1
"""By table: the rows. Rows held back and a held horizon have a value only where there are some."""
GENERATOR_METRICS: Final = 6
LOG_KIB_PER_CALL: Final = 4
LOG_MIB_PER_JOB: Final = 5
LOG_COMPRESSED: Final = Decimal("0.15")
BRONZE_BYTES_PER_ROW: Final = 100
BRONZE_KIB_PER_FILE: Final = 10
LAKE_TIMES_BRONZE: Final = 4
"""Bronze itself; silver, gold and the snapshots that are kept come to three times as much."""
PUTS: Final = {"run": 5, "query": 2, "merge": 100, "maintenance": 200}
"""A receipt is one row of an Iceberg table; every query leaves its result and a description."""
GETS: Final = {"query": 20, "merge": 2_000, "maintenance": 5_000}
LEDGER_WRITES_PER_RUN: Final = 2
LEDGER_WRITES_PER_TABLE: Final = 4
"""Of a merge: what it took and where it ended."""
STATES: Final = {
    "run": 8,
    "table": 3,
    "live view": 2,
    "working": 4,
    "merge": 3,
    "crawl": 2,
    "maintenance": 3,
}
"""State transitions by the definitions: of any run and its tables, and what comes on top."""
STATES_PER_LOOK: Final = 3
"""Wait for the crawler, look at it, decide."""
LOAD_BALANCER_UNITS: Final = Decimal("0.05")
"""A few readers: a unit is 25 new connections a second, or 3,000 at once."""
BALANCER_ZONES: Final = 2
_GIB: Final = 1024**3


@dataclass(frozen=True)
class Item:
    """One line: a service's dollars in a month, and how they come about."""

    service: str
    dollars: Decimal
    how: str


def month(
    stage: Stage, found: Inventory, work: Workload, volume: Volume, tables: int, views: int
) -> tuple[Item, ...]:
    """All lines, in the order of the data's path; dollars are not rounded."""
    return (
        *_database(stage, found),
        _step_functions(stage, work, tables, views),
        _lambda(stage, work),
        _crawler(work),
        _merge(stage, work),
        _maintenance(stage, work),
        _athena(work),
        *_s3(work, volume, tables, views),
        _dynamodb(work, tables, volume),
        _logs(work, volume),
        _metrics(stage, work, tables, found),
        *_small(work, found),
        *_host(found, volume if work.rows else Volume(0, watched_hours=0)),
    )


def _database(stage: Stage, found: Inventory) -> tuple[Item, ...]:
    if not found.databases:
        return ()
    source = stage.source
    try:
        instance, storage = prices.database(
            source.instance_class, source.storage_gib, multi_az=source.multi_az
        )
    except KeyError:
        raise ConfigurationError(
            f"stages/{stage.name}.toml: 'source.instance_class' {source.instance_class} has no "
            f"price; add it to RDS_HOUR in lakehouse/prices.py, from {prices.PAGES[0]}"
        ) from None
    how = f"{source.instance_class}, 730 hours, {'two zones' if source.multi_az else 'one zone'}"
    kept = f"{source.storage_gib} GiB gp3; backups of {source.backup_days} days are free up to that"
    return Item("RDS instance", instance, how), Item("RDS storage", storage, kept)


def _step_functions(stage: Stage, work: Workload, tables: int, views: int) -> Item:
    looks = -(-assumed.CRAWL_SECONDS // stage.pipeline.poll_seconds)
    count = (
        work.runs * (STATES["run"] + STATES["table"] * tables)
        + 2 * (work.ingest_calls - work.runs * tables)
        + work.working_runs * STATES["working"]
        + work.batches * STATES["live view"]  # each is followed by its live view
        + work.merges * (STATES["merge"] + views + STATES["live view"] * tables)
        + work.crawls * (STATES["crawl"] + STATES_PER_LOOK * looks + tables)
        + work.maintenances * STATES["maintenance"]
    )
    how = f"{count:.0f} transitions, {work.runs:.0f} runs, {work.working_runs:.0f} find new rows"
    return Item("Step Functions", count * prices.STATE_TRANSITION, how)


def _lambda(stage: Stage, work: Workload) -> Item:
    functions = stage.functions
    ingest = Usage(
        lambda_seconds=INGEST_SECONDS,
        lambda_calls=1,
        lambda_memory_mib=functions.ingest_memory_mib,
        lambda_architecture=functions.machine,
        lambda_disk_mib=INGEST_DISK_MIB,
    )
    small = Usage(
        lambda_seconds=SMALL_SECONDS,
        lambda_calls=1,
        lambda_memory_mib=functions.generator_memory_mib,
        lambda_architecture=functions.machine,
    )
    others = work.generator_calls + work.working_runs
    dollars = work.ingest_calls * prices.function(ingest) + others * prices.function(small)
    how = (
        f"{work.ingest_calls:.0f} ingests of {INGEST_SECONDS} s at {functions.ingest_memory_mib} "
        f"MiB, {others:.0f} generator and receipt calls of {SMALL_SECONDS} s"
    )
    return Item("Lambda", dollars, how)


def _merge(stage: Stage, work: Workload) -> Item:
    dollars = work.merges * prices.glue(_job(stage, work.merge_seconds))
    how = f"{work.merges:.0f} merges of {work.merge_seconds} s, {_workers(stage)}"
    return Item("Glue job for merges", dollars, how)


def _maintenance(stage: Stage, work: Workload) -> Item:
    seconds = assumed.MAINTENANCE_SECONDS
    how = f"{work.maintenances:.0f} runs of {seconds} s, {_workers(stage)}"
    one = prices.glue(_job(stage, Decimal(seconds)))
    return Item("Glue job for upkeep", work.maintenances * one, how)


def _job(stage: Stage, seconds: Decimal) -> Usage:
    glue = stage.glue
    if glue.worker_type not in prices.DPU_OF_WORKER:
        raise ConfigurationError(
            f"stages/{stage.name}.toml: 'glue.worker_type' {glue.worker_type} has no price; "
            f"choose one of {', '.join(prices.DPU_OF_WORKER)}"
        )
    return Usage(float(seconds), glue.workers, glue.worker_type, glue.execution_class)


def _workers(stage: Stage) -> str:
    return f"{stage.glue.workers} {stage.glue.worker_type} workers, {stage.glue.execution_class}"


def _crawler(work: Workload) -> Item:
    dollars = work.crawls * prices.crawler(assumed.CRAWL_SECONDS)
    return Item("Glue crawler", dollars, f"{work.crawls:.0f} crawls, each 10 minutes at least")


def _athena(work: Workload) -> Item:
    # Views are refreshed by DDL, which is free; a receipt's INSERT counts as the least query.
    count = work.queries + work.working_runs
    how = (
        f"{work.queries:.0f} queries of the dashboard, {work.working_runs:.0f} receipts; 10 MB each"
    )
    return Item("Athena", count * prices.query(prices.ATHENA_MINIMUM_BYTES), how)


def _s3(work: Workload, volume: Volume, tables: int, views: int) -> tuple[Item, ...]:
    a_month = (
        work.rows * BRONZE_BYTES_PER_ROW + work.batches * BRONZE_KIB_PER_FILE * 1024
    ) * LAKE_TIMES_BRONZE
    gib = a_month * volume.months / _GIB
    statements = work.queries + work.batches + work.working_runs + work.merges * (views + tables)
    puts = (
        work.batches
        + work.working_runs * PUTS["run"]
        + statements * PUTS["query"]
        + work.merges * PUTS["merge"]
        + work.maintenances * PUTS["maintenance"]
    )
    gets = (
        statements * GETS["query"]
        + work.merges * GETS["merge"]
        + work.maintenances * GETS["maintenance"]
    )
    return (
        Item(
            "S3 storage",
            gib * prices.S3_GIB_MONTH,
            f"{gib:.1f} GiB: {volume.months} months of {work.rows:.0f} rows, bronze times "
            f"{LAKE_TIMES_BRONZE}",
        ),
        Item(
            "S3 requests",
            puts * prices.S3_PUT + gets * prices.S3_GET,
            f"{puts:.0f} writes, {gets:.0f} reads",
        ),
    )


def _dynamodb(work: Workload, tables: int, volume: Volume) -> Item:
    batch = prices.dynamodb(Usage(batches=1))
    write, call = prices.DYNAMODB_WRITE, prices.LEDGER_READS_PER_CALL * prices.DYNAMODB_READ
    writes = work.runs * LEDGER_WRITES_PER_RUN + work.merges * LEDGER_WRITES_PER_TABLE * tables
    kept = work.batches * volume.months / 1024**2 * prices.DYNAMODB_GIB_MONTH
    dollars = work.batches * batch + writes * write + work.ingest_calls * call + kept
    return Item("DynamoDB", dollars, f"{work.batches:.0f} batches of the ledger, a KiB each, kept")


def _logs(work: Workload, volume: Volume) -> Item:
    calls = work.ingest_calls + work.generator_calls + work.working_runs
    jobs = work.merges + work.maintenances
    gib = (calls * LOG_KIB_PER_CALL / 1024 + jobs * LOG_MIB_PER_JOB) / 1024
    stored = gib * volume.months * LOG_COMPRESSED * prices.LOG_STORED_GIB_MONTH
    how = f"{gib:.2f} GiB: {LOG_KIB_PER_CALL} KiB a call, {LOG_MIB_PER_JOB} MiB a job"
    return Item("CloudWatch logs", gib * prices.LOG_INGESTED_GIB + stored, how)


def _metrics(stage: Stage, work: Workload, tables: int, found: Inventory) -> Item:
    # A metric is billed by the hours in which it has a value.
    calls = (work.runs, work.generator_calls, work.merges, work.working_runs)
    hourly = [min(count / prices.MONTH_HOURS, Decimal(1)) for count in calls]
    # a merge also compares gold; a run that did something tells its dollars
    apart = tables if tables <= TABLES_APART else 0
    counts = (INGEST_METRICS * (apart or 1), GENERATOR_METRICS, apart + 1, 1)
    metrics = sum((n * share for n, share in zip(counts, hourly, strict=True)), Decimal())
    boards = max(found.dashboards - prices.DASHBOARDS_FREE, 0)
    dollars = (
        metrics * prices.CUSTOM_METRIC_MONTH
        + found.alarm_metrics * prices.ALARM_METRIC_MONTH
        + found.composite_alarms * prices.COMPOSITE_ALARM_MONTH
        + boards * prices.DASHBOARD_MONTH
    )
    how = (
        f"{metrics:.1f} metrics of {stage.name}, {found.alarm_metrics} alarm metrics, "
        f"{found.dashboards} dashboards (3 are free)"
    )
    return Item("CloudWatch metrics", dollars, how)


def _endpoints(found: Inventory) -> tuple[Item, ...]:
    """Of Secrets Manager, where a database is logged in to by a secret."""
    if not found.endpoint_zones:
        return ()
    dollars = found.endpoint_zones * prices.MONTH_HOURS * prices.INTERFACE_ENDPOINT_HOUR
    return (Item("Interface endpoints", dollars, f"in {found.endpoint_zones} zones"),)


def _small(work: Workload, found: Inventory) -> tuple[Item, ...]:
    traces = work.runs + work.generator_calls + work.maintenances
    return (
        Item("X-Ray", traces * prices.TRACE, f"{traces:.0f} traces"),
        Item("EventBridge Scheduler", traces * prices.SCHEDULE_CALL, f"{traces:.0f} calls"),
        Item("Secrets Manager", found.secrets * prices.SECRET_MONTH, f"{found.secrets} secrets"),
        *_endpoints(found),
        Item("KMS", found.keys * prices.KEY_MONTH, f"{found.keys} keys of our own"),
    )


def _host(found: Inventory, volume: Volume) -> tuple[Item, ...]:
    """What runs the dashboard, if the stage has it; its image and its traffic are cents."""
    watched = min(volume.watched_hours, 24) * assumed.DAYS
    lines: list[Item] = []
    if host := found.app_runner:
        memory = host.memory_gb * prices.MONTH_HOURS * prices.APP_RUNNER_GB_HOUR
        active = host.processors * watched * prices.APP_RUNNER_CPU_HOUR
        how = f"{_size(host)}, {watched:.0f} hours with a page open"
        lines.append(Item("Dashboard on App Runner", memory + active, how))
    if host := found.fargate:
        hour = host.processors * prices.FARGATE_CPU_HOUR + host.memory_gb * prices.FARGATE_GB_HOUR
        lines.append(
            Item("Dashboard on Fargate", hour * prices.MONTH_HOURS, f"{_size(host)}, 730 hours")
        )
    if found.load_balancers:
        hour = prices.LOAD_BALANCER_HOUR + prices.LOAD_BALANCER_UNIT_HOUR * LOAD_BALANCER_UNITS
        dollars = found.load_balancers * hour * prices.MONTH_HOURS
        lines.append(Item("Load balancer", dollars, f"730 hours, {LOAD_BALANCER_UNITS} units"))
        addresses = found.load_balancers * BALANCER_ZONES + 1
        dollars = addresses * prices.PUBLIC_ADDRESS_HOUR * prices.MONTH_HOURS
        how = f"{addresses}: the load balancer's in each zone, the task's"
        lines.append(Item("Public addresses", dollars, how))
    return tuple(lines)


def _size(host: Host) -> str:
    return f"{host.processors.normalize():f} vCPU, {host.memory_gb.normalize():f} GB"
