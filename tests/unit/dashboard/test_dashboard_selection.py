"""What a choice leaves of the figures: sums of `v_sales` in the shape of the other views."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas
import pytest
import sample_lake
from hypothesis import given
from hypothesis import strategies as st

from dashboard import flow, selection
from dashboard.filters import Choice, Orders, Period
from dashboard.queries import typed
from dashboard.views import PRODUCT_SALES, PRODUCTS, SALES, STATUS_TIMES

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
LAKE = sample_lake.views(NOW)
ROWS = typed(LAKE["v_sales"], SALES)
LONDON = "London, United Kingdom"


@pytest.mark.parametrize(
    ("choice", "orders"),
    [
        (Choice(), 280),
        (Choice(period=Period.TODAY), 40),
        (Choice(period=Period.WEEK), 40),
        (Choice(period=Period.MONTH), 120),
        (Choice(city=LONDON), 140),
        (Choice(category="Kitchen", orders=Orders.PREMIUM), 0),
        (Choice(Period.MONTH, LONDON, "Electronics", Orders.PREMIUM), 30),
        (Choice(city="Atlantis"), 0),
    ],
)
def test_a_choice_keeps_what_it_means(choice: Choice, orders: int) -> None:
    assert selection.totals(selection.chosen(ROWS, choice, TODAY)).orders == orders


def test_the_period_before_lies_right_before() -> None:
    assert Period.WEEK.span(TODAY) == (TODAY - timedelta(days=6), TODAY + timedelta(days=1))
    assert Period.WEEK.span(TODAY, back=1)[1] == Period.WEEK.span(TODAY)[0]
    rows = selection.chosen(ROWS, Choice(period=Period.WEEK), TODAY, back=1)
    assert set(rows["sale_date"]) == {TODAY - timedelta(days=8)}


def test_totals_are_exact() -> None:
    totals = selection.totals(ROWS)
    raw = LAKE["v_sales"]
    assert totals.total_revenue == sum(raw["total_revenue"])
    assert totals.net_revenue == sum(raw["net_revenue"])
    premium = sum(raw.loc[raw["is_premium"], "total_revenue"])
    assert totals.premium_share == premium * 100 / totals.total_revenue
    assert totals.average == totals.total_revenue / 280
    assert (totals.cancelled, totals.cities) == (24, 2)


def test_cities_have_both_kinds_and_their_share() -> None:
    london, lagos = selection.by_city(ROWS).to_dict("records")
    assert (lagos["city"], london["city"]) == ("London", "Lagos")  # equal revenue: by name
    assert london["premium_orders"] == london["standard_orders"] == 70
    assert london["premium_revenue"] + london["standard_revenue"] == london["total_revenue"]
    assert round(london["premium_market_share"], 1) == Decimal("89.0")


def test_a_city_with_one_kind_alone_keeps_its_row() -> None:
    rows = ROWS[(ROWS["city"] == "London") & ROWS["is_premium"] | (ROWS["city"] == "Lagos")]
    found = selection.by_city(rows).set_index("city")
    assert found.at["London", "standard_orders"] == 0
    assert found.at["London", "standard_revenue"] == Decimal(0)
    assert found.at["London", "premium_market_share"] == 100


def test_statuses_are_those_of_the_rows() -> None:
    found = selection.by_status(ROWS).set_index("status")
    assert found["orders"].to_dict() == {"PENDING": 40, "DELIVERED": 216, "CANCELLED": 24}
    assert found.at["PENDING", "oldest_created_at"] == NOW - timedelta(days=8)
    assert sum(found["share"]) == 100
    assert selection.by_status(ROWS.iloc[:0]).empty


def test_products_without_a_sale_stay() -> None:
    rows = typed(LAKE["v_product_sales"], PRODUCT_SALES)
    products = typed(LAKE["v_product_performance"], PRODUCTS)
    premium = selection.chosen(rows, Choice(Period.WEEK, None, None, Orders.PREMIUM), TODAY)
    found = selection.by_product(premium, products)
    assert len(found) == len(products)
    assert found["total_revenue"].head(4).tolist() == [1303, 1302, 1301, 0]
    unknown = selection.by_product(rows, products[products["product_id"] != 2])
    assert set(unknown.loc[unknown["product_id"] == 2, "name"]) == {"UNKNOWN"}


@given(st.lists(st.integers(0, 10**9), max_size=30))
def test_no_cent_is_lost(cents: list[int]) -> None:
    rows = pandas.concat([ROWS.iloc[:1]] * len(cents), ignore_index=True) if cents else ROWS[:0]
    rows = rows.assign(total_revenue=pandas.Series(cents, dtype="int64"))
    assert selection.totals(rows).total_revenue * 100 == sum(cents)


def test_pending_orders_by_age() -> None:
    ages = flow.pending_by_age(ROWS, NOW).set_index("age")["orders"]
    assert ages.sum() == ages["Over 7 days"] == 40
    assert list(ages.index) == [name for name, _ in flow.WAITING]
    assert flow.stuck(ROWS, NOW) == 40
    assert flow.stuck(ROWS, NOW - timedelta(days=7, hours=1)) == 0


@pytest.mark.parametrize(("hours", "age"), [(1, "Up to 1 h"), (6, "1 to 6 h"), (25, "1 to 3 days")])
def test_an_age_at_an_edge_is_the_younger(hours: int, age: str) -> None:
    row = ROWS[ROWS["pending_orders"] > 0].iloc[:1]
    row = row.assign(pending_since=NOW - timedelta(hours=hours))
    found = flow.pending_by_age(row, NOW).set_index("age")["orders"]
    assert found[age] == found.sum() > 0


def test_half_and_nine_of_ten() -> None:
    found = flow.step_times(typed(LAKE["v_status_times"], STATUS_TIMES))
    first = found.iloc[0].to_dict()
    assert first == {
        "from_status": "PENDING",
        "to_status": "SHIPPED",
        "orders": 20,
        "half": 4,
        "most": 120,
    }
    assert flow.step_times(typed(LAKE["v_status_times"].iloc[:0], STATUS_TIMES)).empty


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, unique_by=lambda p: p[0])
)
def test_a_quantile_is_that_of_the_values(pairs: list[tuple[int, int]]) -> None:
    pairs.sort()
    values = [value for value, many in pairs for _ in range(many)]
    assert flow.quantile(pairs, 50) == values[-(-len(values) * 50 // 100) - 1]
    assert flow.quantile(pairs, 90) == values[-(-len(values) * 90 // 100) - 1]


def test_all_time_has_no_days() -> None:
    whole = selection.Selection.__new__(selection.Selection)
    whole.choice, whole.today = Choice(), TODAY
    assert whole.days is None
    whole.choice = Choice(period=Period.WEEK)
    assert whole.days == (date(2026, 3, 8), TODAY)
