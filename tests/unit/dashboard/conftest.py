"""A dashboard whose Athena answers from frames: the app itself is the real one."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import awswrangler
import pytest
import streamlit
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parent))
import sample_lake

APP = Path(__file__).parents[3] / "dashboard" / "app.py"
ENVIRONMENT = {
    "GOLD_DATABASE": "shop_test_gold",
    "WORKGROUP": "shop-test",
    "TITLE": "Corner <Shop>",
    "STAGE": "test",
    "REFRESH_SECONDS": "3600",
    "STALE_AFTER_MINUTES": "60",
}

Run = Callable[[], AppTest]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of one deployment, and empty caches."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    forget()
    yield
    forget()


def forget() -> None:
    """As if the dashboard had just been started."""
    streamlit.cache_data.clear()
    streamlit.cache_resource.clear()


@pytest.fixture
def lake() -> dict[str, Any]:
    """The views' frames; a test may change them before and between runs."""
    return sample_lake.views(datetime.now(UTC))


@pytest.fixture
def athena(monkeypatch: pytest.MonkeyPatch, lake: dict[str, Any]) -> list[str]:
    """Puts `lake` behind awswrangler; the queries that were run, in order."""
    queries: list[str] = []
    answer = sample_lake.reader(lake)

    def read_sql_query(sql: str, **options: Any) -> Any:
        assert options["database"] == ENVIRONMENT["GOLD_DATABASE"]
        assert options["workgroup"] == ENVIRONMENT["WORKGROUP"]
        assert options["ctas_approach"] is False
        queries.append(sql)
        return answer(sql)

    monkeypatch.setattr(awswrangler.athena, "read_sql_query", read_sql_query)
    return queries


@pytest.fixture
def run() -> Run:
    """Opens the dashboard's first page."""
    return lambda: AppTest.from_file(str(APP), default_timeout=30).run()


Open = Callable[..., AppTest]


@pytest.fixture
def open_page() -> Open:
    """Opens one page by its module's name, with the given parameters in its address."""

    def script(name: str) -> None:
        import importlib

        from dashboard.settings import DashboardEnvironment

        importlib.import_module(f"dashboard.screens.{name}").draw(DashboardEnvironment.read())

    def opened(name: str, **address: str) -> AppTest:
        page = AppTest.from_function(script, default_timeout=30, kwargs={"name": name})
        for key, value in address.items():
            page.query_params[key] = value
        return page.run()

    return opened
