"""Seconds of the whole job for an ordinary delta, from the start of its process to its end.

    python -m bench.job --runs 4

The deployed script under spark-submit over the local AWS's services, as the pipeline starts it: a
shop of `--sales` sales, then per run 100 new sales, 100 that moved on, 10 users and 5 products that
changed, one batch each. Java's archive of classes is made by the first two jobs of a checkout; what
is reported are the runs after those. CPU seconds are those of the job's processes.
"""

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from lakehouse.errors import LocalError
from tests.integration.glue.emulated_lake import START, EmulatedLake

ROOT = Path(__file__).parents[1]
USERS, PRODUCTS = 500, 60


class Shop:
    """A shop in an emulated lake that changes by small deltas."""

    def __init__(self, lake: EmulatedLake, sales: int) -> None:
        self.lake, self.sales, self.minute, self.draw = lake, sales, 0, random.Random(1)
        lake.commit("dim_users", [self._user(number) for number in range(1, USERS + 1)])
        lake.commit("dim_products", [self._product(number) for number in range(1, PRODUCTS + 1)])
        lake.commit("fact_sales", [self._sale(number, "PENDING") for number in range(1, sales + 1)])

    def change(self) -> int:
        """Lands one delta; returns its rows."""
        self.minute += 1
        users = [self._user(n) for n in self.draw.sample(range(1, USERS + 1), 10)]
        products = [self._product(n) for n in self.draw.sample(range(1, PRODUCTS + 1), 5)]
        moved = self.draw.sample(range(1, self.sales + 1), 100)
        new = range(self.sales + 1, self.sales + 101)
        sales = [self._sale(n, "SHIPPED") for n in moved] + [self._sale(n, "PENDING") for n in new]
        self.sales += len(new)
        batches = {"dim_users": users, "dim_products": products, "fact_sales": sales}
        for table, rows in batches.items():
            self.lake.commit(table, rows)
        return sum(len(rows) for rows in batches.values())

    def _stamps(self) -> dict[str, Any]:
        return {"created_at": START, "updated_at": START + timedelta(minutes=self.minute)}

    def _user(self, number: int) -> dict[str, Any]:
        return {
            "user_id": number, "name": f"Name {number}", "email": f"u{number}@example.org",
            "address": "1 Road", "city": f"City {(number + self.minute) % 40}", "country": "DE",
            **self._stamps(),
        }  # fmt: skip

    def _product(self, number: int) -> dict[str, Any]:
        return {
            "product_id": number, "name": f"Product {number}", "category": f"Kind {number % 7}",
            "price": Decimal(f"{5 + self.minute}.00"), **self._stamps(),
        }  # fmt: skip

    def _sale(self, number: int, status: str) -> dict[str, Any]:
        price = Decimal(10 + number % 400)
        return {
            "sale_id": number, "user_id": 1 + number % USERS, "product_id": 1 + number % PRODUCTS,
            "quantity": 2, "unit_price": price, "total_amount": 2 * price, "status": status,
            **self._stamps(),
        }  # fmt: skip


def once(lake: EmulatedLake) -> dict[str, float]:
    """One job: wall and CPU seconds; raises LocalError with the job's own words where it fails."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    outcome = lake.run()
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if outcome.state != "SUCCEEDED":
        raise LocalError(f"the job {outcome.state}: {outcome.error_message} ({outcome.log_path})")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="bench.job", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4, help="measured jobs")
    parser.add_argument("--sales", type=int, default=3_000, help="sales before the first delta")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        lake = EmulatedLake(Path(directory), ROOT / ".local" / "jars")
        try:
            shop, runs, rows = Shop(lake, chosen.sales), [], 0
            for number in range(2 + chosen.runs):
                cost = once(lake)
                print("first load" if not number else f"delta {number}", cost, flush=True)
                runs.append(cost)
                rows = shop.change()
        finally:
            lake.close()
    measured = runs[2:]
    median = {name: statistics.median(run[name] for run in measured) for name in measured[0]}
    print(f"a delta of {rows} rows: {median['seconds']} s, {median['cpu_seconds']} s of the CPU")
    print(json.dumps({"bench": "job", "rows": rows, "runs": measured, "median": median}))


if __name__ == "__main__":
    main()
