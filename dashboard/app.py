"""What Streamlit runs for each reader; `python -m dashboard.server` serves it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit
from streamlit.navigation.page import StreamlitPage

from dashboard import markup, states
from dashboard.screens import cities, fulfilment, health, overview, own, products
from dashboard.settings import DashboardEnvironment
from lakehouse.errors import ConfigurationError

LOGO = Path(__file__).parent / "logo.svg"


def main() -> None:
    """Reads the settings and runs the page that the address names."""
    try:
        settings = DashboardEnvironment.read()
    except ConfigurationError as unusable:
        streamlit.html(markup.STYLE)
        states.show(unusable)
        return
    streamlit.set_page_config(
        page_title=f"{settings.title} · {settings.stage}", page_icon=str(LOGO), layout="wide"
    )
    streamlit.logo(str(LOGO), size="large")
    streamlit.navigation(pages(settings), position="top").run()


def pages(settings: DashboardEnvironment) -> list[StreamlitPage]:
    """The shop's pages where the tables are its own, *Your figures* where there are any."""
    shown: list[tuple[Callable[..., None], str, str, str]] = []
    if settings.has_shop:
        shown += [
            (overview.draw, "Overview", "monitoring", "overview"),
            (cities.draw, "Cities", "public", "cities"),
            (products.draw, "Products", "inventory_2", "products"),
            (fulfilment.draw, "Fulfilment", "local_shipping", "fulfilment"),
        ]
    if settings.own_gold:
        shown.append((own.draw, "Your figures", "query_stats", "figures"))
    shown.append((health.draw, "Data health", "health_and_safety", "health"))
    return [
        streamlit.Page(
            partial(draw, settings),
            title=title,
            icon=f":material/{icon}:",
            url_path=path,
            default=place == 0,
        )
        for place, (draw, title, icon, path) in enumerate(shown)
    ]


main()
