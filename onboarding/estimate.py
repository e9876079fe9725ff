"""What the first load of a source takes and costs, by measured rates; pure.

The rates are those of docs/benchmarks.md ("A first load, to reconciled silver"), by values (rows
times columns), since a row's cost follows its columns; the account's job by `lakehouse.cost`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Final

from lakehouse import prices
from lakehouse.cost.workload import CRAWL_SECONDS, MERGE_SECONDS, MERGE_SECONDS_PER_MILLION_ROWS
from lakehouse.prices import Usage
from lakehouse.settings import Stage

INGEST_VALUES_PER_SECOND: Final = 90_000_000 / 18.7
"""10 million sales of 9 columns in 18.7 s on two cores."""
JOB_VALUES_PER_SECOND: Final = 90_000_000 / 362.6
SECONDS_PER_TABLE: Final = 1.5
"""A process or function starts, looks at the catalog, and commits."""
JOB_SECONDS: Final = 20
"""Of the job itself, however few the rows."""
_MIB_PER_CORE: Final = 1769
"""Memory at which a Lambda function has a whole core."""


@dataclass(frozen=True)
class Size:
    """A table to be loaded."""

    rows: int
    columns: int


@dataclass(frozen=True)
class FirstLoad:
    """Seconds on a laptop, and dollars by service in an account."""

    tables: int
    rows: int
    ingest_seconds: float
    job_seconds: float
    dollars: dict[str, Decimal]

    def __str__(self) -> str:
        total = sum(self.dollars.values(), Decimal())
        parts = ", ".join(f"{name} {amount:.3f}" for name, amount in self.dollars.items())
        seconds = self.ingest_seconds + self.job_seconds
        return (
            f"first load of {self.tables} tables, {self.rows:,} rows: about {_told(seconds)} on "
            f"two cores ({_told(self.ingest_seconds)} ingest, {_told(self.job_seconds)} merge); in "
            f"an account about {total:.2f} USD ({parts})"
        )


def estimate(sizes: Iterable[Size], stage: Stage) -> FirstLoad:
    """The first load of these tables by the stage's settings."""
    found = list(sizes)
    rows, values = sum(s.rows for s in found), sum(s.rows * s.columns for s in found)
    ingest = len(found) * SECONDS_PER_TABLE + values / INGEST_VALUES_PER_SECOND
    memory = stage.functions.ingest_memory_mib
    batches = sum(max(1, ceil(size.rows / stage.pipeline.chunk_rows)) for size in found)
    usage = Usage(
        glue_seconds=MERGE_SECONDS + rows / 1_000_000 * MERGE_SECONDS_PER_MILLION_ROWS,
        glue_workers=stage.glue.workers,
        glue_worker_type=stage.glue.worker_type,
        glue_execution_class=stage.glue.execution_class,
        crawler_seconds=(CRAWL_SECONDS,),
        lambda_seconds=ingest * max(1.0, _MIB_PER_CORE / memory),
        lambda_calls=batches,
        lambda_memory_mib=memory,
        state_transitions=10 + 6 * batches,
        objects_written=batches * 10,
        batches=batches,
    )
    job = JOB_SECONDS + values / JOB_VALUES_PER_SECOND
    return FirstLoad(len(found), rows, ingest, job, prices.dollars(usage))


def _told(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
