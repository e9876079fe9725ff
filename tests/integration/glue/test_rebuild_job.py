"""Silver and gold again from bronze alone, by the deployed script against the emulator."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.glue.emulated_lake import START, EmulatedLake

RULE = 'ColumnValues "quantity" > 0'
KEEP = {"keep_snapshots": "1", "keep_hours": "0", "orphan_hours": "24", "file_mib": "64"}
TABLES = [
    *(("silver", t) for t in ("dim_users", "dim_products", "fact_sales", "fact_sales_status")),
    ("silver", "quarantine"),
    *(("gold", t) for t in ("city_performance", "daily_sales", "order_status")),
    *(("gold", t) for t in ("product_performance", "table_health")),
]

TABLES_OF = {"silver": "fact_sales", "gold": "daily_sales"}


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


def _rebuild(run_id: str, step: int = 0, swap: bool = False) -> dict[str, str]:
    return {"task": "rebuild", "run_id": run_id, "step": str(step), "swap": "01"[swap]}


@pytest.fixture
def lake(tmp_path: Path, jars: Path) -> Iterator[EmulatedLake]:
    """An update, a mover, deletes, rows held back, repaired and waiting."""
    lake = EmulatedLake(tmp_path, jars)
    lake.commit("dim_users", [_user(n, "Bonn") for n in range(3)])
    gone = {"user_id": 2, "_op": "D", "updated_at": _at(6)}
    lake.commit("dim_users", [_user(1, "Kiel", 5), gone])
    lake.commit(
        "fact_sales",
        [_sale(n, "10.00", 1) for n in range(8, 14)] + [_sale(20, "-1.00", 1)],
        held_back={RULE: [_sale(30, "1.00", 1, quantity=0), _sale(31, "1.00", 1, quantity=0)]},
    )
    lake.commit(
        "fact_sales",
        [
            _sale(9, "700.00", 7),
            {"sale_id": 10, "_op": "D"},
            _sale(11, "10.00", 10, status="SHIPPED"),
            _sale(20, "2.00", 8),
            _sale(30, "3.00", 8),
        ],
    )
    yield lake
    lake.close()


def _report(lake: EmulatedLake, task: str, run_id: str) -> Any:
    body = lake.s3.get_object(Bucket="test-gold", Key=f"upkeep/{task}/{run_id}.json")["Body"]
    return json.loads(body.read())


def test_rebuild_swap_and_maintenance(lake: EmulatedLake, tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.json"
    tasks = [
        {"run_id": "first"},
        {"sql": "DELETE FROM glue_catalog.test_silver.fact_sales WHERE sale_id = 9"},
        {"sql": "UPDATE glue_catalog.test_gold.daily_sales SET net_revenue = 0"},
        _rebuild("big"),
        _rebuild("small", step=1, swap=True),
        {"run_id": "next"},
        {"task": "maintain", "run_id": "tidy", **KEEP},
        _rebuild("after"),
    ]
    script = Path(__file__).parent / "several_tasks.py"
    ended = lake.run(script, tasks=json.dumps(tasks), outcomes=str(outcomes))
    assert ended.state == "SUCCEEDED", ended.log_path.read_text()[-6000:]
    told = dict(
        zip((t.get("run_id", "sql") for t in tasks), json.loads(outcomes.read_text()), strict=False)
    )
    rebuilds = ("big", "small", "after")
    found = {name: _report(lake, "rebuild", name) for name in rebuilds}

    differing = [row["told"] for row in found["big"] if not row["equal"]]
    assert [text.split(":")[0] for text in differing] == ["silver fact_sales", "gold daily_sales"]
    assert differing[0].startswith("silver fact_sales: live has 6 rows")
    assert differing[0].endswith("rows that differ: bronze sale_id=9")
    assert "live sale_date=2026-03-01, bronze sale_date=2026-03-01" in differing[1]
    error = str(told.pop("big"))
    assert error.startswith(f"RebuildError: {'; '.join(differing)}. Swap the copies in with: make")
    assert set(told.values()) == {None}
    assert found["small"] == found["big"], "the same copies, by their hashes"
    assert len(found["after"]) == len(TABLES)
    assert [row for row in found["after"] if not row["equal"]] == []
    sales = {row["sale_id"] for row in lake.rows("silver", "fact_sales")}
    assert sales == {8, 9, 11, 12, 13, 20, 30}
    assert lake.watermark("fact_sales").merged_batch_id == 2

    kept = _report(lake, "maintain", "tidy")
    assert {row["table"].removeprefix("glue_catalog.test_") for row in kept} >= {
        f"{layer}.{table}" for layer, table in TABLES
    }
    for layer in ("silver", "gold"):
        assert lake.tables(f"{layer}_rebuild") == set(), "neither copies nor former tables stay"
        place = lake.glue.get_table(DatabaseName=f"test_{layer}", Name=TABLES_OF[layer])["Table"]
        assert "/rebuild-small/" in place["StorageDescriptor"]["Location"]


def test_only_what_the_live_table_has_is_rebuilt() -> None:
    from glue_scripts.rebuild import LedgerUpTo

    batches = [SimpleNamespace(batch_id=n) for n in range(1, 12)]
    whole = SimpleNamespace(batches=lambda table, after: batches[after:])
    limited = LedgerUpTo(whole, {"fact_sales": 10})  # type: ignore[arg-type]
    assert [batch.batch_id for batch in limited.batches("fact_sales", 8)] == [9, 10]
    limited.mark_merged("fact_sales", 10)  # the ledger is not told
