"""Formatting and derived numbers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas
import pytest
import sample_lake
from hypothesis import given
from hypothesis import strategies as st

from dashboard import figures
from dashboard.figures import Level
from dashboard.queries import typed
from dashboard.views import DAILY_SALES, FRESHNESS, QUALITY, RECONCILIATION

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (Decimal("1284330.5"), "USD", "$1,284,330.50"),
        (Decimal("-0.004"), "EUR", "€0.00"),
        (Decimal("-1234.565"), "GBP", "-£1,234.56"),
        (Decimal("12345678901234567890.12"), "CHF", "CHF 12,345,678,901,234,567,890.12"),
        (None, "USD", "n/a"),
        (pandas.NA, "USD", "n/a"),
    ],
)
def test_money(amount: Decimal | None, currency: str, expected: str) -> None:
    assert figures.money(amount, currency) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, max_value=10**20, min_value=0))
def test_money_loses_no_cent(amount: Decimal) -> None:
    assert Decimal(figures.money(amount, "USD").lstrip("$").replace(",", "")) == amount


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("999.99", "$999.99"), ("11000", "$11.0k"), ("-2500000", "-$2.5M"), ("7.2e12", "$7,200.0B")],
)
def test_short_money(amount: str, expected: str) -> None:
    assert figures.short_money(Decimal(amount), "USD") == expected


def test_count_and_percent() -> None:
    assert figures.count(1234567) == "1,234,567"
    assert figures.count(pandas.NA) == "n/a"  # type: ignore[arg-type]
    assert figures.percent(Decimal("41.25")) == "41.2%"
    assert figures.percent(None) == "n/a"


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (timedelta(seconds=59), "under 1 min"),
        (timedelta(seconds=-30), "under 1 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(hours=3, minutes=12), "3 h 12 min"),
        (timedelta(days=2, minutes=50), "2 d"),
        (timedelta(days=2, hours=4), "2 d 4 h"),
    ],
)
def test_age(past: timedelta, expected: str) -> None:
    assert figures.age(NOW - past, NOW) == expected


def test_a_missing_moment_is_never() -> None:
    assert figures.ago(pandas.NaT, NOW) == "never"  # type: ignore[arg-type]
    assert figures.instant(None) == "n/a"


def frames(age: timedelta = timedelta(minutes=2)) -> tuple[pandas.DataFrame, ...]:
    lake = sample_lake.views(NOW, age=age)
    views = (FRESHNESS, QUALITY, RECONCILIATION)
    return tuple(typed(lake[view.name], view) for view in views)


def test_trust_weighs_age_before_blemishes() -> None:
    hour = timedelta(hours=1)
    assert figures.trust(*frames(), NOW, hour).level is Level.ATTENTION
    assert figures.trust(*frames(timedelta(minutes=61)), NOW, hour).level is Level.STALE
    freshness, quality, compared = frames()
    freshness["quarantined_keys"] = 0
    good = figures.trust(freshness, quality[quality["outcome"] == "Passed"], compared, NOW, hour)
    assert good.level is Level.GOOD
    assert (good.failing_rules, good.evaluated_rules) == (0, 2)


def test_one_rule_alone_is_named_alone() -> None:
    freshness, quality, compared = frames()
    freshness["quarantined_keys"] = 0
    trust = figures.trust(freshness, quality, compared, NOW, timedelta(hours=1))
    assert trust.headline == "Fresh, but 1 rule fails"


def test_a_lake_that_never_ingested_is_stale() -> None:
    freshness, quality, compared = frames()
    freshness["last_ingested_at"] = pandas.NaT
    assert figures.trust(freshness, quality, compared, NOW, timedelta(hours=1)).level is Level.STALE


def test_what_does_not_add_up_outweighs_all() -> None:
    freshness, quality, compared = frames()
    compared.loc[2, "is_reconciled"] = False
    trust = figures.trust(freshness, quality, compared, NOW, timedelta(hours=1))
    assert trust.level is Level.STALE
    assert trust.headline == "The figures do not add up: fact_sales"
    assert (trust.compared_tables, trust.differing_tables) == (3, 1)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [(Decimal(110), Decimal(100), 10.0), (1, 4, -75.0), (5, 0, None), (5, None, None),
     (None, 5, None)],
)  # fmt: skip
def test_change(new: int | None, old: int | None, expected: float | None) -> None:
    assert figures.change(new, old) == expected


def daily(days: int) -> pandas.DataFrame:
    return typed(sample_lake.views(NOW, days=days)["v_daily_sales"], DAILY_SALES)


def test_week_on_week_leaves_today_out_and_is_exact() -> None:
    history = daily(30)
    week = figures.week_on_week(history, NOW.date())
    assert week is not None
    last, change = week
    rows = history.set_index("sale_date")["total_revenue"]
    expected = sum(rows[NOW.date() - timedelta(days=back)] for back in range(1, 8))
    before = sum(rows[NOW.date() - timedelta(days=back)] for back in range(8, 15))
    assert last.total_revenue == expected
    assert change == (expected - before) * 100 / before


def test_week_on_week_needs_two_full_weeks() -> None:
    assert figures.week_on_week(daily(14), NOW.date()) is None
    assert figures.week_on_week(daily(15), NOW.date()) is not None
    assert figures.week_on_week(daily(15).iloc[:0], NOW.date()) is None


def test_sales_of_a_day_without_orders() -> None:
    nothing = figures.sales(daily(5), date(2020, 1, 1), date(2020, 1, 2))
    assert (nothing.total_revenue, nothing.orders, nothing.average) == (Decimal(0), 0, None)
