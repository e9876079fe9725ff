"""awswrangler over the local Athena: what is loaded is what was written, to the cent and second."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pandas
import pytest
import streamlit

from dashboard import flow, queries, selection, source
from dashboard.failures import EmptyLakeError
from dashboard.queries import AthenaReader
from dashboard.settings import DashboardEnvironment
from dashboard.view import Kind, View
from dashboard.views import (
    ALL,
    CATEGORIES,
    CITIES,
    DAILY_SALES,
    FRESHNESS,
    ORDER_STATUS,
    OVERVIEW,
    PRICES,
    PRODUCT_SALES,
    PRODUCTS,
    SALES,
    STATUS_TIMES,
)

GOLD_DATABASE = "shop_test_gold"
# awswrangler 3.17 still passes `copy` to pandas 3, which ignores it.
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
PYTHON = {
    Kind.TEXT: str,
    Kind.LABEL: str,
    Kind.DECIMAL: Decimal,
    Kind.DATE: date,
    Kind.COUNT: int,
}


@pytest.fixture
def reader(lake: Any, monkeypatch: pytest.MonkeyPatch) -> AthenaReader:
    for name, value in lake.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return AthenaReader(GOLD_DATABASE, "shop-test")


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_every_view_equals_its_texts(reader: AthenaReader, lake: Any, view: View) -> None:
    # Without an order of its own, a view gives its rows in any: the cube is compared as a set.
    ordered = view if view.order_by else replace(view, order_by=", ".join(map(str, _all(view))))
    frame, expected = queries.read(reader, ordered), lake.query(ordered.sql)
    assert len(frame) == len(expected) > 0
    for row, texts in zip(frame.to_dict("records"), expected, strict=True):
        for name, kind in view.columns.items():
            text, value = texts[name], row[name]
            if text is None:
                assert pandas.isna(value)
            elif kind is Kind.TIMESTAMP:
                assert value == pandas.Timestamp(text, tz="UTC")
            elif kind is Kind.FLAG:
                assert value is (text == "true")
            elif kind is Kind.NUMBER:
                assert value == float(text)
            elif kind is Kind.CENTS:
                assert value == int(Decimal(text) * 100)
            else:
                assert isinstance(value, PYTHON[kind]), (name, type(value))
                assert str(value) == text, name


def _all(view: View) -> range:
    return range(1, len(view.columns) + 1)


def test_what_is_filtered_by_adds_up_to_the_gold_tables(reader: AthenaReader) -> None:
    frames = queries.load(
        [SALES, CITIES, DAILY_SALES, ORDER_STATUS, CATEGORIES, PRODUCT_SALES, PRODUCTS],
        partial(queries.read, reader),
    )
    rows = frames[SALES.name]
    shared = [*CITIES.columns][:-2]
    places = ["city", "country"]
    summed = selection.by_city(rows).sort_values(places, ignore_index=True)
    stored = frames[CITIES.name].sort_values(places, ignore_index=True)
    for name in [*shared, "net_revenue", "cancelled_orders"]:
        if name == "premium_market_share":
            assert [round(share, 2) for share in summed[name]] == stored[name].tolist()
        else:
            assert summed[name].tolist() == stored[name].tolist(), name
    days, daily = selection.by_day(rows), frames[DAILY_SALES.name]
    recent = daily[daily["sale_date"] > pandas.Timestamp.now("UTC").date() - timedelta(days=61)]
    of_recent = days[days["sale_date"].isin(list(recent["sale_date"]))]
    for name in DAILY_SALES.columns:
        assert of_recent[name].tolist() == recent[name].tolist(), name
    (older,) = days.loc[~days["sale_date"].isin(list(recent["sale_date"])), "sale_date"]
    assert older.day == 1
    statuses = selection.by_status(rows).set_index("status")["orders"].to_dict()
    assert statuses == frames[ORDER_STATUS.name].set_index("status")["orders"].to_dict()
    categories = selection.by_category(rows)
    for name in ("category", "total_orders", "units_sold", "total_revenue", "net_revenue"):
        assert categories[name].tolist() == frames[CATEGORIES.name][name].tolist(), name
    products = selection.by_product(frames[PRODUCT_SALES.name], frames[PRODUCTS.name])
    for name in ("product_id", "total_orders", "units_sold", "total_revenue", "net_revenue"):
        assert products[name].tolist() == frames[PRODUCTS.name][name].tolist(), name


def test_a_price_that_stays_is_no_change(reader: AthenaReader) -> None:
    prices = queries.read(reader, PRICES)
    assert len(prices) == 30
    first, last = prices.tail(1).iloc[0], prices.iloc[0]
    assert (first["price"], first["previous_price"]) == (Decimal("20.00"), None)
    assert (last["price"], last["previous_price"]) == (Decimal("25.00"), Decimal("20.00"))


def test_steps_last_as_long_as_the_changes_say(reader: AthenaReader) -> None:
    steps = flow.step_times(queries.read(reader, STATUS_TIMES))
    names = ["from_status", "to_status"]
    found = {tuple(row[n] for n in names): row["orders"] for row in steps.to_dict("records")}
    assert found[("PENDING", "CANCELLED")] == 58
    assert found[("SHIPPED", "DELIVERED")] == 708 - 258
    assert found[("PENDING", "SHIPPED")] == 708 - 258 + 79
    times = queries.read(reader, STATUS_TIMES)
    shipped = times[times["to_status"] == "SHIPPED"]
    assert set(shipped["minutes"]) == {5, 50, 300, 4320}
    assert set(times.loc[times["to_status"] == "DELIVERED", "minutes"]) == {1440}


def test_decimals_arrive_as_decimals(reader: AthenaReader) -> None:
    raw = reader(OVERVIEW.sql)
    assert isinstance(raw.at[0, "total_revenue"], Decimal)
    assert isinstance(reader(DAILY_SALES.sql).at[0, "net_revenue"], Decimal)


def test_overview_and_cities_agree(reader: AthenaReader) -> None:
    frames = queries.load([OVERVIEW, CITIES], partial(queries.read, reader))
    total = sum(frames[CITIES.name]["total_revenue"], Decimal(0))
    assert frames[OVERVIEW.name].at[0, "total_revenue"] == total


def test_times_are_utc(reader: AthenaReader) -> None:
    statuses = queries.read(reader, ORDER_STATUS).set_index("status")
    waited = pandas.Timestamp.now(tz="UTC") - statuses.at["PENDING", "oldest_created_at"]
    assert timedelta(hours=27) < waited < timedelta(hours=28)
    assert queries.version(queries.read(reader, FRESHNESS)) == queries.version(
        queries.read(reader, FRESHNESS)
    )


@pytest.mark.parametrize("declared", [DAILY_SALES, CITIES, ORDER_STATUS, PRICES])
def test_columns_that_nobody_declared_have_the_kinds_of_their_values(
    reader: AthenaReader, declared: View
) -> None:
    known = queries.read(reader, declared)
    found = queries.read(reader, View(declared.name, {}, order_by=declared.order_by))
    assert len(found) == len(known) > 0
    for name, kind in declared.columns.items():
        assert queries.kind_of(found[name]) is kind, name
        assert list(found[name].dropna()) == list(known[name].dropna()), name


def test_a_database_without_views_is_an_empty_lake(reader: AthenaReader) -> None:
    with pytest.raises(EmptyLakeError, match="v_overview"):
        queries.read(AthenaReader("shop_test_silver", "shop-test"), OVERVIEW)


def test_twenty_readers_ask_once_for_each_view_and_version(
    reader: AthenaReader, lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty sessions refresh three times within each of two versions of the data."""
    streamlit.cache_data.clear()
    streamlit.cache_resource.clear()
    settings = DashboardEnvironment.model_validate(
        {"gold_database": GOLD_DATABASE, "workgroup": "shop-test", "refresh_seconds": 60}
    )
    before = set(_executions(lake))
    versions = {0: "one", 1: "one", 2: "two"}

    def refresh(minute: int) -> list[str]:
        clock = SimpleNamespace(time=lambda: 1e9 + 60 * minute)
        monkeypatch.setattr(source, "time", clock)
        monkeypatch.setattr(queries, "version", lambda _: versions[minute])
        with ThreadPoolExecutor(20) as readers:
            found = readers.map(
                lambda _: source.snapshot(settings, ALL, reader=reader).version, range(20)
            )
            return list(found)

    assert {*refresh(0), *refresh(1)} == {"one"}
    assert set(refresh(2)) == {"two"}
    asked = Counter(
        sql.split("FROM ")[1].split()[0]
        for one, sql in _executions(lake).items()
        if one not in before
    )
    by_time = {view.name for view in ALL if view.is_timed}
    assert by_time == {"v_freshness", "v_pipeline_runs"}
    assert {name: asked[name] for name in by_time} == dict.fromkeys(by_time, 3)
    of_data = [view.name for view in ALL if not view.is_timed]
    assert {name: asked[name] for name in of_data} == dict.fromkeys(of_data, 2)


def _executions(lake: Any) -> dict[str, str]:
    pages = lake.client("athena").get_paginator("list_query_executions")
    ids = [
        one for page in pages.paginate(WorkGroup="shop-test") for one in page["QueryExecutionIds"]
    ]
    athena = lake.client("athena")
    return {
        one: athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]["Query"]
        for one in ids
    }
