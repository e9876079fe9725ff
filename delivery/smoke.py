"""`make smoke STAGE=dev`: one run of the pipeline, and whether the lake is reconciled after it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from delivery.deployed import Deployed, Reader, Row, Say
from lakehouse.errors import DeliveryError
from lakehouse.settings import Stage

_PRINT: Say = partial(print, flush=True)
"""A job's log is read while it grows."""
_COMPARED = "v_reconciliation"
_RECEIPTS = "v_pipeline_runs"


@dataclass(frozen=True)
class Pace:
    """How patiently it looks and waits."""

    poll_seconds: float = 3.0
    """Between two looks at a run."""
    wait_seconds: float = 60.0
    """Before another try, where a run told nothing."""
    clock: Callable[[], float] = time.monotonic
    """Seconds that only grow."""


def run(
    stage: Stage,
    *,
    minutes: float | None = None,
    deployed: Deployed | None = None,
    say: Say = _PRINT,
    pace: Pace | None = None,
) -> None:
    """Starts a run, follows it and reads the comparison; raises DeliveryError for any fault.

    A run that found another at work, or a source without a first row, tells nothing: it is tried
    again until `minutes` are over.
    """
    pace = pace or Pace()
    deployed = deployed or Deployed.find(stage)
    limit = minutes if minutes is not None else stage.pipeline.run_timeout_minutes
    deadline = pace.clock() + limit * 60
    for attempt in range(1, 10_000):
        name = _name(attempt)
        say(f"{stage.prefix}-pipeline: run {name}")
        nothing_told = _try_once(deployed, name, say, pace)
        if nothing_told is None:
            say(f"{stage.prefix}: SUCCEEDED and reconciled")
            return
        if pace.clock() + pace.wait_seconds > deadline:
            raise DeliveryError(
                f"{nothing_told}; waited {limit:g} min for it: make smoke again later"
            )
        say(f"  {nothing_told}; trying again in {pace.wait_seconds:g} s")
        time.sleep(pace.wait_seconds)


def _name(attempt: int) -> str:
    """Of an execution: unique, and told apart from those that a schedule started."""
    return f"smoke-{datetime.now(UTC):%Y%m%dT%H%M%S}-{attempt}"


def _try_once(deployed: Deployed, name: str, say: Say, pace: Pace) -> str | None:
    """One run; why it told nothing, or None: it ended well and the lake is reconciled."""
    ended = deployed.follow(deployed.start(name), say, pace.poll_seconds)
    if ended.status != "SUCCEEDED":
        raise DeliveryError(
            f"run {name} {ended.status}: {ended.cause or 'no cause given'}; "
            f"its states are in the console, or: make rollback-advice STAGE={deployed.stage.name}"
        )
    if "skipped" in ended.output:
        return "another run was at work"
    reader = deployed.reader()
    if ended.output.get("merged") is not True and not reader.knows(_COMPARED):
        return "no row has ever come from the source, so nothing is merged yet"
    compared, receipts = _read(reader, name, pace)
    for row in compared:
        say(f"  {row['source_table']}: {_verdict(row)}")
    if wrong := faults(name, ended.output, compared, receipts):
        raise DeliveryError(f"run {name} SUCCEEDED, but: {'; '.join(wrong)}")
    return None


def _read(reader: Reader, run_id: str, pace: Pace) -> tuple[list[Row], list[Row]]:
    compared = reader.ask(
        "SELECT source_table, run_id, is_reconciled, detail "
        f"FROM {_COMPARED} ORDER BY source_table",
        pace.poll_seconds,
    )
    receipts = reader.ask(
        f"SELECT outcome, cause FROM {_RECEIPTS} WHERE run_id = '{run_id}'", pace.poll_seconds
    )
    return compared, receipts


def _verdict(row: Row) -> str:
    return "reconciled" if row["is_reconciled"] == "true" else f"NOT reconciled: {row['detail']}"


def faults(
    run_id: str, output: Mapping[str, Any], compared: Sequence[Row], receipts: Sequence[Row]
) -> list[str]:
    """What contradicts a run that says it succeeded; empty: nothing does."""
    wrong = [
        f"{row['source_table']}: {row['detail'] or 'not reconciled'}"
        for row in compared
        if row["is_reconciled"] != "true"
    ]
    if not compared:
        wrong.append(f"{_COMPARED} is empty")
    if output.get("merged") is not True:
        return wrong
    if run_id not in {row["run_id"] for row in compared}:
        wrong.append(f"it merged, and {_COMPARED} has no comparison of it")
    wrong += [
        f"its receipt says {receipt['outcome']}: {receipt['cause']}"
        for receipt in receipts
        if receipt["outcome"] != "SUCCEEDED"
    ]
    if not receipts:
        wrong.append(f"it merged, and {_RECEIPTS} has no receipt of it")
    return wrong
