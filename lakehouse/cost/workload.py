"""What a stage does in a month at a stated volume: runs, batches, merges, crawls, calls. Pure.

The numbers of this file are assumptions, not measurements in an account; `make cost` prints those
that it used. A month has 730 hours, so a day's figures count 30.4 times.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from lakehouse.errors import ConfigurationError
from lakehouse.prices import MONTH_HOURS
from lakehouse.settings import Stage

ROWS_PER_ORDER: Final = {
    "fact_sales": Decimal(3),
    "dim_users": Decimal("0.35"),
    "dim_products": Decimal("0.03"),
}
"""The order and two changes of its status; every third buyer is new; prices change now and then."""
DAYS: Final = Decimal(MONTH_HOURS) / 24
MERGE_SECONDS: Final = 180
"""The job for some thousand rows. A laptop takes 40 s; Glue's workers have to start Spark too."""
MERGE_SECONDS_PER_MILLION_ROWS: Final = 60
MAINTENANCE_SECONDS: Final = 300
CRAWL_SECONDS: Final = 90
_ROWS_AT_ONCE: Final = 3
"""With so many rows in each run, all tables are new in the same run of a day: one crawl."""
_MINUTES: Final = {"minute": 1, "hour": 60}


@dataclass(frozen=True)
class Volume:
    """What the estimate is made for."""

    orders_a_day: int
    months: int = 12
    """Data of so many months lie in the lake."""
    watched_hours: int = 8
    """Hours of a day in which somebody has the dashboard open."""


@dataclass(frozen=True)
class Workload:
    """Counts of an average month."""

    rows: Decimal
    runs: Decimal
    working_runs: Decimal
    """Runs that find something new."""
    batches: Decimal
    merges: Decimal
    crawls: Decimal
    ingest_calls: Decimal
    generator_calls: Decimal
    maintenances: Decimal
    queries: Decimal
    """Of the dashboard."""
    rows_per_merge: Decimal

    @property
    def merge_seconds(self) -> Decimal:
        """Seconds of one merge."""
        more = self.rows_per_merge * MERGE_SECONDS_PER_MILLION_ROWS / 1_000_000
        return (MERGE_SECONDS + more).quantize(Decimal(1), ROUND_CEILING)


def workload(stage: Stage, tables: tuple[str, ...], volume: Volume, views: int) -> Workload:
    """What `stage` does in a month; its generator rests when nobody orders."""
    orders = volume.orders_a_day
    by_table = {table: orders * ROWS_PER_ORDER.get(table, Decimal()) for table in tables}
    rows = sum(by_table.values(), Decimal())
    runs = calls_a_day(stage.pipeline.schedule)
    batches = sum((_batches(stage, found, runs) for found in by_table.values()), Decimal())
    merges = _merges(stage, rows, runs)
    watched = min(volume.watched_hours, 24) if orders else 0
    looks = Decimal(watched * 3600) / stage.dashboard.refresh_seconds
    extra = batches - sum((min(runs, found) for found in by_table.values()), Decimal())
    return Workload(
        rows=rows * DAYS,
        runs=runs * DAYS,
        working_runs=min(runs, rows) * DAYS,
        batches=batches * DAYS,
        merges=merges * DAYS,
        crawls=_crawls(by_table, runs) * DAYS,
        ingest_calls=(runs * len(tables) + extra) * DAYS,
        generator_calls=_generator_calls(stage, orders) * DAYS,
        maintenances=calls_a_day(stage.maintenance.schedule) * DAYS,
        # Freshness at each look; the other views only after a merge has changed them.
        queries=(looks + merges * views * watched / 24) * DAYS,
        rows_per_merge=rows / merges if merges else Decimal(),
    )


def calls_a_day(schedule: str) -> Decimal:
    """How often a schedule fires in a day; a cron that leaves out days counts as daily."""
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", schedule):
        minutes = int(rate[1]) * _MINUTES[rate[2]]
        if not minutes:
            raise ConfigurationError(f"{schedule} never ends; a rate starts at one minute")
        return Decimal(24 * 60) / minutes
    fields = schedule.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != 6:
        raise ConfigurationError(f"{schedule} is no schedule of EventBridge: six fields are due")
    return Decimal(_values(fields[0], 60, schedule) * _values(fields[1], 24, schedule))


def generated_orders_a_day(stage: Stage) -> int:
    """What the stage's own generator orders, if it is on."""
    if not stage.generator.enabled:
        return 0
    return int(calls_a_day(stage.generator.schedule) * stage.generator.new_sales)


def _values(field: str, size: int, schedule: str) -> int:
    """How many values a cron's field of `size` values takes."""
    if not re.fullmatch(r"(\*|\d+(-\d+)?)(/\d+)?(,\d+(-\d+)?(/\d+)?)*", field):
        raise ConfigurationError(f"{schedule}: '{field}' can't be read; write numbers, * - , or /")
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0", "-", str(size - 1)) if span == "*" else span.partition("-")
        end = int(last) if last else (size - 1 if step else int(first))
        found |= set(range(int(first), min(end, size - 1) + 1, int(step or 1)))
    return len(found)


def _batches(stage: Stage, rows: Decimal, runs: Decimal) -> Decimal:
    """Batches of a table in a day: one in each run that has rows, more when they are many."""
    chunks = (rows / runs / stage.pipeline.chunk_rows).to_integral_value(ROUND_CEILING)
    return min(runs, rows) * max(chunks, Decimal(1))


def _merges(stage: Stage, rows: Decimal, runs: Decimal) -> Decimal:
    """Merges of a day: when enough rows wait or the oldest is old enough, at the end of a run."""
    if not rows:
        return Decimal()
    day = Decimal(24 * 60)
    full = stage.pipeline.merge_pending_rows * day / rows
    due = min(full, Decimal(stage.pipeline.merge_max_age_minutes))
    # Not more often than runs come, nor than one merge lets the next begin.
    apart = max(due, day / runs, Decimal(MERGE_SECONDS) / 60)
    return min(day / apart, rows)


def _crawls(by_table: Mapping[str, Decimal], runs: Decimal) -> Decimal:
    """Each day is a new folder: a crawl when the first row comes, apart for tables that lag."""
    busy = [rows for rows in by_table.values() if rows / runs >= _ROWS_AT_ONCE]
    rare = [rows for rows in by_table.values() if rows / runs < _ROWS_AT_ONCE]
    return min(len(busy), 1) + sum((min(rows, Decimal(1)) for rows in rare), Decimal())


def _generator_calls(stage: Stage, orders: int) -> Decimal:
    on = stage.generator.enabled and orders
    return calls_a_day(stage.generator.schedule) if on else Decimal()
