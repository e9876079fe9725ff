"""What AWS asks for the services that a run uses, and what a run's figures come to. Pure.

List prices in US dollars of the region us-east-1, without free tiers and discounts; other regions
differ by some percent. They are estimates for a receipt, not a bill.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

REGION: Final = "us-east-1"
AS_OF: Final = "2025-12"
"""When the pages below were last compared with these figures."""
PAGES: Final = (
    "AWS Glue pricing",
    "AWS Lambda pricing",
    "AWS Step Functions pricing",
    "Amazon Athena pricing",
    "Amazon S3 pricing",
    "Amazon DynamoDB pricing for on-demand capacity",
)

GLUE_DPU_HOUR: Final = {"STANDARD": Decimal("0.44"), "FLEX": Decimal("0.29")}
GLUE_MINIMUM_SECONDS: Final = 60
DPU_OF_WORKER: Final = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
CRAWLER_DPU_HOUR: Final = Decimal("0.44")
CRAWLER_DPUS: Final = 1
CRAWLER_MINIMUM_SECONDS: Final = 600
LAMBDA_GB_SECOND: Final = {"arm64": Decimal("0.0000133334"), "x86_64": Decimal("0.0000166667")}
LAMBDA_REQUEST: Final = Decimal("0.0000002")
STATE_TRANSITION: Final = Decimal("0.000025")
ATHENA_TB: Final = Decimal(5)
ATHENA_MINIMUM_BYTES: Final = 10 * 1024**2
S3_PUT: Final = Decimal("0.000005")
DYNAMODB_WRITE: Final = Decimal("0.000000625")
DYNAMODB_READ: Final = Decimal("0.000000125")

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
    """Lambda: memory by time, and each call."""
    memory = Decimal(usage.lambda_memory_mib) / 1024
    price = LAMBDA_GB_SECOND[usage.lambda_architecture]
    return Decimal(str(usage.lambda_seconds)) * memory * price + usage.lambda_calls * LAMBDA_REQUEST


def query(scanned_bytes: int) -> Decimal:
    """One query of Athena, at least 10 MB; a statement that scans nothing (DDL) is free."""
    if not scanned_bytes:
        return Decimal()
    return Decimal(max(scanned_bytes, ATHENA_MINIMUM_BYTES)) * ATHENA_TB / _TB


def dynamodb(usage: Usage) -> Decimal:
    """The ledger, by items of up to a kilobyte."""
    writes = usage.batches * LEDGER_WRITES_PER_BATCH + usage.ledger_writes
    return writes * DYNAMODB_WRITE + usage.lambda_calls * LEDGER_READS_PER_CALL * DYNAMODB_READ


def rounded_dollars(value: Decimal) -> Decimal:
    """To the millionth of a dollar."""
    return value.quantize(_SMALLEST, ROUND_HALF_UP)
