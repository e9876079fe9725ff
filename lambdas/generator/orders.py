"""Who orders what, and how an order moves on: decisions only, no database."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from math import ceil
from random import Random
from typing import Final

from lakehouse.geography import cities
from lambdas.generator.catalogue import MOST_UNITS, popularity, quantity_weights


class Status(StrEnum):
    """The stations of an order."""

    PENDING = "PENDING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


NEXT: Final[Mapping[Status, Mapping[Status, float]]] = {
    Status.PENDING: {Status.SHIPPED: 0.93, Status.CANCELLED: 0.07},
    Status.SHIPPED: {Status.DELIVERED: 0.985, Status.CANCELLED: 0.015},
}
"""Where an open order goes next, with the shares; what is not a key here is final."""
SHIPPING_SHARE: Final = 0.52
"""Share of the moves that leave PENDING; the flow is steady when as many leave as arrive."""
_HOURS: Final = (
    0.35, 0.2, 0.12, 0.1, 0.1, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0,
    1.05, 1.0, 0.95, 0.95, 1.0, 1.1, 1.25, 1.45, 1.55, 1.4, 1.05, 0.65,
)  # fmt: skip
"""Buying activity by local hour, 1 on average in the daytime."""
_PATIENCE: Final = 3
"""An order may be overtaken by those within this many times the number of moves behind it."""

_AT_ONCE: Final = 0.4
"""Share of the orders looked at that moves in one invocation: the others wait, as orders do, so
that every status is seen and none grows without end."""


@dataclass(frozen=True, slots=True)
class Baskets:
    """New orders as columns of equal length."""

    users: list[int]
    products: list[int]
    quantities: list[int]


def activity(city: str | None, at: dt.datetime) -> float:
    """How likely someone in `city` orders at `at` (aware), by the sun's time there."""
    place = cities().get(city or "")
    east = place.longitude if place else 0.0
    now = at.astimezone(dt.UTC)
    return _HOURS[int(now.hour + now.minute / 60 + east / 15) % 24]


def draw_baskets(
    rng: Random,
    count: int,
    buyers: Sequence[tuple[int, str | None]],
    products: Sequence[tuple[int, Decimal]],
    at: dt.datetime,
) -> Baskets:
    """Draws `count` orders: buyers where it is day, products by popularity (best sellers first)."""
    if not buyers or not products:
        return Baskets([], [], [])
    awake = list(accumulate(activity(city, at) for _, city in buyers))
    liked = list(accumulate(popularity(rank) for rank in range(len(products))))
    users = [user for user, _ in rng.choices(buyers, cum_weights=awake, k=count)]
    bought = rng.choices(products, cum_weights=liked, k=count)
    units = range(1, MOST_UNITS + 1)
    quantities = [rng.choices(units, quantity_weights(price))[0] for _, price in bought]
    return Baskets(users, [key for key, _ in bought], quantities)


def moves_from(changes: int) -> dict[Status, int]:
    """How many of `changes` moves leave each open status."""
    pending = round(changes * SHIPPING_SHARE)
    return {Status.PENDING: pending, Status.SHIPPED: changes - pending}


def candidates(moves: int) -> int:
    """How many of the oldest orders to look at for `moves` moves."""
    return _PATIENCE * moves


def draw_moves(rng: Random, status: Status, oldest: Sequence[int], moves: int) -> dict[int, Status]:
    """Picks up to `moves` of the orders in `status` (`oldest` first) and where they go.

    Old orders are likelier than young ones, so waiting times scatter around their mean.
    """
    most = min(moves, ceil(len(oldest) * _AT_ONCE))
    kept = sorted(oldest, key=dict(_ages(rng, oldest)).__getitem__)[:most]
    ways = NEXT[status]
    return {sale: rng.choices(list(ways), list(ways.values()))[0] for sale in kept}


def _ages(rng: Random, oldest: Sequence[int]) -> list[tuple[int, float]]:
    """Each order's place in the queue, shaken."""
    return [(sale, place * rng.uniform(0.2, 1.0)) for place, sale in enumerate(oldest, 1)]
