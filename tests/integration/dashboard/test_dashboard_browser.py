"""The real dashboard on the local Athena: what the browser shows is what the views hold."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reading import table, tiles

from local.screenshot import open_dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium: "Browser", address: str) -> "Iterator[Page]":
    page = open_dashboard(chromium, address)
    yield page
    page.close()


def test_key_figures_equal_the_view(page: "Page", lake: Any) -> None:
    (row,) = lake.query("SELECT * FROM v_overview")
    assert tiles(page) == {
        "Total revenue": f"${Decimal(row['total_revenue']):,}",
        "Net revenue": f"${Decimal(row['net_revenue']):,}",
        "Orders": f"{int(row['total_orders']):,}",
        "Average order value": f"${Decimal(row['average_order_value']):,}",
        "Premium market share": f"{round(Decimal(row['premium_market_share']), 1)}%",
    }


def test_freshness_by_table_equals_the_view(page: "Page", lake: Any) -> None:
    expected = lake.query(
        'SELECT source_table, "rows", quarantined_keys FROM v_freshness ORDER BY 1'
    )
    shown = table(page, "Where the figures come from")
    assert [[row[0], row[1].replace(",", ""), row[4]] for row in shown] == [
        list(row.values()) for row in expected
    ]
    assert all(re.fullmatch(r"\d+ min ago", row[2]) for row in shown)


def test_the_trust_bar_equals_the_views(page: "Page", lake: Any) -> None:
    (held,) = lake.query("SELECT sum(quarantined_keys) AS n FROM v_freshness")
    rules = lake.query("SELECT outcome, count(*) AS n FROM v_quality GROUP BY outcome")
    counts = {row["outcome"]: int(row["n"]) for row in rules}
    bar = page.locator(".lh-trust").inner_text()
    assert f"Rows held back\n{held['n']}\n" in bar
    assert f"Rules failing\n{counts['Failed']} of {sum(counts.values())}" in bar


def test_the_oldest_pending_order_has_its_age(page: "Page") -> None:
    assert re.search(r"Oldest pending order\s*1 d 3 h", page.inner_text("body"))


def test_the_period_is_against_the_one_before(chromium: "Browser", address: str, lake: Any) -> None:
    page = open_dashboard(chromium, f"{address}/?period=7+days&orders=Premium")
    day = "CAST(current_timestamp AT TIME ZONE 'UTC' AS date)"
    (row,) = lake.query(
        f"SELECT sum(CASE WHEN sale_date > date_add('day', -7, {day}) THEN total_revenue END)"
        f" AS new, sum(CASE WHEN sale_date <= date_add('day', -7, {day}) THEN total_revenue END)"
        f" AS old"
        f" FROM v_sales WHERE is_premium AND sale_date > date_add('day', -14, {day})"
    )
    new, old = Decimal(row["new"]), Decimal(row["old"])
    assert tiles(page)["Total revenue"] == f"${new:,}"
    first = page.get_by_test_id("stMetric").first.inner_text()
    assert f"{(new - old) * 100 / old:+.1f}%" in first
    assert "vs 7 days before" in first
    page.close()


def test_a_refresh_keeps_choice_and_scroll(page: "Page", lake: Any) -> None:
    ranking = page.get_by_role("radiogroup", name="Rank cities by")
    ranking.get_by_text("Orders").click()
    main = page.get_by_test_id("stMain")
    main.evaluate("main => main.scrollTo(0, 500)")
    page.wait_for_timeout(500)
    before = main.evaluate("main => main.scrollTop")
    seen = executions(lake)
    deadline = time.monotonic() + 20
    while executions(lake) == seen and time.monotonic() < deadline:
        page.wait_for_timeout(250)
    page.wait_for_timeout(1000)
    new = {one: sql for one, sql in executions(lake).items() if one not in seen}
    assert new
    assert all("v_freshness" in sql for sql in new.values()), new
    assert main.evaluate("main => main.scrollTop") == before
    assert ranking.locator('[aria-checked="true"]').inner_text().strip() == "Orders"


def executions(lake: Any) -> dict[str, str]:
    athena = lake.client("athena")
    ids = athena.list_query_executions(WorkGroup="shop-test")["QueryExecutionIds"]
    return {
        one: athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]["Query"]
        for one in ids
    }


def test_nothing_is_fetched_from_elsewhere(chromium: "Browser", address: str) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.get_by_role("heading", name="Where the figures come from").wait_for(timeout=30_000)
    page.close()
    foreign = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert foreign == []


def test_a_picture_can_be_taken(address: str, tmp_path: Any) -> None:
    picture = tmp_path / "dashboard.png"
    command = [sys.executable, "-m", "local.screenshot", address, str(picture), "--theme", "dark"]
    subprocess.run(command, check=True, timeout=90, cwd=ROOT)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert int.from_bytes(picture.read_bytes()[20:24], "big") > 1000
