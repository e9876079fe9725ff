"""*Your figures*: tables that nobody has seen before, drawn as they are."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas
import pytest
from botocore.exceptions import ClientError
from streamlit.testing.v1 import AppTest

from dashboard import own_charts
from dashboard.queries import kind_of, typed
from dashboard.screens.own import view_of
from dashboard.settings import OwnFigures
from dashboard.view import Kind

Open = Callable[..., AppTest]
MONTHS = OwnFigures(name="genre_revenue", title="What genres bring in.", grain=("month", "genre"))
CITIES = OwnFigures(name="crews", title="Crew by harbour.", grain=("harbour",))
FRAMES = {
    "genre_revenue": pandas.DataFrame(
        {
            "month": [date(2026, month, 1) for month in (1, 1, 2)],
            "genre": ["Jazz", "Rock", "Jazz"],
            "revenue": [Decimal("1200.50"), Decimal("80.00"), Decimal("1300.00")],
            "tracks": pandas.Series([1000, None, 3], dtype="Int64"),
        }
    ),
    "crews": pandas.DataFrame({"harbour": ["Ghent", "<b>Lagos"], "sailors": [1234, 7]}),
}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch, lake: dict[str, Any]) -> dict[str, Any]:
    """The lake with both tables, in a deployment that tells of them."""
    monkeypatch.setenv("OWN_GOLD", json.dumps([own.model_dump() for own in (MONTHS, CITIES)]))
    lake.update(FRAMES)
    return lake


def text_of(page: AppTest) -> str:
    assert not page.exception, page.exception
    return "\n".join(block.proto.body for block in page.get("html"))


def test_each_has_its_card_chart_and_rows(
    open_page: Open, athena: list[str], figures: dict[str, Any]
) -> None:
    page = open_page("own")
    told = text_of(page)
    assert [heading.value for heading in page.header] == [
        "Genre revenue", "Crews", "Where the figures come from",
    ]  # fmt: skip
    assert "1,200.50" in told
    assert "2026-02-01" in told
    assert "&lt;b&gt;Lagos" in told
    assert len(page.get("arrow_vega_lite_chart") or page.get("vega_lite_chart")) == 2
    assert [box.options for box in page.selectbox] == [["Revenue", "Tracks"]]
    asked = next(sql for sql in athena if "genre_revenue" in sql)
    assert asked.split("\n") == [
        "SELECT *", "FROM genre_revenue", 'ORDER BY "month", "genre"', "LIMIT 10000",
    ]  # fmt: skip


def test_one_that_fails_leaves_the_others(
    open_page: Open,
    athena: list[str],
    figures: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import awswrangler

    answer = awswrangler.athena.read_sql_query

    def sometimes(sql: str, **options: Any) -> Any:
        if "genre_revenue" in sql:
            raise ClientError(
                {"Error": {"Code": "TABLE_NOT_FOUND", "Message": "table does not exist"}}, "Query"
            )
        return answer(sql, **options)

    monkeypatch.setattr(awswrangler.athena, "read_sql_query", sometimes)
    page = open_page("own")
    assert "Ghent" in text_of(page)
    said = [caption.value for caption in page.caption]
    assert "Not computed yet: the next run that brings news makes it." in said


def test_without_the_shop_the_page_is_the_first(
    monkeypatch: pytest.MonkeyPatch, run: Callable[[], AppTest], athena: list[str], figures: Any
) -> None:
    monkeypatch.setenv("HAS_SHOP", "false")
    assert [heading.value for heading in run().header][:2] == ["Genre revenue", "Crews"]
    assert not [sql for sql in athena if "v_overview" in sql]
    monkeypatch.delenv("OWN_GOLD")
    assert "Runs" in " ".join(heading.value for heading in run().header)


def test_a_second_look_costs_no_query_unless_it_tells_the_time() -> None:
    assert not view_of(MONTHS).is_timed
    assert view_of(CITIES.model_copy(update={"is_timed": True})).is_timed


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pandas.Series([1, 2]), Kind.COUNT),
        (pandas.Series([1, None], dtype="Int64"), Kind.COUNT),
        (pandas.Series([1.5, None]), Kind.NUMBER),
        (pandas.Series([True, False]), Kind.FLAG),
        (pandas.Series([Decimal(1), None], dtype=object), Kind.DECIMAL),
        (pandas.Series([date(2026, 1, 1), None], dtype=object), Kind.DATE),
        (pandas.Series([datetime(2026, 1, 1, tzinfo=UTC)]), Kind.TIMESTAMP),
        (pandas.Series(["a", None], dtype=object), Kind.TEXT),
        (pandas.Series([["a"], None], dtype=object), Kind.TEXT),
        (pandas.Series([None, None], dtype=object), Kind.TEXT),
    ],
)
def test_kinds_are_told_by_the_values(values: "pandas.Series[Any]", kind: Kind) -> None:
    assert kind_of(values) is kind
    assert list(typed(values.to_frame("one"), view_of(CITIES)).columns) == ["one"]


def test_a_time_is_a_line_and_nothing_is_added_up() -> None:
    rows = FRAMES["genre_revenue"]
    assert own_charts.measures(MONTHS, rows) == ["revenue", "tracks"]
    assert own_charts.is_line(MONTHS, rows)
    assert not own_charts.is_line(MONTHS.model_copy(update={"chart": "bar"}), rows)
    drawn = own_charts.over_time(MONTHS, rows, "revenue").data
    assert list(drawn["amount"]) == [1200.5, 80.0, 1300.0]
    assert own_charts.over_time(MONTHS, rows, "tracks").data["Tracks"].tolist() == ["1,000", "3"]


def test_bars_are_the_rows_with_the_most() -> None:
    drawn = own_charts.bars(CITIES, FRAMES["crews"], "sailors", "light")
    assert drawn is not None
    data = drawn.layer[0].data if drawn.data is altair_undefined() else drawn.data
    assert data["label"].tolist() == ["1,234", "7"]
    nothing = FRAMES["crews"].assign(sailors=0)
    assert own_charts.bars(CITIES, nothing, "sailors", "light") is None


def test_what_a_chart_leaves_out_is_said() -> None:
    assert own_charts.remark(CITIES, FRAMES["crews"]) == ""
    many = pandas.DataFrame({"harbour": [str(n) for n in range(1200)], "sailors": range(1200)})
    assert own_charts.remark(CITIES, many) == "The first 15 of 1,200."
    months = pandas.DataFrame(
        {"month": [date(2026, 1, 1)] * 7, "genre": list("abcdefg"), "revenue": range(7)}
    )
    assert own_charts.remark(MONTHS, months) == "The largest 6 of 7."
    assert own_charts.over_time(MONTHS, months, "revenue").data["series"].nunique() == 6


def altair_undefined() -> Any:
    from altair import Undefined

    return Undefined
