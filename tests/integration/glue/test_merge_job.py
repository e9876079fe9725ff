"""The deployed script, run as Glue runs it, against the emulator with authentication on."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse import ledger
from lakehouse.contract import load_contracts
from lakehouse.dictionary import entries
from lakehouse.ledger import PARTITION_KEY, SORT_KEY, batch_item
from lakehouse.views import load_views
from tests.integration.glue.emulated_lake import START, EmulatedLake

QUANTITY = 'ColumnValues "quantity" > 0'


def _at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def _user(user_id: int, city: str | None, minutes: int = 0) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "name": "A",
        "email": "a@example.org",
        "address": "1 Road",
        "city": city,
        "country": "DE",
        "created_at": START,
        "updated_at": _at(minutes),
    }


def _product(product_id: int) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "name": f"Product {product_id}",
        "category": "Things",
        "price": Decimal("5.00"),
        "created_at": START,
        "updated_at": START,
    }


def _sale(
    sale_id: int, user_id: int, amount: str, placed: int = 1, changed: int = 1, **other: Any
) -> dict[str, Any]:
    return {
        "sale_id": sale_id,
        "user_id": user_id,
        "product_id": 1,
        "quantity": 2,
        "unit_price": Decimal("5.00"),
        "total_amount": Decimal(amount),
        "status": "PENDING",
        "created_at": _at(placed),
        "updated_at": _at(changed),
        **other,
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[EmulatedLake]:
    lake = EmulatedLake(tmp_path_factory.mktemp("lake"), jars)
    yield lake
    lake.close()


def _snapshot(lake: EmulatedLake) -> dict[str, list[str]]:
    tables = [
        *(("silver", t) for t in ("dim_users", "dim_products", "fact_sales", "fact_sales_status")),
        ("silver", "quarantine"),
        *(("gold", t) for t in ("city_performance", "daily_sales", "order_status")),
        *(("gold", t) for t in ("product_performance", "table_health", "quality_results")),
    ]
    return {t: sorted(map(repr, lake.rows(layer, t))) for layer, t in tables}


def _held(lake: EmulatedLake) -> dict[tuple[int, int], tuple[str, int | None]]:
    """Entries of silver's quarantine: (key, batch) to (rule, batch that supersedes it)."""
    rows = lake.rows("silver", "quarantine")
    found = {
        (json.loads(row["row_key"])["sale_id"], int(row["batch_id"])): (
            row["failed_rules"],
            int(row["superseded_by"]) if row["superseded_by"] else None,
        )
        for row in rows
    }
    assert len(found) == len(rows), "an entry is there twice"
    return found


def _ok(lake: EmulatedLake, **arguments: str) -> None:
    outcome = lake.run(**arguments)
    assert outcome.state == "SUCCEEDED", outcome.log_path.read_text()[-4000:]


def test_from_bronze_to_gold(lake: EmulatedLake) -> None:
    lake.commit("dim_users", [_user(1, "Berlin"), _user(2, "Bonn")])
    lake.commit("dim_products", [_product(1)])
    lake.commit(
        "fact_sales",
        [
            _sale(1, 1, "500.00"),
            _sale(2, 2, "10.10"),
            _sale(3, 1, "1.00", status="CANCELLED"),
            _sale(4, 1, "-1.00"),
        ],
        held_back={
            QUANTITY: [_sale(7, 1, "1.00", quantity=-7), _sale(8, 1, "1.00", quantity=0)],
            "unit_price: numeric(10,2) not a number": [_sale(9, 1, "1.00", quantity=0)],
        },
    )
    _ok(lake)
    assert {row["sale_id"] for row in lake.rows("silver", "fact_sales")} == {1, 2, 3}
    held = _held(lake)
    assert {key: rule for (key, _), (rule, _) in held.items()} == {
        4: 'ColumnValues "total_amount" >= 0',
        7: QUANTITY,
        8: QUANTITY,
        9: "unit_price: numeric(10,2) not a number",
    }
    assert {batch for _, batch in held} == {1}
    assert set(held.values()) == {(rule, None) for rule, _ in held.values()}
    raw = {json.loads(r["row_key"])["sale_id"]: r for r in lake.rows("silver", "quarantine")}
    assert '"quantity":-7' in raw[7]["raw_row"]
    assert '"total_amount":"1.00"' in raw[7]["raw_row"]
    assert raw[7]["quarantined_at"] == _at(1)
    cities = {row["city"]: row for row in lake.rows("gold", "city_performance")}
    assert cities["Berlin"]["total_revenue"] == Decimal("501.00")
    assert cities["Berlin"]["net_revenue"] == Decimal("500.00")
    assert cities["Berlin"]["premium_market_share"] == Decimal("99.80")
    health = {row["source_table"]: row for row in lake.rows("gold", "table_health")}
    assert (health["fact_sales"]["rows"], health["fact_sales"]["quarantined_keys"]) == (3, 4)
    assert lake.watermark("fact_sales").merged_batch_id == 1

    before = _snapshot(lake)
    _ok(lake)
    assert _snapshot(lake) == before


