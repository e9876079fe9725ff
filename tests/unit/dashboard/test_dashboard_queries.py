"""Queries and their typed results."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pandas
import pytest
import sqlglot

from dashboard import queries, views
from dashboard.failures import OutdatedViewError, QueryServiceError
from dashboard.view import Kind, View
from dashboard.views import ALL
from lakehouse.views import load_views

SAMPLE = View(
    "v_sample",
    {
        "name": Kind.TEXT,
        "orders": Kind.COUNT,
        "revenue": Kind.DECIMAL,
        "seen_at": Kind.TIMESTAMP,
        "day": Kind.DATE,
    },
)


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_every_column_is_one_that_the_view_offers(view: View) -> None:
    offered = sqlglot.parse_one(load_views()[view.name].replace("${", "").replace("}", ""))
    assert set(view.columns) <= set(offered.named_selects)
    assert sqlglot.parse_one(view.sql, read="athena").named_selects == list(view.columns)


def test_limits_bear_on_an_order() -> None:
    assert all(view.order_by for view in ALL if view.limit is not None)


def test_values_come_out_typed_and_exact() -> None:
    raw = pandas.DataFrame(
        {
            "orders": pandas.array([3, None], dtype="Int64"),
            "name": pandas.array(["Zürich", None], dtype="string"),
            "revenue": [Decimal("12345678901234.10"), None],
            "seen_at": ["2026-03-01 10:00:00.123456 UTC", None],
            "day": [pandas.Timestamp("2026-03-01"), None],
            "extra": [1, 2],
        }
    )
    frame = queries.typed(raw, SAMPLE)
    assert list(frame.columns) == list(SAMPLE.columns)
    first, second = frame.to_dict("records")
    assert first == {
        "name": "Zürich",
        "orders": 3,
        "revenue": Decimal("12345678901234.10"),
        "seen_at": pandas.Timestamp("2026-03-01T10:00:00.123456Z"),
        "day": date(2026, 3, 1),
    }
    assert all(pandas.isna(value) for value in second.values())


def test_naive_timestamps_are_utc() -> None:
    raw = pandas.DataFrame({name: [None] for name in SAMPLE.columns})
    raw["seen_at"] = pandas.to_datetime(["2026-03-01 10:00:00"])
    moment = queries.typed(raw, SAMPLE).at[0, "seen_at"]
    assert moment == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_an_empty_result_keeps_its_kinds() -> None:
    frame = queries.typed(pandas.DataFrame(columns=list(SAMPLE.columns)), SAMPLE)
    assert frame.empty
    assert str(frame["seen_at"].dtype) == "datetime64[us, UTC]"
    assert str(frame["orders"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("change", "named"),
    [({"drop": "revenue"}, "'revenue' is missing"), ({"set": "much"}, "'revenue' does not hold")],
)
def test_a_view_of_another_shape_is_refused(change: dict[str, str], named: str) -> None:
    raw = pandas.DataFrame({name: [None] for name in SAMPLE.columns})
    if "drop" in change:
        raw = raw.drop(columns=change["drop"])
    else:
        raw["revenue"] = change["set"]
    with pytest.raises(OutdatedViewError, match=f"v_sample: column {named}"):
        queries.typed(raw, SAMPLE)


def test_the_version_follows_every_column_of_freshness() -> None:
    frame = pandas.DataFrame({name: ["1"] for name in views.FRESHNESS.columns})
    seen = {queries.version(frame)}
    for column in frame.columns:
        changed = frame.copy()
        changed[column] = "2"
        seen.add(queries.version(changed))
    assert len(seen) == 1 + len(frame.columns)
    assert queries.version(frame) in seen


def test_the_failing_view_is_named() -> None:
    def reader(sql: str) -> Any:
        raise TimeoutError

    with pytest.raises(QueryServiceError, match="v_overview: TimeoutError") as raised:
        queries.load([views.OVERVIEW, views.CITIES], partial(queries.read, reader))
    assert raised.value.transient


def test_a_session_without_a_region_is_told_by_the_query_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert queries.session().region_name is None
    with pytest.raises(QueryServiceError, match="region"):
        queries.read(queries.AthenaReader("gold", "workgroup"), SAMPLE)
