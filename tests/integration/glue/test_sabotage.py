"""What goes wrong between two runs is caught by the next one, named, and mended by its remedy.

docs/reconciliation.md has this as a table.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse import ledger
from local.repair import void
from tests.integration.glue.emulated_lake import EmulatedLake
from tests.integration.glue.test_merge_job import _at, _ok, _product, _sale, _user

TABLES = (
    ("silver", "dim_users"), ("silver", "dim_products"), ("silver", "fact_sales"),
    ("silver", "fact_sales_status"), ("gold", "city_performance"), ("gold", "daily_sales"),
    ("gold", "order_status"), ("gold", "product_performance"),
)  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[EmulatedLake]:
    lake = EmulatedLake(tmp_path_factory.mktemp("sabotaged"), jars)
    yield lake
    lake.close()


def _state(lake: EmulatedLake) -> dict[str, list[str]]:
    """Rows by content: neither batches nor the time of a batch's arrival."""
    ours = ("_batch_id", "_ingested_at", "_deleted_batch_id")
    return {
        table: sorted(
            repr({k: v for k, v in row.items() if k not in ours}) for row in lake.rows(layer, table)
        )
        for layer, table in TABLES
    }


def _failures(lake: EmulatedLake, **arguments: str) -> dict[str, str]:
    """What the failing run says, by table."""
    outcome = lake.run(**arguments)
    assert outcome.state == "FAILED", outcome.log_path.read_text()[-4000:]
    parts = re.split(r"(?:^MergeError: |; )(\w+): ReconciliationError: ", outcome.error_message)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _trust(lake: EmulatedLake) -> dict[str, dict[str, Any]]:
    """The newest outcome of each table."""
    rows = sorted(lake.rows("gold", "reconciliation"), key=lambda row: row["checked_at"])
    return {row["source_table"]: row for row in rows}


def _object(lake: EmulatedLake, table: str, batch: int) -> tuple[str, bytes]:
    (key,) = [k for k in lake.bronze_keys(table) if f"/{ledger.batch_name(batch)}-" in k]
    return key, lake.s3.get_object(Bucket="test-bronze", Key=key)["Body"].read()


def test_a_run_says_what_it_compared(lake: EmulatedLake) -> None:
    lake.commit("dim_users", [_user(1, "Berlin"), _user(2, "Bonn")])
    lake.commit("dim_products", [_product(1), _product(2)])
    bad = _sale(9, 1, "1.00", quantity=0)
    lake.commit(
        "fact_sales",
        [_sale(1, 1, "600.00"), _sale(2, 2, "10.00"), _sale(3, 1, "5.00"), _sale(4, 1, "-1.00")],
        held_back={'ColumnValues "quantity" > 0': [bad]},
    )
    _ok(lake)
    found = _trust(lake)
    assert {table: row["is_reconciled"] for table, row in found.items()} == dict.fromkeys(
        ("dim_users", "dim_products", "fact_sales", "gold"), True
    )
    sales = found["fact_sales"]
    assert (sales["bronze_rows"], sales["bronze_keys"]) == (5, 5)
    assert (sales["silver_keys"], sales["quarantined_keys"]) == (3, 2)
    metrics = lake.metric_values("ReconciliationFailed")
    assert metrics == {table: [0.0] for table in found}


def test_bronze_that_is_not_what_was_landed(lake: EmulatedLake) -> None:
    lake.commit("dim_users", [_user(3, "Kiel")])
    lake.commit("dim_products", [_product(3)])
    lake.commit("fact_sales", [_sale(5, 1, "7.00"), {"sale_id": 3, "_op": "D"}])
    before = _state(lake)
    gone, _ = _object(lake, "dim_users", 2)
    altered, body = _object(lake, "fact_sales", 2)
    extra = _object(lake, "dim_products", 1)[0].replace("-000", "-001")
    lake.s3.delete_object(Bucket="test-bronze", Key=gone)
    lake.s3.put_object(Bucket="test-bronze", Key=altered, Body=lake.altered(body, "quantity", 99))
    lake.s3.put_object(Bucket="test-bronze", Key=extra, Body=_object(lake, "dim_products", 1)[1])
    said = _failures(lake)
    assert said["dim_users"].startswith(
        f"dim_users: batch {ledger.batch_name(2)}: s3://test-bronze/{gone} is gone"
    )
    assert "make repair TABLE=dim_users BATCH=2" in said["dim_users"]
    assert said["fact_sales"].startswith(
        f"fact_sales: batch {ledger.batch_name(2)}: s3://test-bronze/{altered} has "
    )
    assert "make repair TABLE=fact_sales BATCH=2" in said["fact_sales"]
    assert said["dim_products"].startswith(
        f"dim_products: no batch has landed s3://test-bronze/{extra}"
    )
    assert _state(lake) == before, "nothing of it reaches silver"
    trust = _trust(lake)
    assert trust["fact_sales"]["is_reconciled"] is False
    assert trust["fact_sales"]["first_batch_id"] == ledger.batch_name(2)
    assert trust["fact_sales"]["detail"] == said["fact_sales"]
    assert lake.metric_values("ReconciliationFailed")["fact_sales"] == [0.0, 1.0]


