"""Every page in a real browser: its figures are the views', its filters, states and manners."""

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from reading import card, table, tiles

from local.screenshot import open_dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

Serve = Callable[..., str]
GOLD_DATABASE = "shop_test_gold"
PAGES = ("", "cities", "products", "fulfilment", "health")
LOOKS = (("light", 1440), ("dark", 1440), ("light", 390))
TOKYO = "Tokyo, Japan"

pytestmark = pytest.mark.browser


def opened(chromium: "Browser", address: str, where: str) -> "Page":
    return open_dashboard(chromium, f"{address}/{where}")


def money(text: str | None) -> str:
    return f"${Decimal(str(text)):,.2f}"


@pytest.mark.parametrize("where", PAGES)
@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_manners(chromium: "Browser", address: str, where: str, theme: Any, width: int) -> None:
    """No console error, no serious finding of axe, nothing wider than the window."""
    context = chromium.new_context()
    problems: list[str] = []
    context.on("console", lambda m: problems.append(m.text) if _is_problem(m) else None)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    page = open_dashboard(context, f"{address}/{where}", theme, width)
    page.wait_for_timeout(600)
    found = Axe().run(page).response["violations"]
    serious = [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert serious == []
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")
    context.close()
    assert problems == []


def _is_problem(message: "ConsoleMessage") -> bool:
    # On an address of a page, Streamlit's own client first looks for its server below that page.
    is_probe = re.search(r"/[a-z]+/_stcore/(health|host-config)$", message.location["url"])
    return message.type == "error" and not is_probe


def test_the_first_paint_is_a_skeleton(chromium: "Browser", serve: Serve, lake: Any) -> None:
    # A server that nobody has asked yet: with figures in memory there is nothing to wait for.
    address = serve(GOLD_DATABASE=GOLD_DATABASE, STAGE="test", **lake.environment)
    page = chromium.new_page()
    page.add_init_script(
        "new MutationObserver(() => { window.sawSkeleton ||= "
        "!!document.querySelector('.lh-skeleton') && !document.querySelector('.lh-trust') })"
        ".observe(document, {childList: true, subtree: true})"
    )
    page.goto(address)
    page.locator(".lh-trust").wait_for()
    assert page.evaluate("window.sawSkeleton") is True
    page.close()


def test_cities_equal_the_view(chromium: "Browser", address: str, lake: Any) -> None:
    page = opened(chromium, address, "cities")
    rows = lake.query('SELECT * FROM v_city_performance ORDER BY "rank"')
    assert table(page, "All cities") == [
        [
            row["rank"],
            "Unknown" if row["city"] == "UNKNOWN" else f"{row['city']}, {row['country']}",
            f"{int(row['total_orders']):,}",
            money(row["total_revenue"]),
            money(row["net_revenue"]),
            money(row["premium_revenue"]),
            money(row["standard_revenue"]),
            f"{round(Decimal(row['premium_market_share']), 1)}%",
            row["cancelled_orders"],
        ]
        for row in rows
    ]
    shown = tiles(page)
    assert (shown["Cities"], shown["Leading city"]) == ("6", rows[0]["city"])
    assert "1 without known coordinates left out" in page.inner_text("body")
    circles = card(page, "Map").locator("path[aria-roledescription='circle']")
    assert circles.count() == len(rows) - 1
    page.close()


def test_a_click_on_the_map_looks_into_the_city(
    chromium: "Browser", address: str, lake: Any
) -> None:
    page = opened(chromium, address, "cities")
    circles = card(page, "Map").locator("path[aria-roledescription='circle']")
    circles.and_(page.locator("[aria-label*='Tokyo']")).click(force=True)
    page.get_by_role("heading", name=TOKYO).wait_for()
    (row,) = lake.query("SELECT * FROM v_city_performance WHERE city = 'Tokyo'")
    assert tiles(page)["Total revenue"] == money(row["total_revenue"])
    assert tiles(page)["Orders"] == row["total_orders"]
    page.wait_for_url("**/cities?city=Tokyo*")
    page.close()


def test_products_equal_the_views(chromium: "Browser", address: str, lake: Any) -> None:
    page = opened(chromium, address, "products?category=Home&orders=Standard")
    (row,) = lake.query(
        "SELECT sum(units_sold) AS units, sum(total_revenue) AS revenue FROM v_sales"
        " WHERE category = 'Home' AND NOT is_premium"
    )
    (best,) = lake.query(
        "SELECT p.name, sum(s.total_revenue) AS revenue FROM v_product_sales AS s"
        " JOIN v_product_performance AS p ON p.product_id = s.product_id"
        " WHERE p.category = 'Home' AND NOT s.is_premium"
        " GROUP BY p.name, p.product_id ORDER BY 2 DESC, p.product_id LIMIT 1"
    )
    shown = tiles(page)
    assert shown["Units sold"] == f"{int(row['units']):,}"
    assert shown["Best product"] == best["name"]
    assert shown["Products sold"] == "5"
    changes = lake.query("SELECT * FROM v_price_history WHERE previous_price IS NOT NULL")
    told = table(page, "Newest price changes")
    assert len(told) == 5  # of 15, those of the category
    assert {tuple(cells[1:4]) for cells in told} == {("$20.00", "$25.00", "+25.0%")}
    assert {(row["previous_price"], row["price"]) for row in changes} == {("20.00", "25.00")}
    assert "$25.00 now, 1 change, +25.0% since" in card(page, "Price history").inner_text()
    page.close()


def test_fulfilment_equals_the_views(chromium: "Browser", address: str, lake: Any) -> None:
    page = opened(chromium, address, "fulfilment")
    orders = {
        row["status"]: int(row["orders"]) for row in lake.query("SELECT * FROM v_order_status")
    }
    total = sum(orders.values())
    shown = tiles(page)
    assert shown["Open orders"] == str(orders["PENDING"] + orders["SHIPPED"])
    assert shown["Pending"] == str(orders["PENDING"])
    assert shown["Oldest pending"] == "1 d 3 h"
    assert shown["Cancel rate"] == f"{round(Decimal(orders['CANCELLED']) * 100 / total, 1)}%"
    steps = lake.query(
        "SELECT from_status, to_status, sum(orders) AS n FROM v_status_times"
        " GROUP BY 1, 2 ORDER BY 3 DESC"
    )
    assert [row[:2] for row in table(page, "Time between states")] == [
        [f"{one['from_status'].capitalize()} → {one['to_status'].capitalize()}", one["n"]]
        for one in steps
    ]
    stuck = lake.query(
        "SELECT sum(pending_orders) AS n FROM v_sales"
        " WHERE pending_since < (current_timestamp AT TIME ZONE 'UTC') - INTERVAL '1' DAY"
    )
    assert re.search(rf"Pending for over a day\s*{stuck[0]['n']}", page.inner_text("body"))
    page.close()


def test_data_health_equals_the_views(chromium: "Browser", address: str, lake: Any) -> None:
    page = opened(chromium, address, "health")
    rules = lake.query("SELECT outcome, source_table, rule FROM v_quality ORDER BY 1, 2, 3")
    assert [[row[0][2:], *row[1:3]] for row in table(page, "Quality rules")] == [
        list(row.values()) for row in rules
    ]
    rates = {row[2]: row[4] for row in table(page, "Quality rules")}
    assert list(rates.values()) == ["50.0% of 2", "100.0% of 2"]
    (held,) = lake.query('SELECT source_table, failed_rules, "rows" FROM v_quarantine')
    assert [row[:3] for row in table(page, "Rows held back")] == [list(held.values())]
    runs = lake.query("SELECT * FROM v_pipeline_runs ORDER BY ended_at DESC")
    told = table(page, "Runs")
    assert [row[1][2:].upper() for row in told] == [run["outcome"] for run in runs]
    assert {row[9] for row in told} == {"$0.0731"}
    assert "run-f failed at Merge into silver and gold" in card(page, "Runs").inner_text()
    compared = lake.query("SELECT * FROM v_reconciliation ORDER BY source_table")
    assert [row[2:8] for row in table(page, "Reconciliation")] == [
        ["12", "12", "11", "8", "1", "2"] if row["source_table"] != "gold" else [""] * 6
        for row in compared
    ]
    assert [row[2] for row in table(page, "Read up to")] == ["3 s"] * 3
    asked = {row[0]: row for row in table(page, "This dashboard's own queries")}
    assert asked["v_quarantine"][1:3] == ["1", "0"]
    page.close()


def test_filters_go_along_and_can_be_cleared(chromium: "Browser", address: str) -> None:
    page = opened(chromium, address, "cities?city=Tokyo,+Japan&period=30+days")
    page.get_by_role("link", name="Fulfilment").click()
    page.get_by_role("heading", name="Time between states").wait_for()
    page.wait_for_url("**/fulfilment?*")
    assert "city=Tokyo" in page.url
    assert "period=30" in page.url
    page.get_by_role("button", name="Clear filters").click()
    page.wait_for_url("**/fulfilment")
    page.get_by_role("button", name="Clear filters").wait_for(state="detached")
    page.close()


def test_an_unknown_filter_is_named(chromium: "Browser", address: str, lake: Any) -> None:
    page = opened(chromium, address, "?city=Atlantis&orders=x'+OR+1=1")
    body = page.inner_text("body")
    assert "There is no city “Atlantis” in the figures, so it is left out." in body
    assert "There is no orders “x' OR 1=1” in the figures" in body
    (row,) = lake.query("SELECT total_revenue FROM v_overview")
    assert tiles(page)["Total revenue"] == money(row["total_revenue"])
    page.close()


def test_nothing_in_the_filter_offers_the_way_back(chromium: "Browser", address: str) -> None:
    page = opened(chromium, address, "?city=Ghent,+Belgium&period=Today")
    assert "No orders match these filters" in page.inner_text("body")
    page.get_by_role("button", name="Show everything").click()
    page.get_by_role("heading", name="Revenue over time").wait_for()
    page.close()


def test_what_is_shown_can_be_downloaded(
    chromium: "Browser", address: str, lake: Any, tmp_path: Path
) -> None:
    page = opened(chromium, address, "cities")
    with page.expect_download() as download:
        card(page, "All cities").get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "all-cities.csv"
    text = Path(download.value.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    expected = lake.query('SELECT * FROM v_city_performance ORDER BY "rank"')
    assert [[row[name] for name in rows[0]] for row in expected] == [
        list(row.values()) for row in rows
    ]
    page.close()


def test_filters_work_by_keyboard(chromium: "Browser", address: str) -> None:
    page = opened(chromium, address, "")
    page.get_by_role("radio", name="All orders").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?orders=Premium")
    page.get_by_role("combobox", name="City").focus()
    page.keyboard.type("tok")
    page.keyboard.press("Enter")
    page.wait_for_url("**city=Tokyo*")
    page.close()


def test_each_state_says_what_to_do(chromium: "Browser", serve: Serve, lake: Any) -> None:
    lake.client("glue").create_database(DatabaseInput={"Name": "shop_old_gold"})
    lake.execute("CREATE OR REPLACE VIEW shop_old_gold.v_freshness AS SELECT 1 AS source_table")
    place = {"GOLD_DATABASE": GOLD_DATABASE, **lake.environment}
    no_keys = {name: text for name, text in place.items() if "KEY" not in name}
    states = {
        "The first run has not finished": {**place, "GOLD_DATABASE": "nothing_here_gold"},
        "The views don't fit this version": {**place, "GOLD_DATABASE": "shop_old_gold"},
        "Athena does not answer": {**place, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        "The dashboard may not read the figures": no_keys,
        "Nothing new has arrived for a while": {**place, "STALE_AFTER_MINUTES": "1"},
    }
    for title, variables in states.items():
        page = open_dashboard(chromium, serve(**variables), seconds=30)
        notice = page.locator(".lh-notice").first
        assert title in notice.inner_text()
        assert notice.locator("li").count() > 0
        page.close()
