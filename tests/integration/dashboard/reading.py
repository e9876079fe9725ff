"""What a reader sees on a page, as data."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def tiles(page: "Page") -> dict[str, str]:
    """Key figures by label."""
    found = {}
    for tile in page.get_by_test_id("stMetric").all():
        label = tile.get_by_test_id("stMetricLabel").inner_text().strip()
        found[label] = tile.get_by_test_id("stMetricValue").inner_text().strip()
    return found


def card(page: "Page", heading: str) -> "Locator":
    """The innermost box that holds both the heading and what stands below it."""
    return (
        page.get_by_test_id("stVerticalBlock")
        .filter(has=page.get_by_role("heading", name=heading, exact=True))
        .filter(has=page.locator("table, [data-testid='stVegaLiteChart'], p, button"))
        .last
    )


def table(page: "Page", heading: str) -> list[list[str]]:
    """The cells of the table in the card with that heading, row by row."""
    return (
        card(page, heading)
        .locator("tbody")
        .evaluate(
            "body => [...body.rows].map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        )
    )  # type: ignore[no-any-return]
