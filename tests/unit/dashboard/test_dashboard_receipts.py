"""What the receipts tell, what the dashboard's own queries cost, and what a file holds."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas
import pytest
import sample_lake

from dashboard import exports, receipts
from dashboard.meter import Meter
from dashboard.queries import typed
from dashboard.views import RUNS

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def runs() -> pandas.DataFrame:
    return typed(sample_lake.views(NOW)["v_pipeline_runs"], RUNS)


def test_watermarks_are_those_of_the_newest_run() -> None:
    found = receipts.watermarks(runs()).set_index("source_table")
    assert list(found.index) == ["dim_products", "dim_users", "fact_sales"]
    assert found.at["fact_sales", "behind"] == timedelta(seconds=3)
    assert found.at["fact_sales", "read_to"] == "2026-03-14 11:57:06 UTC"


def test_a_cursor_that_is_no_time_stands_as_it_is() -> None:
    changed = runs()
    changed["tables"] = [text.replace("2026-", "7").replace("T", "") for text in changed["tables"]]
    found = receipts.watermarks(changed)
    assert found["behind"].isna().all()
    assert found.at[0, "read_to"].startswith("7")


def test_a_receipt_that_says_nothing_is_left_out() -> None:
    changed = runs()
    changed["tables"] = ["", "no JSON"]
    assert receipts.watermarks(changed).empty
    assert receipts.slowest_state({"seconds_by_state": None}) == ""
    assert receipts.slowest_state({"seconds_by_state": '{"A": 1.0, "B": 61.2}'}) == "B, 1 min 1 s"


def test_the_dollars_of_a_day() -> None:
    assert receipts.spent(runs(), NOW.date()) == Decimal("0.146200")
    assert receipts.spent(runs(), NOW.date() - timedelta(days=1)) == 0


@pytest.mark.parametrize(
    ("amount", "text"), [("0", "$0.0000"), ("0.0731", "$0.0731"), ("0.00004768", "$0.000048")]
)
def test_small_sums(amount: str, text: str) -> None:
    assert receipts.dollars(Decimal(amount)) == text


def test_a_query_is_billed_ten_megabytes_at_least_and_a_failed_one_nothing() -> None:
    meter = Meter()
    meter.count("v_a", 5)
    meter.count("v_a", 20 * 1024**2)
    with pytest.raises(ValueError, match="gone"), meter.failing("v_b"):
        raise ValueError("gone")
    used = meter.by_view()
    assert (used["v_a"].queries, used["v_a"].bytes_scanned) == (2, 20 * 1024**2 + 5)
    assert used["v_a"].dollars == Decimal(5) * 30 / 1024**2
    assert (used["v_b"].queries, used["v_b"].failures, used["v_b"].dollars) == (1, 1, 0)


def test_many_sessions_count_together() -> None:
    meter = Meter()
    threads = [
        threading.Thread(target=lambda: [meter.count("v_a", 1) for _ in range(200)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.by_view()["v_a"].queries == 1600


def test_a_file_holds_every_row_and_no_formula() -> None:
    frame = pandas.DataFrame(
        {
            "name": ["=cmd|' /C calc'!A0", "+1", "Zürich, CH", None],
            "amount": [Decimal("-1.50"), Decimal("2.00"), None, Decimal("3")],
        }
    )
    lines = exports.csv(frame).decode("utf-8-sig").split("\r\n")
    assert lines == ["name,amount", "'=cmd|' /C calc'!A0,-1.50", "'+1,2.00", '"Zürich, CH",', ",3",
                     ""]  # fmt: skip