def test_a_delta_with_an_update_a_delete_a_mover_and_a_repair(lake: EmulatedLake) -> None:
    lake.commit("dim_users", [_user(1, "Essen", 60)])
    lake.commit(
        "fact_sales",
        [
            _sale(2, 2, "10.10", changed=61, status="SHIPPED"),
            {"sale_id": 3, "_op": "D", "updated_at": _at(62)},
            _sale(4, 1, "700.00", changed=62),
            _sale(5, 1, "20.00", placed=63, changed=63),
            _sale(8, 1, "30.00", placed=63, changed=63),
            {"sale_id": 9, "_op": "D", "updated_at": _at(63)},
        ],
    )
    lake.commit(
        "fact_sales",
        [_sale(5, 1, "-20.00", placed=63, changed=64)],
        held_back={
            QUANTITY: [
                _sale(2, 2, "10.10", quantity=-2, changed=64),
                _sale(7, 1, "1.00", quantity=-8, changed=64),
            ]
        },
    )
    _ok(lake)
    sales = {row["sale_id"]: row for row in lake.rows("silver", "fact_sales")}
    assert {key: row["status"] for key, row in sales.items()} == {
        1: "PENDING", 2: "SHIPPED", 4: "PENDING", 5: "PENDING", 8: "PENDING",
    }  # fmt: skip
    assert sales[2]["quantity"] == 2, "silver stays at the last good version"
    assert sales[5]["total_amount"] == Decimal("20.00"), "the bad version stays outside"
    homes = [row for row in lake.rows("silver", "dim_users") if row["user_id"] == 1]
    assert {(row["city"], row["is_current"]) for row in homes} == {
        ("Berlin", False), ("Essen", True),
    }  # fmt: skip
    assert {row["valid_to"] for row in homes} == {_at(60), None}
    cities = {row["city"]: row["total_revenue"] for row in lake.rows("gold", "city_performance")}
    assert cities == {
        "Berlin": Decimal("1200.00"), "Bonn": Decimal("10.10"), "Essen": Decimal("50.00"),
    }  # fmt: skip
    moves = [row for row in lake.rows("silver", "fact_sales_status") if row["sale_id"] == 2]
    assert {(row["status"], row["changed_at"]) for row in moves} == {
        ("PENDING", _at(1)), ("SHIPPED", _at(61)),
    }  # fmt: skip
    later = {entry: superseded for entry, (_, superseded) in _held(lake).items()}
    assert later == {
        (4, 1): 2, (5, 3): None, (7, 1): 3, (8, 1): 2, (9, 1): 2, (2, 3): None, (7, 3): None,
    }  # fmt: skip
    health = {row["source_table"]: row for row in lake.rows("gold", "table_health")}
    assert (health["fact_sales"]["rows"], health["fact_sales"]["quarantined_keys"]) == (5, 3)


def test_a_job_killed_before_its_mark_does_the_same_again(lake: EmulatedLake) -> None:
    before = _snapshot(lake)
    for table in ("dim_users", "fact_sales"):
        lake.set_mark(table, "1")
    _ok(lake)
    after = _snapshot(lake)
    silver = ("dim_users", "fact_sales", "fact_sales_status", "quarantine")
    gold = ("city_performance", "daily_sales", "order_status", "product_performance")
    assert {t: after[t] for t in (*silver, *gold)} == {t: before[t] for t in (*silver, *gold)}


def test_a_bad_table_fails_alone(lake: EmulatedLake) -> None:
    lake.commit("dim_users", [_user(3, "Kiel")])
    lake.commit("fact_sales", [_sale(6, 3, "9.00")])
    (key,) = [k for k in lake.bronze_keys("fact_sales") if "000000000004" in k]
    body = lake.s3.get_object(Bucket="test-bronze", Key=key)["Body"].read()
    lake.s3.delete_object(Bucket="test-bronze", Key=key)
    outcome = lake.run()
    assert outcome.state == "FAILED"
    assert outcome.error_message.startswith("MergeError: fact_sales: ")
    assert key in outcome.error_message
    assert "dim_users" not in outcome.error_message
    assert 3 in {row["user_id"] for row in lake.rows("silver", "dim_users")}
    assert lake.watermark("fact_sales").merged_batch_id == 3
    lake.s3.put_object(Bucket="test-bronze", Key=key, Body=body)
    _ok(lake)
    assert 6 in {row["sale_id"] for row in lake.rows("silver", "fact_sales")}


