"""The whole page under Streamlit's own test harness: its figures, and each of its states."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import awswrangler
import conftest
import pandas
import pytest
import sample_lake
from botocore.exceptions import ClientError, EndpointConnectionError
from streamlit.testing.v1 import AppTest

from dashboard.screens import parts

Run = Callable[[], AppTest]


def html(page: AppTest) -> str:
    assert not page.exception, page.exception
    return "\n".join(block.proto.body for block in page.get("html"))


def test_key_figures_are_the_views_values(
    run: Run, athena: list[str], lake: dict[str, Any]
) -> None:
    page = run()
    row = lake["v_overview"].iloc[0]
    assert {metric.label: metric.value for metric in page.metric} == {
        "Total revenue": f"\\${row['total_revenue']:,.2f}",
        "Net revenue": f"\\${row['net_revenue']:,.2f}",
        "Orders": f"{row['total_orders']:,}",
        "Average order value": f"\\${row['average_order_value']:,.2f}",
        "Premium market share": "61.4%",
    }
    assert [heading.value for heading in page.header] == [
        "Revenue over time",
        "Order status",
        "Cities",
        "Top products",
        "Where the figures come from",
    ]


def test_the_trust_bar_counts_what_is_held_back_and_what_fails(run: Run, athena: list[str]) -> None:
    text = html(run())
    assert "Fresh, but 3 rows are held back and 1 rule fails" in text
    assert "<dd>2 min ago</dd>" in text
    assert "<dd>1 of 3</dd>" in text


def test_titles_are_escaped(run: Run, athena: list[str]) -> None:
    assert "Corner &lt;Shop&gt;" in html(run())


def test_a_second_reader_costs_no_query(run: Run, athena: list[str]) -> None:
    run()
    before = list(athena)
    assert len(before) == len({sql.split("FROM ")[1].split()[0] for sql in before}) == 9
    run()
    assert athena == before


def test_only_a_new_version_is_read_again(
    run: Run, athena: list[str], lake: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run()
    monkeypatch.setattr("dashboard.source.time.time", lambda: 10_000_000_000.0)
    athena.clear()
    page.run()
    assert [sql for sql in athena if "v_freshness" not in sql] == []
    lake["v_freshness"].loc[2, "merged_batch_id"] = "000000000043"
    lake["v_overview"].loc[0, "total_orders"] = 1_234_567
    monkeypatch.setattr("dashboard.source.time.time", lambda: 20_000_000_000.0)
    page.run()
    assert page.metric[2].value == "1,234,567"


def test_the_ranking_keeps_its_choice_over_a_refresh(run: Run, athena: list[str]) -> None:
    page = run()
    page.session_state["cities_by"] = "Orders"
    page.run()
    assert page.session_state["cities_by"] == "Orders"
    assert not page.exception


def failing(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def read_sql_query(sql: str, **_: Any) -> pandas.DataFrame:
        raise failure

    monkeypatch.setattr(awswrangler.athena, "read_sql_query", read_sql_query)


def client_error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "StartQueryExecution")


@pytest.mark.parametrize(
    ("failure", "title"),
    [
        (
            awswrangler.exceptions.QueryFailed(
                "TABLE_NOT_FOUND: line 1:8: Table 'awsdatacatalog.gold.v_freshness' does not exist"
            ),
            "The first run has not finished",
        ),
        (
            awswrangler.exceptions.QueryFailed("SCHEMA_NOT_FOUND: Schema 'gold' does not exist"),
            "The first run has not finished",
        ),
        (client_error("EntityNotFoundException", "Database gold not found"), "The first run"),
        (
            awswrangler.exceptions.QueryFailed("COLUMN_NOT_FOUND: Column 'x' cannot be resolved"),
            "The views don&#x27;t fit this version",
        ),
        (
            awswrangler.exceptions.QueryFailed(
                "INVALID_VIEW: View 'v_freshness' is stale or in invalid state"
            ),
            "The views don&#x27;t fit this version",
        ),
        (
            client_error("AccessDeniedException", "User x is not authorized to perform: athena:…"),
            "The dashboard may not read the figures",
        ),
        (
            awswrangler.exceptions.QueryFailed("PERMISSION_DENIED: Access Denied (Service: S3)"),
            "The dashboard may not read the figures",
        ),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "Athena does not answer"),
        (client_error("TooManyRequestsException", "Rate exceeded"), "Athena does not answer"),
        (awswrangler.exceptions.QueryFailed("GENERIC_INTERNAL_ERROR: boom"), "Athena does not"),
    ],
)
def test_each_failure_has_its_own_message(
    run: Run, monkeypatch: pytest.MonkeyPatch, failure: Exception, title: str
) -> None:
    failing(monkeypatch, failure)
    page = run()
    assert title in html(page)
    assert not page.metric
    assert str(failure).split(": ", 1)[-1].split(" (")[0] in page.code[0].value


@pytest.mark.parametrize("view", ["v_freshness", "v_overview"])
def test_views_without_rows_are_an_empty_lake(
    run: Run, athena: list[str], lake: dict[str, Any], view: str
) -> None:
    lake[view] = lake[view].iloc[:0]
    page = run()
    assert "The first run has not finished" in html(page)
    assert not page.metric


def test_an_overview_that_counts_nothing_is_an_empty_lake(
    run: Run, athena: list[str], lake: dict[str, Any]
) -> None:
    lake["v_overview"].loc[0, "total_orders"] = 0
    assert "The first run has not finished" in html(run())


def test_stale_figures_stay_with_a_warning(
    run: Run, athena: list[str], lake: dict[str, Any]
) -> None:
    lake |= sample_lake.views(datetime.now(UTC), age=timedelta(hours=5, minutes=7))
    page = run()
    assert "Nothing new has arrived for a while" in html(page)
    assert "5 h 7 min ago" in html(page)
    assert len(page.metric) == 5


def test_a_failing_refresh_keeps_the_old_figures(
    run: Run, athena: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run()
    shown = [metric.value for metric in page.metric]
    conftest.forget()
    failing(monkeypatch, awswrangler.exceptions.QueryFailed("GENERIC_INTERNAL_ERROR: boom"))
    page.run()
    assert "You see the figures as they were" in html(page)
    assert "Not confirmed since" in html(page)
    assert "Fresh" not in html(page)
    assert [metric.value for metric in page.metric] == shown


def test_a_missing_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOLD_DATABASE")
    page = run()
    assert "The dashboard is not set up" in html(page)
    assert "gold_database" in page.code[0].value


def test_one_day_of_sales_without_rules_is_drawn(
    run: Run, athena: list[str], lake: dict[str, Any]
) -> None:
    lake |= sample_lake.views(datetime.now(UTC), days=1)
    for view in ("v_quality", "v_quarantine"):
        lake[view] = lake[view].iloc[:0]
    lake["v_freshness"]["quarantined_keys"] = 0
    assert "The figures are fresh and complete" in html(run())


def test_a_view_without_rows_leaves_the_others_standing(
    run: Run, athena: list[str], lake: dict[str, Any]
) -> None:
    for view in ("v_daily_sales", "v_order_status", "v_city_performance", "v_product_performance"):
        lake[view] = lake[view].iloc[:0]
    page = run()
    assert len(page.metric) == 5
    assert not page.exception
    assert [caption.value for caption in page.caption] == [parts.NOTHING] * 4
