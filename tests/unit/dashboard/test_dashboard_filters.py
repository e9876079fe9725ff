"""Every page under its filters: what the address may say, and what it can't."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.failures import EmptyLakeError
from dashboard.filters import EVERY_CITY, Orders, Period

Open = Callable[..., AppTest]
PAGES = ("overview", "cities", "products", "fulfilment")
LONDON = "London, United Kingdom"
HOSTILE = (
    "x' OR '1'='1",
    "London'; DROP VIEW v_sales; --",
    "London, United Kingdom' UNION SELECT * FROM v_pipeline_runs --",
    "${gold}.v_overview",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\x00",
    "London\nDELETE",
    "9" * 5000,
)


def html(page: AppTest) -> str:
    assert not page.exception, page.exception
    return "\n".join(block.proto.body for block in page.get("html"))


@pytest.mark.parametrize("name", [*PAGES, "health"])
def test_each_page_is_drawn(open_page: Open, athena: list[str], name: str) -> None:
    page = open_page(name)
    assert "lh-trust" in html(page)
    assert len(page.metric) in (4, 5)
    assert page.header


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "address",
    [
        {"period": "7 days"},
        {"period": "30 days", "city": LONDON},
        {"period": "Today", "category": "Kitchen", "orders": "Standard"},
        {"orders": "Premium"},
    ],
    ids=str,
)
def test_a_filter_comes_from_the_address(
    open_page: Open, athena: list[str], name: str, address: dict[str, str]
) -> None:
    page = open_page(name, **address)
    assert "not known" not in html(page)
    assert len(page.metric) in (4, 5)
    for key, value in address.items():
        assert page.session_state[key] == value


def test_the_figures_are_those_of_the_choice(open_page: Open, athena: list[str]) -> None:
    page = open_page("overview", period="7 days", city=LONDON)
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Orders"] == "20"
    assert shown["Total revenue"] == "\\$9,123.50"
    deltas = {metric.label: metric.delta for metric in page.metric}
    assert deltas["Orders"] == "-50.0%"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_no_sql_comes_from_the_address(
    open_page: Open, athena: list[str], name: str, value: str
) -> None:
    page = open_page(name, city=value, category=value, period=value, orders=value, product=value)
    text = html(page)
    assert text.count("A filter of this address is not known") >= 4
    assert "<script>alert" not in text
    assert page.session_state["city"] == EVERY_CITY
    assert page.session_state["period"] == Period.ALL.value
    assert page.session_state["orders"] == Orders.ALL.value
    asked = list(athena)
    open_page(name)
    assert athena == asked
    assert all(value not in sql for sql in asked)


@pytest.mark.parametrize("name", PAGES)
def test_a_choice_without_orders_says_what_to_do(
    open_page: Open, athena: list[str], name: str
) -> None:
    page = open_page(name, category="Furniture", city="Lagos, Nigeria")
    assert "No orders match these filters" in html(page)
    assert "Furniture.</p>" in html(page)
    (everything,) = [one for one in page.button if one.label == "Show everything"]
    everything.click().run()
    assert "No orders match" not in html(page)
    assert len(page.metric) in (4, 5)


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_lake_says_so_on_each_page(
    open_page: Open, athena: list[str], lake: dict[str, Any], name: str
) -> None:
    lake["v_freshness"] = lake["v_freshness"].iloc[:0]
    assert "The first run has not finished" in html(open_page(name))


@pytest.mark.parametrize("name", [*PAGES, "health"])
def test_views_without_rows_break_no_page(
    open_page: Open, athena: list[str], lake: dict[str, Any], name: str
) -> None:
    for view in lake:
        if view not in ("v_freshness", "v_overview"):
            lake[view] = lake[view].iloc[:0]
    assert "lh-trust" in html(open_page(name))


def test_data_health_lists_failures_first(open_page: Open, athena: list[str]) -> None:
    text = html(open_page("health"))
    rules = text[text.index("Pass rate") :]
    assert rules.index("✗ Failed") < rules.index("✓ Passed")
    assert "3 rows did not meet the rule" in text
    assert "87.5% of 8" in text
    assert "ColumnValues &quot;quantity&quot; &gt; 0" in text


def test_data_health_tells_what_differs_and_what_failed(
    open_page: Open, athena: list[str], lake: dict[str, Any]
) -> None:
    lake["v_reconciliation"].loc[1, ["is_reconciled", "detail"]] = [False, "silver lacks 7; repair"]
    page = open_page("health")
    assert "The figures do not add up: dim_users" in html(page)
    assert [block.value for block in page.code] == [
        "dim_users: silver lacks 7; repair",
        "run-6 failed at Merge into silver and gold: States.TaskFailed: out of disk",
    ]


def test_data_health_counts_its_own_queries(open_page: Open, athena: list[str]) -> None:
    text = html(open_page("health"))
    assert '<td class="">v_freshness</td>' in text
    assert "Everything before" in text


def test_empty_lake_error_is_the_one_that_is_shown() -> None:
    assert EmptyLakeError("x").transient is False
