"""The log line and the metrics of an invocation name who holds the horizon."""

import json
from collections.abc import Iterator

import pytest

from lakehouse.contract import load_contracts
from lakehouse.ledger import Watermark
from lambdas.ingest.horizon import Horizon
from lambdas.ingest.report import report
from lambdas.ingest.result import outcome
from lambdas.telemetry import metrics

CONTRACT = load_contracts()["fact_sales"]
AT = "2026-05-01T10:00:00.000001Z"
WHO = {
    "horizon_culprit": "pid 4711 (nightly report), 90 s",
    "horizon_pid": 4711,
    "horizon_application": "nightly report",
    "horizon_held_seconds": 90.5,
}


@pytest.fixture(autouse=True)
def no_metrics() -> Iterator[None]:
    metrics.clear_metrics()
    yield
    metrics.clear_metrics()


def told(horizon: Horizon, caplog: pytest.LogCaptureFixture) -> tuple[dict, dict]:  # type: ignore[type-arg]
    report(outcome(CONTRACT, Watermark("fact_sales", "updated_at"), None, [], horizon), 3)
    [record] = caplog.records
    return vars(record), json.loads(json.dumps(metrics.serialize_metric_set()))


def test_a_held_horizon_names_its_holder(caplog: pytest.LogCaptureFixture) -> None:
    held = Horizon(AT, AT, 90.5, WHO["horizon_culprit"], 1, 4711, "nightly report")  # type: ignore[arg-type]
    line, published = told(held, caplog)
    assert {name: line[name] for name in WHO} == WHO
    assert {name: published[name] for name in WHO} == WHO
    assert published["HorizonHeld"] == [90.5]
    # a pid as a dimension would make a metric of its own each time
    [directive] = published["_aws"]["CloudWatchMetrics"]
    assert not set(WHO) & {name for names in directive["Dimensions"] for name in names}


def test_of_many_tables_no_metric_is_about_one() -> None:
    result = outcome(
        CONTRACT, Watermark("fact_sales", "updated_at"), None, [], Horizon(AT, AT, 0.0, None, 1)
    )
    for tables, names in ((3, {"service", "source_table"}), (200, {"service"})):
        metrics.clear_metrics()
        report(result, tables)
        [directive] = metrics.serialize_metric_set()["_aws"]["CloudWatchMetrics"]
        assert set(directive["Dimensions"][0]) == names


def test_a_free_horizon_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    line, published = told(Horizon(AT, AT, 0.0, None, 1), caplog)
    assert line["horizon_culprit"] is None
    assert not set(WHO) & set(published)
    assert "HorizonHeld" not in published, "a zero would cost as much as a value"
