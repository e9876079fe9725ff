"""What Streamlit runs for each reader; `python -m dashboard.server` serves it."""

from functools import partial
from pathlib import Path

import streamlit

from dashboard import markup, states
from dashboard.screens import cities, fulfilment, health, overview, products
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
    streamlit.navigation(
        [
            streamlit.Page(
                partial(overview.draw, settings),
                title="Overview",
                icon=":material/monitoring:",
                url_path="overview",
                default=True,
            ),
            streamlit.Page(
                partial(cities.draw, settings),
                title="Cities",
                icon=":material/public:",
                url_path="cities",
            ),
            streamlit.Page(
                partial(products.draw, settings),
                title="Products",
                icon=":material/inventory_2:",
                url_path="products",
            ),
            streamlit.Page(
                partial(fulfilment.draw, settings),
                title="Fulfilment",
                icon=":material/local_shipping:",
                url_path="fulfilment",
            ),
            streamlit.Page(
                partial(health.draw, settings),
                title="Data health",
                icon=":material/health_and_safety:",
                url_path="health",
            ),
        ],
        position="top",
    ).run()


main()
