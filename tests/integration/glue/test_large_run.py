"""A load of more rows than a delta has: the job then works with other settings and shorter ways."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse.ledger import Kind, batch_name
from lakehouse.spark_conf import SMALL_ROWS
from tests.integration.glue.emulated_lake import START, EmulatedLake

HALF = SMALL_ROWS * 6 // 10
USERS = 300
STATUSES = ("PENDING", "SHIPPED", "DELIVERED", "CANCELLED")


@pytest.fixture
def lake(tmp_path: Path, jars: Path) -> Iterator[EmulatedLake]:
    lake = EmulatedLake(tmp_path, jars)
    yield lake
    lake.close()


@dataclass(frozen=True)
class Sale:
    """A sale as it was read, in a batch of the load."""

    number: int
    batch: int
    status: str

    @property
    def amount(self) -> Decimal:
        return Decimal(self.number * 7 % 100_000) / 100

    def row(self) -> dict[str, Any]:
        placed = START - timedelta(seconds=self.number)
        return {
            "sale_id": self.number,
            "user_id": self.number % USERS,
            "product_id": 1,
            "quantity": 1,
            "unit_price": self.amount,
            "total_amount": self.amount,
            "status": self.status,
            "created_at": placed,
            "updated_at": placed + timedelta(hours=self.batch),
            "_op": "I",
        }


def _user(number: int) -> dict[str, Any]:
    return {
        "user_id": number,
        "name": "A",
        "email": "a@example.org",
        "address": "1 Road",
        "city": f"City {number % 7}",
        "country": "DE",
        "created_at": START - timedelta(days=9),
        "updated_at": START - timedelta(days=9),
        "_op": "I",
    }


@pytest.mark.parametrize("moved", [0, 500], ids=["each key once", "rows that moved on"])
def test_silver_and_gold_of_a_large_load(lake: EmulatedLake, moved: int) -> None:
    product = {"product_id": 1, "name": "A", "category": "B", "price": Decimal(5), "_op": "I"}
    times = {"created_at": START - timedelta(days=9), "updated_at": START - timedelta(days=9)}
    lake.commit("dim_users", [_user(number) for number in range(USERS)], kind=Kind.LOAD)
    lake.commit("dim_products", [{**product, **times}], kind=Kind.LOAD)
    first = [Sale(number, 1, STATUSES[number % 4]) for number in range(HALF)]
    second = [Sale(number, 2, STATUSES[number % 4]) for number in range(HALF, 2 * HALF)]
    # Half of those that moved on while the load went on have another status since.
    second += [Sale(number, 2, STATUSES[number // 2 % 4]) for number in range(moved)]
    for batch in (first, second):
        lake.commit("fact_sales", [sale.row() for sale in batch], kind=Kind.LOAD)
    outcome = lake.run(workers=4)
    assert outcome.state == "SUCCEEDED", outcome.log_path.read_text()[-4000:]

    newest = {sale.number: sale for sale in [*first, *second]}
    silver = lake.rows("silver", "fact_sales")
    found = {row["sale_id"]: (row["_batch_id"], row["status"]) for row in silver}
    assert found == {n: (batch_name(sale.batch), sale.status) for n, sale in newest.items()}
    assert len(silver) == 2 * HALF
    changes = [s for s in second if s.number < HALF and s.status != first[s.number].status]
    states = Counter((s.number, s.status) for s in [*first, *second[:HALF], *changes])
    kept = lake.rows("silver", "fact_sales_status")
    assert Counter((row["sale_id"], row["status"]) for row in kept) == states

    cities = {row["city"]: row for row in lake.rows("gold", "city_performance")}
    by_city: dict[str, list[Sale]] = {}
    for sale in newest.values():
        by_city.setdefault(f"City {sale.number % USERS % 7}", []).append(sale)
    assert cities.keys() == by_city.keys()
    for city, sales in by_city.items():
        premium = [sale.amount for sale in sales if sale.amount >= 500]
        assert cities[city]["total_orders"] == len(sales)
        assert cities[city]["premium_orders"] == len(premium)
        assert cities[city]["premium_revenue"] == sum(premium)
        assert cities[city]["total_revenue"] == sum(sale.amount for sale in sales)
        living = [sale.amount for sale in sales if sale.status != "CANCELLED"]
        assert cities[city]["net_revenue"] == sum(living)