def test_a_batch_that_the_ledger_lost_fails_its_table_alone(lake: EmulatedLake) -> None:
    before = lake.watermark("dim_products").merged_batch_id
    lake.commit("dim_products", [_product(30)])
    lake.commit("dim_products", [_product(31)])
    lake.commit("dim_users", [_user(30, "Kiel")])
    key = {PARTITION_KEY: {"S": "dim_products"}, SORT_KEY: {"S": batch_item(before + 1)}}
    item = lake.dynamodb.get_item(TableName="watermarks", Key=key)["Item"]
    lake.dynamodb.delete_item(TableName="watermarks", Key=key)
    outcome = lake.run()
    assert outcome.state == "FAILED"
    assert outcome.error_message.startswith("MergeError: dim_products: LedgerError: ")
    assert f"batch {ledger.batch_name(before + 1)} is missing" in outcome.error_message
    assert "dim_users" not in outcome.error_message
    assert "fact_sales" not in outcome.error_message
    assert 30 in {row["user_id"] for row in lake.rows("silver", "dim_users")}
    assert lake.watermark("dim_products").merged_batch_id == before
    lake.dynamodb.put_item(TableName="watermarks", Item=item)
    _ok(lake)
    assert {30, 31} <= {row["product_id"] for row in lake.rows("silver", "dim_products")}


def test_a_failing_rule_about_the_set_stops_the_table(lake: EmulatedLake) -> None:
    twice = [_user(7, "Ulm"), _user(7, "Hof")]
    lake.commit("dim_users", twice)
    outcome = lake.run(quality_mode="stop")
    assert outcome.state == "FAILED"
    assert 'dim_users: QualityError: dim_users: rule IsUnique "user_id"' in outcome.error_message
    assert 7 not in {row["user_id"] for row in lake.rows("silver", "dim_users")}
    failed = [r for r in lake.rows("gold", "quality_results") if r["outcome"] == "Failed"]
    assert 'IsUnique "user_id"' in {row["rule"] for row in failed}
    _ok(lake, quality_mode="warn")
    assert 7 in {row["user_id"] for row in lake.rows("silver", "dim_users")}


def test_a_reference_without_a_partner_warns(lake: EmulatedLake) -> None:
    lake.commit("fact_sales", [_sale(20, 404, "1.00"), _sale(21, 1, "1.00")])
    _ok(lake, quality_mode="stop", run_id="references")
    assert 20 in {row["sale_id"] for row in lake.rows("silver", "fact_sales")}
    told = {
        row["rule"]: (row["outcome"], row["failure_reason"])
        for row in lake.rows("gold", "quality_results")
        if row["run_id"] == "references" and row["rule"].startswith("ReferentialIntegrity")
    }
    assert told == {
        'ReferentialIntegrity "user_id" "dim_users.user_id" = 1.0': (
            "Failed",
            "Value: 0.5 does not meet the constraint requirement!",
        ),
        'ReferentialIntegrity "product_id" "dim_products.product_id" = 1.0': ("Passed", None),
    }


def test_a_script_that_raises_fails_with_its_exception(lake: EmulatedLake, tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise ValueError('the script is broken')\n")
    outcome = lake.run(script)
    assert (outcome.state, outcome.error_message) == ("FAILED", "ValueError: the script is broken")
    script.write_text("def (:\n")
    assert lake.run(script).error_message.startswith("SyntaxError: ")


def test_a_run_can_be_stopped(lake: EmulatedLake, tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text("import time\nprint('started', flush=True)\ntime.sleep(600)\n")
    seen: list[str] = []
    outcome = lake.run(script, on_line=seen.append, stopped=lambda: "started" in seen)
    assert outcome.state == "STOPPED"


def test_the_tables_are_those_of_the_data_dictionary(lake: EmulatedLake) -> None:
    written = [e for e in entries(load_contracts()) if e.layer in ("silver", "gold")]
    made = {(layer, table) for layer in ("silver", "gold") for table in lake.tables(layer)}
    assert made == {(entry.layer, entry.name) for entry in written}
    for entry in written:
        table = lake.glue.get_table(DatabaseName=f"test_{entry.layer}", Name=entry.name)["Table"]
        columns = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
        assert columns == entry.columns, entry.name


def test_every_view_reads_tables_that_the_job_made(lake: EmulatedLake) -> None:
    made = {f"${{{layer}}}.{table}" for layer in ("silver", "gold") for table in lake.tables(layer)}
    for name, sql in load_views().items():
        assert any(f"FROM {table}\n" in f"{sql}\n" for table in made), name
