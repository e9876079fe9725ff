"""What the shop sells: a catalogue with believable prices, and how customers buy from it.

The catalogue is the same everywhere (its seed is fixed), and its price level is set so that about
a quarter of all orders are premium whatever its size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import islice, product
from math import exp, log10
from random import Random
from typing import Final

PREMIUM_AMOUNT: Final = Decimal(500)
"""An order of at least this amount is premium."""
PREMIUM_SHARE: Final = 0.25
"""The share of premium orders that the price level aims at."""
MOST_UNITS: Final = 10
_SEED: Final = "catalogue"
_BISECTIONS: Final = 30

_SERIES: Final = (
    "Alder", "Beacon", "Cobalt", "Dune", "Ember", "Fjord", "Grove", "Harbor", "Iris", "Juniper",
    "Kite", "Lumen", "Meadow", "Nimbus", "Orchard", "Pine", "Quartz", "Ridge", "Slate", "Tundra",
)  # fmt: skip
_CATEGORIES: Final[dict[str, tuple[float, tuple[str, ...]]]] = {
    # category: (middle of its prices before scaling, what is in it)
    "Electronics": (420, ("Laptop", "Headphones", "Monitor", "Tablet", "Speaker", "Camera")),
    "Furniture": (380, ("Desk", "Armchair", "Bookcase", "Sofa", "Wardrobe")),
    "Sports": (160, ("Bicycle", "Tent", "Running Shoes", "Backpack", "Rowing Machine")),
    "Kitchen": (95, ("Espresso Machine", "Knife Set", "Blender", "Saucepan", "Kettle")),
    "Clothing": (70, ("Rain Jacket", "Jeans", "Wool Sweater", "Shirt", "Boots")),
    "Garden": (60, ("Lawn Mower", "Hose", "Planter", "Pruning Shears")),
    "Toys": (35, ("Building Blocks", "Board Game", "Puzzle", "Model Train")),
    "Books": (22, ("Cookbook", "Atlas", "Novel", "Field Guide")),
}
_SPREAD: Final = 0.55
"""Standard deviation of the logarithm of a price within its category."""


@dataclass(frozen=True, slots=True)
class Product:
    """One article at its list price."""

    name: str
    category: str
    price: Decimal


@cache
def catalogue(size: int) -> tuple[Product, ...]:
    """The first `size` articles, best sellers first."""
    rng = Random(_SEED)  # noqa: S311, a shop, not a secret
    articles = [(c, noun) for c, (_, nouns) in _CATEGORIES.items() for noun in nouns]
    rng.shuffle(articles)
    names = list(islice(_names(articles), size))
    rng.shuffle(names)
    levels = [_CATEGORIES[c][0] * exp(rng.gauss(0, _SPREAD)) for c, _ in names]
    low, high = 0.02, 50.0
    for _ in range(_BISECTIONS):
        middle = (low * high) ** 0.5
        if premium_share([charm(level * middle) for level in levels]) < PREMIUM_SHARE:
            low = middle
        else:
            high = middle
    return tuple(
        Product(name, category, charm(level * high))
        for (category, name), level in zip(names, levels, strict=True)
    )


def popularity(rank: int) -> float:
    """How often the article with this rank (from 0) is bought, as a weight with a heavy tail."""
    return float((rank + 5) ** -0.9)


def quantity_weights(price: Decimal) -> list[float]:
    """Weights of buying 1, 2, ... `MOST_UNITS` pieces: the dearer, the fewer."""
    more = min(0.6, max(0.03, 0.8 - 0.25 * log10(max(float(price), 1.0))))
    return [more**units for units in range(MOST_UNITS)]


def premium_share(prices: Sequence[Decimal]) -> float:
    """The expected share of premium orders when the articles, best sellers first, cost `prices`."""
    total = premium = 0.0
    for rank, price in enumerate(prices):
        weights = quantity_weights(price)
        likely = sum(w for n, w in enumerate(weights, 1) if n * price >= PREMIUM_AMOUNT)
        total += popularity(rank)
        premium += popularity(rank) * likely / sum(weights)
    return premium / total


def charm(price: float) -> Decimal:
    """The price as a shop would print it: just below a round figure."""
    whole = max(1, round(price))
    return Decimal(whole) - (Decimal("0.01") if whole < 1000 else Decimal(1))


def moved_price(rng: Random, list_price: Decimal) -> Decimal:
    """A new price around the list price, which it therefore never leaves for good."""
    return charm(float(list_price) * exp(rng.gauss(0, 0.1)))


def _names(articles: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Distinct (category, name) pairs without end."""
    generation = 1
    while True:
        suffix = "" if generation == 1 else f" {generation}"
        for series, (category, noun) in product(_SERIES, articles):
            yield category, f"{series} {noun}{suffix}"
        generation += 1
