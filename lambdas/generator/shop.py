"""One invocation of the shop's life: what happens, decided and written in one transaction."""

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any, Final, Protocol

import pg8000.exceptions
import pg8000.native
from pydantic import BaseModel, ConfigDict, computed_field

from lakehouse.sql.source import statement
from lambdas.generator.catalogue import catalogue, moved_price
from lambdas.generator.orders import NEXT, candidates, draw_baskets, draw_moves, moves_from
from lambdas.generator.people import People
from lambdas.generator.schema import ensure_schema

SEEDED_TIME: Final = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
"""The time of day that decides who buys when a seed asks for repeatable rows."""
_OVERSAMPLED: Final = 3
"""Keys drawn per row wanted: some of them were deleted, and buyers are chosen among the rest."""


class Volume(Protocol):
    """How much happens; `GeneratorEnvironment` is one."""

    @property
    def new_users(self) -> int:
        """Customers to add."""

    @property
    def new_sales(self) -> int:
        """Orders to place."""

    @property
    def status_changes(self) -> int:
        """Orders to move on."""

    @property
    def changed_addresses(self) -> int:
        """Customers to move."""

    @property
    def changed_prices(self) -> int:
        """Products to price anew."""

    @property
    def products(self) -> int:
        """Size of the catalogue of a new schema."""

    @property
    def seed(self) -> int:
        """0 draws anew each time; any other number repeats its rows."""


class Written(BaseModel):
    """Rows that one invocation wrote, by action."""

    model_config = ConfigDict(frozen=True)

    created_schema: bool
    new_users: int
    changed_addresses: int
    changed_prices: int
    status_changes: int
    new_sales: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def rows(self) -> int:
        """All of them together; the catalogue of a new schema is not counted."""
        counts = (self.new_users, self.changed_addresses, self.changed_prices)
        return sum(counts) + self.status_changes + self.new_sales


def generate(connection: pg8000.native.Connection, volume: Volume) -> Written:
    """Writes one invocation's rows on a plain connection; makes the schema first if it is missing.

    With a seed other than 0 the same seed on the same database state gives the same rows.
    """
    created = ensure_schema(connection, volume.products)
    connection.run("BEGIN")
    try:
        written = _Invocation(connection, volume).run(created)
        connection.run("COMMIT")
        return written
    except pg8000.exceptions.DatabaseError:
        connection.run("ROLLBACK")
        raise


class _Invocation:
    def __init__(self, connection: pg8000.native.Connection, volume: Volume) -> None:
        self._connection = connection
        self._volume = volume
        ((_, last_user, last_sale),) = self._read("last_keys")
        seed = volume.seed
        self._rng = Random(f"{seed}:{last_user}:{last_sale}") if seed else Random()  # noqa: S311
        self._at = SEEDED_TIME if seed else dt.datetime.now(dt.UTC)
        self._people = People(self._rng)
        self._next_user = last_user + 1

    def run(self, created_schema: bool) -> Written:
        """Sales come last: an order is placed at the prices of now and moves on next time."""
        return Written(
            created_schema=created_schema,
            new_users=self._new_users(),
            changed_addresses=self._changed_addresses(),
            changed_prices=self._changed_prices(),
            status_changes=self._status_changes(),
            new_sales=self._new_sales(),
        )

    def _new_users(self) -> int:
        numbers = range(self._next_user, self._next_user + self._volume.new_users)
        people = [self._people.person(number) for number in numbers]
        return self._write(
            "insert_users",
            names=[person.name for person in people],
            emails=[person.email for person in people],
            addresses=[person.address for person in people],
            cities=[person.city for person in people],
            countries=[person.country for person in people],
        )

    def _changed_addresses(self) -> int:
        wanted = self._volume.changed_addresses
        movers = self._read("lock_users", users=self._user_keys(wanted))
        movers = self._rng.sample(movers, min(wanted, len(movers)))
        moves = [self._people.move(city) for _, city in movers]
        return self._write(
            "update_users",
            users=[user for user, _ in movers],
            addresses=[address for address, _ in moves],
            cities=[place.city for _, place in moves],
            countries=[place.country for _, place in moves],
        )

    def _changed_prices(self) -> int:
        keys = [key for key, _ in self._products()]
        wanted = min(self._volume.changed_prices, len(keys))
        locked = self._read("lock_products", products=self._rng.sample(keys, wanted))
        listed = {a.name: a.price for a in catalogue(self._volume.products)}
        prices = [moved_price(self._rng, listed.get(name, price)) for _, name, price in locked]
        return self._write("update_products", products=[key for key, _, _ in locked], prices=prices)

    def _status_changes(self) -> int:
        moved: dict[int, str] = {}
        for status, moves in moves_from(self._volume.status_changes).items():
            limit = candidates(moves)
            oldest = self._read("select_open_sales", status=status.value, limit=limit)
            moved |= draw_moves(self._rng, status, [sale for (sale,) in oldest], moves)
        return self._write(
            "update_sales",
            sales=list(moved),
            statuses=[str(status) for status in moved.values()],
            open=[str(status) for status in NEXT],
        )

    def _new_sales(self) -> int:
        wanted = self._volume.new_sales
        buyers = [(user, city) for user, city in self._buyers(wanted)]
        baskets = draw_baskets(self._rng, wanted, buyers, self._products(), self._at)
        return self._write(
            "insert_sales",
            users=baskets.users,
            products=baskets.products,
            quantities=baskets.quantities,
        )

    def _buyers(self, wanted: int) -> list[list[Any]]:
        return self._read("select_buyers", users=self._user_keys(wanted))

    def _user_keys(self, wanted: int) -> list[int]:
        ((first, last, _),) = self._read("last_keys")
        if not wanted or not last:
            return []
        count = min(_OVERSAMPLED * wanted + 10, last - first + 1)
        return self._rng.sample(range(first, last + 1), count)

    def _products(self) -> list[tuple[int, Decimal]]:
        rows = self._read("select_products")
        return [(key, price) for key, price in rows]

    def _read(self, name: str, **parameters: object) -> list[list[Any]]:
        rows: list[list[Any]] | None = self._connection.run(statement(name), **parameters)
        return rows or []

    def _write(self, name: str, **columns: list[Any]) -> int:
        """Runs a statement over columns of equal length; returns the rows it wrote."""
        if not next(iter(columns.values())):
            return 0
        self._connection.run(statement(name), **columns)
        written: int = self._connection.row_count
        return max(written, 0)
