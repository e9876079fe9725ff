"""What the shop's customers buy, and how orders move on."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.generator.catalogue import (
    PREMIUM_AMOUNT,
    catalogue,
    charm,
    moved_price,
    premium_share,
)
from lambdas.generator.orders import (
    NEXT,
    Status,
    activity,
    draw_baskets,
    draw_moves,
    moves_from,
)

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("size", [50, 200, 1000])
def test_about_a_quarter_of_the_orders_is_premium(size: int) -> None:
    articles = catalogue(size)
    assert 0.22 <= premium_share([article.price for article in articles]) <= 0.29
    products = list(enumerate(article.price for article in articles))
    baskets = draw_baskets(Random(1), 5000, [(1, "Berlin")], products, NOON)
    prices = dict(products)
    amounts = [prices[p] * q for p, q in zip(baskets.products, baskets.quantities, strict=True)]
    assert 0.19 <= sum(amount >= PREMIUM_AMOUNT for amount in amounts) / 5000 <= 0.32


def test_the_catalogue_is_believable() -> None:
    articles = catalogue(300)
    assert len({article.name for article in articles}) == 300
    assert len({article.category for article in articles}) == 8
    assert all(0 < article.price < 20_000 for article in articles)
    assert all(-article.price.as_tuple().exponent <= 2 for article in articles)  # type: ignore[operator]


def test_a_few_products_sell_most() -> None:
    products = [(n, Decimal(10)) for n in range(100)]
    sold = Counter(draw_baskets(Random(1), 10_000, [(1, None)], products, NOON).products)
    best = sum(count for _, count in sold.most_common(20))
    assert 0.4 < best / 10_000 < 0.75
    assert len(sold) == 100


def test_cheap_things_are_bought_in_numbers() -> None:
    def mean(price: int) -> float:
        baskets = draw_baskets(Random(1), 2000, [(1, None)], [(1, Decimal(price))], NOON)
        return sum(baskets.quantities) / 2000

    assert mean(5) > 2 > mean(50) > 1.2 > mean(1500) >= 1


def test_who_sleeps_buys_less() -> None:
    assert activity("Berlin", NOON) > 3 * activity("Los Angeles", NOON)
    buyers = [(1, "Berlin"), (2, "Los Angeles")]
    sold = Counter(draw_baskets(Random(1), 3000, buyers, [(1, Decimal(9))], NOON).users)
    assert sold[1] > 3 * sold[2] > 0
    assert activity("Atlantis", NOON) == activity(None, NOON) > 0


def test_without_buyers_or_products_nothing_is_sold() -> None:
    for buyers, products in (([], [(1, Decimal(1))]), ([(1, None)], [])):
        assert draw_baskets(Random(1), 10, buyers, products, NOON).users == []


def test_a_price_stays_around_its_list_price() -> None:
    rng = Random(1)
    prices = [moved_price(rng, Decimal("99.99")) for _ in range(2000)]
    assert len(set(prices)) > 30
    assert 60 < min(prices) < 95
    assert 105 < max(prices) < 150


@given(st.floats(min_value=0.01, max_value=90_000_000))
def test_every_price_fits_its_column(price: float) -> None:
    assert 0 < charm(price) < 10**8


@given(st.integers(0, 5000))
def test_all_moves_leave_an_open_status(changes: int) -> None:
    shares = moves_from(changes)
    assert sum(shares.values()) == changes
    assert set(shares) == set(NEXT)
    assert min(shares.values()) >= 0


@given(
    st.sampled_from(list(NEXT)),
    st.sets(st.integers(1, 10**9)),
    st.integers(0, 50),
    st.integers(),
)
def test_moves_are_allowed_and_bounded(
    status: Status, sales: set[int], moves: int, seed: int
) -> None:
    drawn = draw_moves(Random(seed), status, sorted(sales), moves)
    assert len(drawn) == min(moves, ceil(0.4 * len(sales)))
    assert set(drawn) <= sales
    assert set(drawn.values()) <= set(NEXT[status])
    assert drawn == draw_moves(Random(seed), status, sorted(sales), moves)


def test_final_statuses_stay() -> None:
    assert not {Status.DELIVERED, Status.CANCELLED} & set(NEXT)
    assert all(abs(sum(ways.values()) - 1) < 1e-9 for ways in NEXT.values())


def test_old_orders_go_first_but_not_strictly() -> None:
    queue = list(range(300))
    counts = Counter(
        sale for seed in range(200) for sale in draw_moves(Random(seed), Status.PENDING, queue, 100)
    )
    assert counts[0] == 200
    assert 0 < counts[150] < 200
    assert counts[299] < counts[150]


def test_some_are_cancelled() -> None:
    ends = Counter(draw_moves(Random(1), Status.PENDING, range(5000), 5000).values())
    assert 0.05 < ends[Status.CANCELLED] / sum(ends.values()) < 0.09
