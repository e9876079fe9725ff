"""awswrangler over the local Athena: what is loaded is what was written, to the cent and second."""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pandas
import pytest

from dashboard import queries
from dashboard.failures import EmptyLakeError
from dashboard.queries import AthenaReader
from dashboard.view import Kind, View
from dashboard.views import ALL, CITIES, DAILY_SALES, FRESHNESS, ORDER_STATUS, OVERVIEW

GOLD_DATABASE = "shop_test_gold"
# awswrangler 3.17 still passes `copy` to pandas 3, which ignores it.
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
PYTHON = {Kind.TEXT: str, Kind.DECIMAL: Decimal, Kind.DATE: date, Kind.COUNT: int}


@pytest.fixture
def reader(lake: Any, monkeypatch: pytest.MonkeyPatch) -> AthenaReader:
    for name, value in lake.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return AthenaReader(GOLD_DATABASE, "shop-test")


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_every_view_equals_its_texts(reader: AthenaReader, lake: Any, view: View) -> None:
    frame, expected = queries.read(reader, view), lake.query(view.sql)
    assert len(frame) == len(expected) > 0
    for row, texts in zip(frame.to_dict("records"), expected, strict=True):
        for name, kind in view.columns.items():
            text, value = texts[name], row[name]
            if text is None:
                assert pandas.isna(value)
            elif kind is Kind.TIMESTAMP:
                assert value == pandas.Timestamp(text, tz="UTC")
            else:
                assert isinstance(value, PYTHON[kind]), (name, type(value))
                assert str(value) == text, name


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


def test_a_database_without_views_is_an_empty_lake(reader: AthenaReader) -> None:
    with pytest.raises(EmptyLakeError, match="v_overview"):
        queries.read(AthenaReader("shop_test_silver", "shop-test"), OVERVIEW)
