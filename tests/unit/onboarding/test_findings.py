"""What is judged of a server and of a table, each with its remedy; and the estimate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.contract import TableContract
from lakehouse.settings import load_stage
from onboarding.estimate import Size, estimate
from onboarding.facts import Column, Index, Table
from onboarding.findings import Level, Server, judge_server, judge_table, worst
from onboarding.preparation import RoleFacts

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Server(
    180004, "18.4", False, "UTF8", "on", NOW, "reader", 100, 10, (), (), True, False, asked_at=NOW
)
READER = RoleFacts("reader", True, False, True, True, frozenset({"public.orders"}))
ORDERS = TableContract(
    "orders", ("id",), {"id": "bigint", "updated_at": "timestamptz"}, "updated_at"
)
TABLE = Table(
    "public",
    "orders",
    (Column("id", "bigint", True), Column("updated_at", "timestamp with time zone", True)),
    primary_key=("id",),
    indexes=(Index("by_time", ("updated_at", "id")),),
)


def test_a_good_server() -> None:
    assert worst(judge_server(GOOD, READER)) is Level.OK


@pytest.mark.parametrize(("change", "level", "words"), [
    ({"is_encrypted": False}, Level.FAIL, "not encrypted; let the server have a certificate"),
    ({"is_encrypted": False, "is_near": True}, Level.OK, ""),
    ({"version_number": 130012}, Level.FAIL, "PostgreSQL 14 is the oldest: upgrade"),
    ({"is_replica": True}, Level.FAIL, "lags behind; name the primary's host"),
    ({"encoding": "LATIN1"}, Level.FAIL, "use a database in UTF8"),
    ({"track_activities": "off"}, Level.FAIL, "ALTER SYSTEM SET track_activities = on"),
    ({"clock": NOW + timedelta(seconds=60)}, Level.WARN, "60 s from this machine's; let both"),
    ({"clock": NOW - timedelta(hours=1)}, Level.FAIL, "3600 s from this machine's; let both"),
    ({"prepared": ("old (3 days)",)}, Level.FAIL, "old (3 days), which hold back every run; run"),
    ({"open_long": ("pid 7 (psql), 02:00:00",)}, Level.WARN, "pid 7 (psql), 02:00:00; a run sees"),
    ({"connections": 90}, Level.WARN, "90 of 100, few are left; raise max_connections"),
])  # fmt: skip
def test_what_is_wrong_with_a_server(change: dict[str, object], level: Level, words: str) -> None:
    found = judge_server(replace(GOOD, **change), READER)  # type: ignore[arg-type]
    assert worst(found) is level
    assert any(words in str(finding) for finding in found)


def test_an_index_that_the_planner_passes_over() -> None:
    (seen,) = [
        finding
        for finding in judge_table(ORDERS, TABLE, READER, "Seq Scan on orders", 50_000, "")
        if "planner" in finding.found
    ]
    assert str(seen).endswith('; run: ANALYZE "public"."orders"')
    assert not [f for f in judge_table(ORDERS, TABLE, READER, "Seq Scan", 500, "") if "planner" in
                f.found]  # fmt: skip


def test_a_snapshot_that_has_grown_too_large() -> None:
    contract = TableContract.from_mapping(
        {"table": "orders", "key": ["id"], "columns": {"id": "bigint"}, "capture": "snapshot"}
    )
    assert judge_table(contract, TABLE, READER, "", 500, "")[0].level is Level.OK
    (finding,) = judge_table(contract, TABLE, READER, "", 500_000, "")
    assert finding.level is Level.WARN
    assert "500,000 rows" in finding.found
    assert "make prepare-source" in finding.remedy


def test_the_estimate_grows_with_rows_and_tables() -> None:
    stage = load_stage("prod")
    small, large = (estimate([Size(rows, 9)], stage) for rows in (1_000, 10_000_000))
    assert 15 < large.ingest_seconds < 25
    assert 300 < large.job_seconds < 420
    assert sum(large.dollars.values()) > sum(small.dollars.values()) > 0
    assert "first load of 1 tables, 10,000,000 rows: about 7 min on two cores" in str(large)