def test_bronze_is_mended_by_reading_again(lake: EmulatedLake) -> None:
    """The remedies: `make repair` with a batch, and `aws s3 rm`."""
    extra = [key for key in lake.bronze_keys("dim_products") if "-001" in key]
    lake.s3.delete_object(Bucket="test-bronze", Key=extra[0])
    for table in ("dim_users", "fact_sales"):
        (batch,) = lake.ledger.batches(table, 1)
        contract = lake.contracts[table]
        void(lake.ledger, lake.s3, "test-bronze", contract, batch)
        assert lake.watermark(table).restart_from is not None
    # what the ingest then lands, which is not a part of this lake
    lake.commit("dim_users", [_user(3, "Kiel")])
    lake.commit("fact_sales", [_sale(5, 1, "7.00"), {"sale_id": 3, "_op": "D"}])
    _ok(lake)
    assert {row["user_id"] for row in lake.rows("silver", "dim_users")} == {1, 2, 3}
    sales = {row["sale_id"]: row["quantity"] for row in lake.rows("silver", "fact_sales")}
    assert sales == {1: 2, 2: 2, 5: 2}


def test_silver_and_gold_changed_by_hand_and_a_skipped_batch(lake: EmulatedLake) -> None:
    right = _state(lake)
    lake.change("silver", "dim_products", "product_id = 1", price=Decimal("11.00"))
    day = lake.rows("gold", "daily_sales")[0]["sale_date"]
    lake.change("gold", "daily_sales", f"sale_date = '{day}'", total_revenue=Decimal("1.00"))
    lake.commit("dim_users", [_user(1, "Essen", 60)])
    lake.set_mark("dim_users", "4")
    said = _failures(lake)
    assert said["dim_products"].startswith(
        "dim_products: changed in silver by another than the job, in snapshot "
    )
    assert '1 key(s): {"product_id":1}; make repair TABLE=dim_products' in said["dim_products"]
    assert said["dim_users"].startswith(f"dim_users: batch {ledger.batch_name(4)} was skipped")
    assert "make repair TABLE=dim_users" in said["dim_users"]
    assert said["gold"].startswith("gold: daily_sales has 1.00 revenue, the others have 617.00")
    assert "make repair TABLE=gold" in said["gold"]

    lake.commit("fact_sales", [_sale(6, 2, "20.00", placed=70, changed=70)])
    _ok(lake, repair="dim_users,dim_products,gold")
    sales = {row["sale_id"]: row["total_amount"] for row in lake.rows("silver", "fact_sales")}
    assert sales[2] == Decimal("10.00")
    assert sales[6] == Decimal("20.00")
    homes = [r for r in lake.rows("silver", "dim_users") if r["user_id"] == 1]
    assert {(r["city"], r["valid_from"], r["is_current"]) for r in homes} == {
        ("Berlin", _at(0), False), ("Essen", _at(60), True),
    }  # fmt: skip
    (daily,) = lake.rows("gold", "daily_sales")
    assert daily["total_revenue"] == Decimal("637.00")
    after = _state(lake)
    assert after["dim_products"] == right["dim_products"]
    assert set(right["fact_sales"]) < set(after["fact_sales"])
    assert all(row["is_reconciled"] for row in _trust(lake).values() if row["run_id"] == "run-5")
