"""What AWS asks for the services that the platform uses, and what a run's figures come to. Pure.

List prices in US dollars of the region us-east-1; other regions differ by some percent. Monthly
free tiers are not deducted, since others of the account may have spent them; what is free by rule
is: backups as large as the database's storage, three dashboards. They make estimates, not a bill.
The receipt of a run and `make cost` both take them from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

REGION: Final = "us-east-1"
AS_OF: Final = "2025-12"
"""When the pages below were last compared with these figures."""
PAGES: Final = (
    "https://aws.amazon.com/rds/postgresql/pricing/",
    "https://aws.amazon.com/glue/pricing/",
    "https://aws.amazon.com/lambda/pricing/",
    "https://aws.amazon.com/step-functions/pricing/",
    "https://aws.amazon.com/athena/pricing/",
    "https://aws.amazon.com/s3/pricing/",
    "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    "https://aws.amazon.com/cloudwatch/pricing/",
    "https://aws.amazon.com/xray/pricing/",
    "https://aws.amazon.com/eventbridge/pricing/",
    "https://aws.amazon.com/secrets-manager/pricing/",
    "https://aws.amazon.com/kms/pricing/",
    "https://aws.amazon.com/apprunner/pricing/",
    "https://aws.amazon.com/fargate/pricing/",
    "https://aws.amazon.com/elasticloadbalancing/pricing/",
    "https://aws.amazon.com/vpc/pricing/",
    "https://aws.amazon.com/privatelink/pricing/",
)

MONTH_HOURS: Final = 730
"""Hours of a month, as AWS's own calculator counts them."""
RDS_HOUR: Final = {
    "db.t4g.micro": Decimal("0.016"),
    "db.t4g.small": Decimal("0.032"),
    "db.t4g.medium": Decimal("0.065"),
    "db.t4g.large": Decimal("0.129"),
    "db.m7g.large": Decimal("0.168"),
    "db.r7g.large": Decimal("0.239"),
}
"""PostgreSQL in one zone; a second zone doubles instance and storage."""
RDS_GP3_GIB_MONTH: Final = Decimal("0.115")
RDS_BACKUP_GIB_MONTH: Final = Decimal("0.095")
"""Of what is more than the database's storage."""
GLUE_DPU_HOUR: Final = {"STANDARD": Decimal("0.44"), "FLEX": Decimal("0.29")}
GLUE_MINIMUM_SECONDS: Final = 60
DPU_OF_WORKER: Final = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
CRAWLER_DPU_HOUR: Final = Decimal("0.44")
CRAWLER_DPUS: Final = 1
CRAWLER_MINIMUM_SECONDS: Final = 600
LAMBDA_GB_SECOND: Final = {"arm64": Decimal("0.0000133334"), "x86_64": Decimal("0.0000166667")}
LAMBDA_REQUEST: Final = Decimal("0.0000002")
LAMBDA_DISK_GB_SECOND: Final = Decimal("0.0000000309")
LAMBDA_DISK_FREE_MIB: Final = 512
STATE_TRANSITION: Final = Decimal("0.000025")
ATHENA_TB: Final = Decimal(5)
ATHENA_MINIMUM_BYTES: Final = 10 * 1024**2
S3_PUT: Final = Decimal("0.000005")
S3_GET: Final = Decimal("0.0000004")
S3_GIB_MONTH: Final = Decimal("0.023")
DYNAMODB_WRITE: Final = Decimal("0.000000625")
DYNAMODB_READ: Final = Decimal("0.000000125")
DYNAMODB_GIB_MONTH: Final = Decimal("0.45")
"""The table 0.25, its point-in-time recovery 0.20."""
LOG_INGESTED_GIB: Final = Decimal("0.50")
LOG_STORED_GIB_MONTH: Final = Decimal("0.03")
CUSTOM_METRIC_MONTH: Final = Decimal("0.30")
"""By the hour in which it has a value."""
ALARM_METRIC_MONTH: Final = Decimal("0.10")
COMPOSITE_ALARM_MONTH: Final = Decimal("0.50")
DASHBOARD_MONTH: Final = Decimal("3.00")
DASHBOARDS_FREE: Final = 3
TRACE: Final = Decimal("0.000005")
SCHEDULE_CALL: Final = Decimal("0.000001")
SECRET_MONTH: Final = Decimal("0.40")
KEY_MONTH: Final = Decimal("1.00")
INTERFACE_ENDPOINT_HOUR: Final = Decimal("0.01")
"""Of each zone; what goes through one costs next to nothing here."""

APP_RUNNER_GB_HOUR: Final = Decimal("0.007")
"""Also while nobody looks."""
APP_RUNNER_CPU_HOUR: Final = Decimal("0.064")
"""Only while requests are under way, as they are while a page is open."""
FARGATE_CPU_HOUR: Final = Decimal("0.04048")
FARGATE_GB_HOUR: Final = Decimal("0.004445")
LOAD_BALANCER_HOUR: Final = Decimal("0.0225")
LOAD_BALANCER_UNIT_HOUR: Final = Decimal("0.008")
PUBLIC_ADDRESS_HOUR: Final = Decimal("0.005")

