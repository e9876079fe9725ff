"""The receipt of a run: its figures from the history, its dollars, and its row as a statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from lakehouse import prices
from lakehouse.gold import GOLD, PIPELINE_RUNS
from lakehouse.sqltext import literal
from lambdas.receipt import history
from lambdas.receipt.history import Event, Task

_CAUSE = 1000
"""Characters of a cause that are kept."""
_TRINO = {
    "string": "varchar", "timestamp": "timestamp(6) with time zone", "bigint": "bigint",
    "boolean": "boolean", "double": "double",
}  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """What the stage runs with; the history does not tell."""

    lambda_memory_mib: int
    lambda_architecture: str


@dataclass(frozen=True)
class Ending:
    """How the run ended so far; no error is a success."""

    error: str = ""
    failed_state: str = ""
    cause: str = ""


def receipt(
    run_id: str, events: Sequence[Event], ending: Ending, ended_at: datetime, sizes: Sizes
) -> dict[str, Any]:
    """The row of `pipeline_runs`: column to value."""
    tasks = list(history.tasks(events))
    calls = [t.result.get("Payload") for t in tasks if t.action == history.INVOKE and not t.failed]
    batches = [call for call in calls if isinstance(call, dict) and call.get("table")]
    usage = _usage(events, tasks, batches, sizes)
    by_service = prices.dollars(usage)
    merged = any(t.action == history.RUN_JOB and not t.failed for t in tasks)
    newest = {batch["table"]: batch["window_to"] for batch in batches if batch["window_to"]}
    times = [datetime.fromisoformat(text) for text in newest.values() if "T" in text]
    return {
        "run_id": run_id,
        "started_at": history.started_at(events),
        "ended_at": ended_at,
        "outcome": "FAILED" if ending.error else "SUCCEEDED",
        "failed_state": ending.failed_state or None,
        "cause": f"{ending.error}: {ending.cause}"[:_CAUSE] if ending.error else None,
        "is_merged": merged,
        "batches": usage.batches,
        "rows_ingested": sum(batch["rows"] for batch in batches),
        "rows_quarantined": sum(batch["quarantined"] for batch in batches),
        "objects_written": usage.objects_written,
        "bytes_written": sum(batch["bytes"] for batch in batches),
        "bytes_scanned": sum(usage.query_bytes),
        "glue_seconds": float(usage.glue_seconds),
        "freshness_seconds": (
            round((ended_at - min(times)).total_seconds(), 3) if times and merged else None
        ),
        "dollars": prices.total(by_service),
        "dollars_by_service": _json({k: float(v) for k, v in by_service.items()}),
        "seconds_by_state": _json(history.seconds_by_state(events)),
        "tables": _json(_tables(batches)),
    }


def _usage(
    events: Sequence[Event],
    tasks: Sequence[Task],
    batches: Sequence[Mapping[str, Any]],
    sizes: Sizes,
) -> prices.Usage:
    jobs = [task.result for task in tasks if task.action == history.RUN_JOB]
    functions = [task for task in tasks if task.action == history.INVOKE]
    spent = history.seconds_by_state(events)
    crawls = spent.get("Wait for the crawler")
    last = jobs[-1] if jobs else {}
    return prices.Usage(
        glue_seconds=sum(_number(job.get("ExecutionTime")) for job in jobs),
        glue_workers=int(_number(last.get("NumberOfWorkers")) or 2),
        glue_worker_type=str(last.get("WorkerType") or "G.1X"),
        glue_execution_class=str(last.get("ExecutionClass") or "STANDARD"),
        crawler_seconds=(crawls,) if crawls is not None else (),
        lambda_seconds=sum(task.seconds for task in functions),
        lambda_calls=len(functions),
        lambda_memory_mib=sizes.lambda_memory_mib,
        lambda_architecture=sizes.lambda_architecture,
        state_transitions=history.transitions(events),
        query_bytes=tuple(
            int(_number(task.result["QueryExecution"]["Statistics"].get("DataScannedInBytes")))
            for task in tasks
            if task.action == history.QUERY and not task.failed
        ),
        objects_written=sum(b["files"] + (b["quarantined"] > 0) for b in batches),
        batches=sum(batch["batch_id"] is not None for batch in batches),
        ledger_writes=sum(task.action == history.UPDATE for task in tasks),
    )


def _tables(batches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per table: the window of the run, and what it brought."""
    found: dict[str, dict[str, Any]] = {}
    for batch in batches:
        known = found.setdefault(
            batch["table"],
            {"table": batch["table"], "window_from": batch["window_from"], "batches": 0, "rows": 0,
             "deletes": 0, "quarantined": 0, "files": 0, "bytes": 0},
        )  # fmt: skip
        known["window_to"] = batch["window_to"]
        known["batches"] += batch["batch_id"] is not None
        for name in ("rows", "deletes", "quarantined", "files", "bytes"):
            known[name] += batch[name]
    return [found[table] for table in sorted(found)]


def insert_statement(row: Mapping[str, Any], gold: str) -> str:
    """The row as Athena's INSERT; each value says its type, so that nothing is converted."""
    columns = GOLD[PIPELINE_RUNS]
    values = ", ".join(f"CAST({_literal(row[n])} AS {_trino(k)})" for n, k in columns.items())
    return f"INSERT INTO {gold}.{PIPELINE_RUNS} SELECT {values}"


def _trino(kind: str) -> str:
    return _TRINO.get(kind, kind)


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case datetime():
            at = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            return f"TIMESTAMP '{at} UTC'"
        case float():
            return f"{value:.6e}"
        case int() | Decimal():
            return str(value)
    return literal(str(value))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
