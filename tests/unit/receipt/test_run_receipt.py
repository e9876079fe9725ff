"""A receipt is a function of the run's history."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lakehouse.gold import GOLD, PIPELINE_RUNS
from lambdas.receipt import history
from lambdas.receipt.receipt import Ending, Sizes, insert_statement, receipt

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = START + timedelta(seconds=120)
SIZES = Sizes(1024, "arm64")
ARN = "arn:aws:states:::"


def _at(seconds: float, kind: str, **details: Any) -> dict[str, Any]:
    return {"timestamp": START + timedelta(seconds=seconds), "type": kind, **details}


def _entered(seconds: float, name: str, kind: str = "Task") -> dict[str, Any]:
    return _at(seconds, f"{kind}StateEntered", stateEnteredEventDetails={"name": name})


def _exited(seconds: float, name: str, kind: str = "Task") -> dict[str, Any]:
    return _at(seconds, f"{kind}StateExited", stateExitedEventDetails={"name": name})


def _task(begin: float, end: float, resource: str, result: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _at(begin, "TaskScheduled", taskScheduledEventDetails={"resource": resource}),
        _at(
            end,
            "TaskSucceeded",
            taskSucceededEventDetails={"resource": resource, "output": json.dumps(result)},
        ),
    ]


def _batch(table: str, number: int | None, rows: int, upto: str, **more: Any) -> dict[str, Any]:
    return {
        "StatusCode": 200,
        "Payload": {
            "table": table, "batch_id": f"{number:012d}" if number else None, "rows": rows,
            "deletes": 1, "quarantined": 0, "files": 1, "bytes": 100,
            "window_from": "2026-03-01T11:00:00.000000Z", "window_to": upto, **more,
        },
    }  # fmt: skip


def _events(prefix: str = ARN) -> list[dict[str, Any]]:
    invoke = f"{prefix}lambda:invoke" if prefix else "invoke"
    job = f"{prefix}glue:startJobRun.sync" if prefix else "startJobRun.sync"
    query = f"{prefix}athena:startQueryExecution.sync" if prefix else "startQueryExecution.sync"
    update = f"{prefix}dynamodb:updateItem" if prefix else "updateItem"
    early, late = "2026-03-01T11:59:00.000000Z", "2026-03-01T11:59:50.000000Z"
    statistics = {"QueryExecution": {"Statistics": {"DataScannedInBytes": 5}}}
    return [
        _at(0, "ExecutionStarted"),
        _entered(0, "Take the lease"), *_task(0, 1, update, {}), _exited(1, "Take the lease"),
        _entered(1, "Ingest every table", "Map"),
        _entered(1, "Ingest a batch"), _entered(1, "Ingest a batch"),
        *_task(1, 3, invoke, _batch("sales", 7, 10, early)), _exited(3, "Ingest a batch"),
        *_task(1, 5, invoke, _batch("users", None, 0, late, files=0, bytes=0, deletes=0)),
        _exited(5, "Ingest a batch"),
        *_task(5, 6, invoke, _batch("sales", 8, 4, late, quarantined=2)),
        _exited(6, "Ingest every table", "Map"),
        _entered(6, "Merge into silver and gold"),
        *_task(6, 96, job, {"JobRunState": "SUCCEEDED", "ExecutionTime": 90, "WorkerType": "G.1X",
                            "NumberOfWorkers": 2, "ExecutionClass": "FLEX"}),
        _exited(96, "Merge into silver and gold"),
        _entered(96, "Refresh a view"), *_task(96, 97, query, statistics),
        _exited(97, "Refresh a view"),
    ]  # fmt: skip


def test_the_figures_of_a_run() -> None:
    for prefix in (ARN, ""):  # the whole resource, or the action alone as AWS writes it
        row = receipt("run-1", _events(prefix), Ending(), END, SIZES)
        assert set(row) == set(GOLD[PIPELINE_RUNS])
        assert (row["outcome"], row["cause"], row["is_merged"]) == ("SUCCEEDED", None, True)
        assert (row["batches"], row["rows_ingested"], row["rows_quarantined"]) == (2, 14, 2)
        assert (row["objects_written"], row["bytes_written"], row["bytes_scanned"]) == (3, 200, 5)
        assert row["glue_seconds"] == 90
        assert row["freshness_seconds"] == 130, "the oldest window ends 10 s before the start"
        spent = json.loads(row["seconds_by_state"])
        assert spent["Merge into silver and gold"] == 90
        assert spent["Ingest a batch"] == 6, "two visits: 2 s and 4 s"
        bill = json.loads(row["dollars_by_service"])
        assert bill["glue"] == 0.0145  # 2 x 90 / 3600 x 0.29
        assert bill["step_functions"] == 0.00015  # six states were entered
        assert bill["lambda"] == 0.000094  # 7 s at 1 GB, three calls
        assert row["dollars"] == sum(Decimal(str(d)) for d in bill.values())
        sales, users = json.loads(row["tables"])
        assert (sales["table"], sales["batches"], sales["rows"]) == ("sales", 2, 14)
        assert (sales["window_from"], sales["window_to"]) == (
            "2026-03-01T11:00:00.000000Z", "2026-03-01T11:59:50.000000Z",
        )  # fmt: skip
        assert (users["batches"], users["rows"]) == (0, 0)


def test_a_failed_run_keeps_where_and_why() -> None:
    failed = {"resource": f"{ARN}glue:startJobRun.sync", "error": "States.TaskFailed"}
    events = [
        _at(0, "ExecutionStarted"),
        _entered(0, "Merge into silver and gold"),
        _at(0, "TaskScheduled", taskScheduledEventDetails=failed),
        _at(70, "TaskFailed", taskFailedEventDetails=failed | {"cause": '{"ExecutionTime": 66}'}),
        _exited(70, "Merge into silver and gold"),
    ]
    ending = Ending("States.TaskFailed", "Merge into silver and gold", "it's broken" + "x" * 2000)
    row = receipt("run-2", events, ending, END, SIZES)
    assert (row["outcome"], row["failed_state"]) == ("FAILED", "Merge into silver and gold")
    assert row["cause"].startswith("States.TaskFailed: it's broken")
    assert len(row["cause"]) == 1000
    assert row["is_merged"] is False
    assert row["freshness_seconds"] is None
    assert row["glue_seconds"] == 66, "a job that failed is billed too"


def test_the_statement_says_each_type_and_quotes_texts() -> None:
    row = receipt("it's", _events(), Ending("E", "S", "'; DROP"), END, SIZES)
    sql = insert_statement(row, "shop_gold")
    assert sql.startswith("INSERT INTO shop_gold.pipeline_runs SELECT CAST('it''s' AS varchar), ")
    assert "CAST('E: ''; DROP' AS varchar)" in sql
    started = "CAST(TIMESTAMP '2026-03-01 12:00:00.000000 UTC' AS timestamp(6) with time zone)"
    assert started in sql
    assert "AS decimal(12,6))" in sql
    assert sql.count("CAST(") == len(GOLD[PIPELINE_RUNS])


def test_a_strict_cursor_has_no_freshness() -> None:
    events = [
        _at(0, "ExecutionStarted"),
        *_task(0, 1, f"{ARN}lambda:invoke", _batch("sales", 1, 1, "00000000000000000042")),
        *_task(1, 90, f"{ARN}glue:startJobRun.sync", {"ExecutionTime": 80}),
    ]
    assert receipt("r", events, Ending(), END, SIZES)["freshness_seconds"] is None


def test_events_that_are_no_documents_are_passed_over() -> None:
    failed = {"resource": "invoke", "error": "E", "cause": "no json"}
    events = [_at(0, "ExecutionStarted"), _at(1, "TaskFailed", taskFailedEventDetails=failed)]
    (task,) = history.tasks(events)
    assert (task.failed, task.seconds, task.result) == (True, 0.0, {})