LEDGER_WRITES_PER_BATCH: Final = 6
"""Opened, described, and committed in a transaction of two items, which counts twice."""
LEDGER_READS_PER_CALL: Final = 4
"""The watermark and the batches that wait, strongly consistent."""

_HOUR: Final = 3600
_TB: Final = 1024**4
_SMALLEST: Final = Decimal("0.000001")


@dataclass(frozen=True)
class Usage:
    """What a run used. Bytes of each query count apart, since each has a minimum."""

    glue_seconds: float = 0
    glue_workers: int = 2
    glue_worker_type: str = "G.1X"
    glue_execution_class: str = "STANDARD"
    crawler_seconds: tuple[float, ...] = ()
    lambda_seconds: float = 0
    lambda_calls: int = 0
    lambda_memory_mib: int = 1024
    lambda_architecture: str = "arm64"
    lambda_disk_mib: int = 512
    state_transitions: int = 0
    query_bytes: tuple[int, ...] = ()
    objects_written: int = 0
    batches: int = 0
    ledger_writes: int = 0
    """Beside those of batches: the lease, what is catalogued."""


def dollars(usage: Usage) -> dict[str, Decimal]:
    """Dollars by service, to the millionth; services that cost nothing are left out."""
    found = {
        "glue": glue(usage),
        "crawler": sum((crawler(seconds) for seconds in usage.crawler_seconds), Decimal()),
        "lambda": function(usage),
        "step_functions": usage.state_transitions * STATE_TRANSITION,
        "athena": sum((query(scanned) for scanned in usage.query_bytes), Decimal()),
        "s3": usage.objects_written * S3_PUT,
        "dynamodb": dynamodb(usage),
    }
    rounded = {name: rounded_dollars(value) for name, value in found.items()}
    return {name: value for name, value in rounded.items() if value}


def total(by_service: Mapping[str, Decimal]) -> Decimal:
    """All services together."""
    return sum(by_service.values(), Decimal())


def glue(usage: Usage) -> Decimal:
    """The job: DPU-hours by the second, at least a minute."""
    if not usage.glue_seconds:
        return Decimal()
    seconds = max(Decimal(str(usage.glue_seconds)), Decimal(GLUE_MINIMUM_SECONDS))
    dpus = usage.glue_workers * DPU_OF_WORKER[usage.glue_worker_type]
    return seconds * dpus * GLUE_DPU_HOUR[usage.glue_execution_class] / _HOUR


def crawler(seconds: float) -> Decimal:
    """One crawl: at least ten minutes of a DPU, however short it is."""
    billed = max(Decimal(str(seconds)), Decimal(CRAWLER_MINIMUM_SECONDS))
    return billed * CRAWLER_DPUS * CRAWLER_DPU_HOUR / _HOUR


def function(usage: Usage) -> Decimal:
    """Lambda: memory and disk by time, and each call."""
    memory = Decimal(usage.lambda_memory_mib) / 1024
    disk = Decimal(max(usage.lambda_disk_mib - LAMBDA_DISK_FREE_MIB, 0)) / 1024
    second = memory * LAMBDA_GB_SECOND[usage.lambda_architecture] + disk * LAMBDA_DISK_GB_SECOND
    return Decimal(str(usage.lambda_seconds)) * second + usage.lambda_calls * LAMBDA_REQUEST


def query(scanned_bytes: int) -> Decimal:
    """One query of Athena, at least 10 MB; a statement that scans nothing (DDL) is free."""
    if not scanned_bytes:
        return Decimal()
    return Decimal(max(scanned_bytes, ATHENA_MINIMUM_BYTES)) * ATHENA_TB / _TB


def dynamodb(usage: Usage) -> Decimal:
    """The ledger, by items of up to a kilobyte."""
    writes = usage.batches * LEDGER_WRITES_PER_BATCH + usage.ledger_writes
    return writes * DYNAMODB_WRITE + usage.lambda_calls * LEDGER_READS_PER_CALL * DYNAMODB_READ


def database(instance_class: str, storage_gib: int, *, multi_az: bool) -> tuple[Decimal, Decimal]:
    """A month of the instance, and of its storage; KeyError for a class without a price."""
    zones = 2 if multi_az else 1
    return (
        RDS_HOUR[instance_class] * MONTH_HOURS * zones,
        storage_gib * RDS_GP3_GIB_MONTH * zones,
    )


def rounded_dollars(value: Decimal) -> Decimal:
    """To the millionth of a dollar."""
    return value.quantize(_SMALLEST, ROUND_HALF_UP)
