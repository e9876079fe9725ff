"""Silver and gold again from bronze alone, by the deployed script against the emulator."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.glue.emulated_lake import START, EmulatedLake

RULE = 'ColumnValues "quantity" > 0'
TASK = {"task": "rebuild", "swap": "0", "step": "0"}
KEEP = {"keep_snapshots": "1", "keep_hours": "0", "orphan_hours": "24", "file_mib": "64"}
TABLES = [
    *(("silver", t) for t in ("dim_users", "dim_products", "fact_sales", "fact_sales_status")),
    ("silver", "quarantine"),
    *(("gold", t) for t in ("city_performance", "daily_sales", "order_status")),
    *(("gold", t) for t in ("product_performance", "table_health")),
]


def _at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def _user(user_id: int, city: str, minutes: int = 0) -> dict[str, Any]:
    return {
        "user_id": user_id, "name": "A", "email": "a@example.org", "address": "1 Road",
        "city": city, "country": "DE", "created_at": START, "updated_at": _at(minutes),
    }  # fmt: skip


def _sale(sale_id: int, amount: str, minutes: int, **other: Any) -> dict[str, Any]:
    return {
        "sale_id": sale_id, "user_id": sale_id % 3, "product_id": 1, "quantity": 2,
        "unit_price": Decimal("5.00"), "total_amount": Decimal(amount), "status": "PENDING",
        "created_at": START, "updated_at": _at(minutes), **other,
    }  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[EmulatedLake]:
    """Two runs: an update, a mover, a delete and its return, rows held back and repaired."""
    lake = EmulatedLake(tmp_path_factory.mktemp("lake"), jars)
    lake.commit("dim_users", [_user(n, "Bonn") for n in range(3)])
    lake.commit(
        "fact_sales",
        [_sale(n, "10.00", 1) for n in range(8, 14)] + [_sale(20, "-1.00", 1)],
        held_back={RULE: [_sale(30, "1.00", 1, quantity=0), _sale(31, "1.00", 1, quantity=0)]},
    )
    _ok(lake)
    lake.commit(
        "dim_users", [_user(1, "Kiel", 5), {"user_id": 2, "_op": "D", "updated_at": _at(6)}]
    )
    lake.commit("fact_sales", [_sale(9, "700.00", 7), {"sale_id": 10, "_op": "D"}])
    lake.commit("fact_sales", [_sale(10, "8.00", 8), _sale(20, "2.00", 8), _sale(30, "3.00", 8)])
    lake.commit("dim_users", [_user(2, "Ulm", 9)])
    lake.commit("fact_sales", [_sale(11, "10.00", 10, status="SHIPPED")])
    _ok(lake)
    # Landed, but not merged: no part of the comparison.
    lake.commit("fact_sales", [_sale(99, "9.00", 11)])
    yield lake
    lake.close()


def _ok(lake: EmulatedLake, **arguments: str) -> None:
    outcome = lake.run(**arguments)
    assert outcome.state == "SUCCEEDED", outcome.log_path.read_text()[-6000:]


def _rows(lake: EmulatedLake, layer: str, table: str) -> list[str]:
    return sorted(
        repr({k: v for k, v in row.items() if k != "run_id"}) for row in lake.rows(layer, table)
    )


def _report(lake: EmulatedLake, task: str, run_id: str) -> Any:
    body = lake.s3.get_object(Bucket="test-gold", Key=f"upkeep/{task}/{run_id}.json")["Body"]
    return json.loads(body.read())


def test_many_small_merges_make_what_is_there(lake: EmulatedLake) -> None:
    before = {table: _rows(lake, *table) for table in TABLES}
    _ok(lake, **TASK | {"step": "1"}, run_id="small")
    told = _report(lake, "rebuild", "small")
    assert len(told) == len(TABLES)
    assert [row for row in told if not row["equal"]] == []
    assert lake.tables("silver_rebuild") == lake.tables("gold_rebuild") == set()
    assert {table: _rows(lake, *table) for table in TABLES} == before
    assert lake.watermark("fact_sales").merged_batch_id == 4


def test_a_difference_is_named_and_one_big_merge_swapped_in(lake: EmulatedLake) -> None:
    before = {table: _rows(lake, *table) for table in TABLES}
    lake.delete("silver", "fact_sales", "sale_id = 10")
    outcome = lake.run(**TASK, run_id="differs")
    assert outcome.state == "FAILED"
    assert outcome.error_message.startswith("RebuildError: silver fact_sales: live has 7 rows")
    assert "rows that differ: bronze sale_id=10. Swap" in outcome.error_message
    told = [row for row in _report(lake, "rebuild", "differs") if not row["equal"]]
    assert len(told) == 1
    _ok(lake, **TASK | {"swap": "1"}, run_id="swapped")
    assert {table: _rows(lake, *table) for table in TABLES} == before
    assert "fact_sales" in lake.tables("silver_rebuild"), "the former table is kept"
    _ok(lake)  # the next run goes on from the copies
    assert "'sale_id': 99" in str(_rows(lake, "silver", "fact_sales"))


def test_maintenance_of_the_lake(lake: EmulatedLake) -> None:
    before = {table: _rows(lake, *table) for table in TABLES}
    _ok(lake, task="maintain", **KEEP, run_id="tidy")
    assert {table: _rows(lake, *table) for table in TABLES} == before
    told = _report(lake, "maintain", "tidy")
    assert {row["table"].removeprefix("glue_catalog.test_") for row in told} >= {
        f"{layer}.{table}" for layer, table in TABLES
    }
    assert lake.tables("silver_rebuild") == set()
    _ok(lake, **TASK, run_id="after")
    assert all(row["equal"] for row in _report(lake, "rebuild", "after"))
