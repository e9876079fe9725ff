"""A shop that changes in rounds, kept in plain Python: what it holds, and what each round delivers.

Rounds mix what gold finds hard: corrections across the premium limit, cancellations, deletes and
returns, movers whose move is older than sales that were merged before, users who arrive after
their sales, renamed and removed products.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

START = datetime(2026, 3, 1, tzinfo=UTC)
CITIES = (("Bonn", "DE"), ("Essen", "DE"), ("Paris", "FR"), ("Paris", "US"), (None, "DE"))
AMOUNTS = ("500.00", "499.99", "500.01", "0.00", "0.01", "12.34", "999.95", "7.77", None)
NEXT = {"PENDING": "SHIPPED", "SHIPPED": "DELIVERED", "DELIVERED": "CANCELLED"}

Row = dict[str, Any]


@dataclass
class Shop:
    """Its tables by key, the users' homes in order of time, and the rows to deliver next."""

    draw: random.Random
    now: datetime = START
    sales: dict[int, Row] = field(default_factory=dict)
    users: dict[int, Row] = field(default_factory=dict)
    products: dict[int, Row] = field(default_factory=dict)
    homes: list[tuple[int, datetime, str | None, str]] = field(default_factory=list)
    sold_names: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Newest known name and category, also of removed products."""
    late: list[int] = field(default_factory=list)
    """Users who have sales but were not delivered yet."""
    out: dict[str, dict[int, Row]] = field(default_factory=dict)
    last_sale: int = 0

    def tick(self) -> datetime:
        """A later moment."""
        self.now += timedelta(
            seconds=self.draw.randint(1, 4000), microseconds=self.draw.randint(0, 9)
        )
        return self.now

    def deliver(self) -> dict[str, list[Row]]:
        """The last state of each row that changed since the last time, as a poll sees it."""
        out, self.out = self.out, {}
        return {table: list(rows.values()) for table, rows in out.items()}

    def _put(self, table: str, key: int, row: Row, op: str = "U") -> None:
        self.out.setdefault(table, {})[key] = {**row, "_op": op}

    def put_user(self, user_id: int, at: datetime) -> None:
        """Arrives, moves, or changes something else."""
        home = self.draw.choice(CITIES)
        same = self.users.get(user_id)
        if same and self.draw.random() < 0.3:
            home = (same["city"], same["country"])
        made = same["created_at"] if same else at
        row = {
            "user_id": user_id, "name": f"N{self.draw.randint(0, 9)}", "email": "a@b",
            "address": "x", "city": home[0], "country": home[1],
            "created_at": made, "updated_at": at,
        }  # fmt: skip
        self.users[user_id] = row
        self.homes.append((user_id, at, *home))
        self._put("dim_users", user_id, row)

    def put_product(self, product_id: int) -> None:
        """Arrives or gets another name, category and price."""
        at = self.tick()
        row = {
            "product_id": product_id, "name": f"P{self.draw.randint(0, 99)}",
            "category": self.draw.choice("xyz"), "price": Decimal("1.50"),
            "created_at": at, "updated_at": at,
        }  # fmt: skip
        self.products[product_id] = row
        self.sold_names[product_id] = (row["name"], row["category"])
        self._put("dim_products", product_id, row)

    def put_sale(self, sale_id: int | None = None, user_id: int | None = None) -> None:
        """A new sale, or another state of one."""
        at = self.tick()
        if sale_id is None:
            self.last_sale = sale_id = self.last_sale + 1
        amount = self.draw.choice(AMOUNTS)
        before = self.sales.get(sale_id)
        row = {
            "sale_id": sale_id,
            "user_id": user_id or self.draw.choice([*self.users, *self.late]),
            "product_id": self.draw.randint(1, 14), "quantity": self.draw.randint(1, 5),
            "unit_price": Decimal("1.50"),
            "total_amount": None if amount is None else Decimal(amount),
            "status": "PENDING", "created_at": at - timedelta(hours=self.draw.randint(0, 60)),
        }  # fmt: skip
        if before:
            kept = dict(before)
            what = self.draw.choice(("status", "total_amount", "quantity", "cancelled", "all"))
            if what == "status":
                kept["status"] = NEXT.get(before["status"], "PENDING")
            elif what == "cancelled":
                kept["status"] = "CANCELLED"
            elif what != "all":
                kept[what] = row[what]
            row = row | {"sale_id": sale_id} if what == "all" else kept
        row["updated_at"] = at
        self.sales[sale_id] = row
        self._put("fact_sales", sale_id, row)

    def remove(self, table: str, key: int) -> None:
        """A row is deleted; its tombstone carries the key and the time."""
        held = {"fact_sales": self.sales, "dim_users": self.users, "dim_products": self.products}
        row = held[table].pop(key)
        name = {"fact_sales": "sale_id", "dim_users": "user_id", "dim_products": "product_id"}[
            table
        ]
        self._put(table, key, {name: row[name], "updated_at": self.tick()}, "D")


def first_load(seed: int) -> Shop:
    """30 users, 12 products, 300 sales; a few of them of users who are not there yet."""
    shop = Shop(random.Random(seed))
    for user_id in range(1, 31):
        shop.put_user(user_id, shop.tick())
    for product_id in range(1, 13):
        shop.put_product(product_id)
    shop.late = [101, 102]
    for _ in range(300):
        shop.put_sale()
    return shop


def change(shop: Shop, number: int) -> None:
    """One round of everything at once."""
    draw = shop.draw
    for _ in range(25):
        shop.put_sale()
    oldest = min(shop.sales.values(), key=lambda sale: sale["created_at"])["sale_id"]
    for sale_id in {oldest, *draw.sample(sorted(shop.sales), 25)}:
        shop.put_sale(sale_id)
    for sale_id in draw.sample(sorted(shop.sales), 5):
        shop.remove("fact_sales", sale_id)
    if number == 2:
        for sale_id in [s for s, row in shop.sales.items() if row["status"] == "SHIPPED"]:
            shop.remove("fact_sales", sale_id)
    for user_id in draw.sample(sorted(shop.users), 4):
        # The move was hours ago; sales placed since then may have been merged already.
        known = max(home[1] for home in shop.homes if home[0] == user_id)
        moved = max(known + timedelta(seconds=1), shop.now - timedelta(hours=draw.randint(0, 50)))
        shop.put_user(user_id, moved)
    if number % 3 == 0:
        # Arrived too late for some of their sales, and their history begins before others.
        for user_id in shop.late:
            shop.put_user(user_id, shop.now - timedelta(hours=30))
        shop.late = [] if number == 3 else [110 + number]
    newcomer = 40 + number
    shop.put_user(newcomer, shop.tick())
    shop.put_sale(user_id=newcomer)
    gone = draw.choice(sorted(shop.users))
    if draw.random() < 0.5 and gone != newcomer and gone not in shop.out["dim_users"]:
        shop.remove("dim_users", gone)
    for product_id in draw.sample(range(1, 15), 3):
        if product_id in shop.products and draw.random() < 0.4:
            shop.remove("dim_products", product_id)
        else:
            shop.put_product(product_id)
