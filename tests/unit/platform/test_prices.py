"""The dollars of a receipt against cases that were worked out by hand."""

from decimal import Decimal

import pytest

from lakehouse.prices import Usage, crawler, dollars, glue, query, total


def test_the_job_is_billed_by_the_second_from_a_minute_on() -> None:
    # 2 workers of one DPU for 90 s at 0.44 an hour: 2 x 90 / 3600 x 0.44
    assert glue(Usage(glue_seconds=90)) == Decimal("0.022")
    # 20 s cost a minute: 2 x 60 / 3600 x 0.44
    assert round(glue(Usage(glue_seconds=20)), 6) == Decimal("0.014667")
    assert glue(Usage()) == 0
    # FLEX, 4 workers of 2 DPU for an hour: 8 x 0.29
    large = Usage(3600, 4, "G.2X", "FLEX")
    assert glue(large) == Decimal("2.32")


def test_a_crawl_costs_ten_minutes() -> None:
    assert round(crawler(12), 4) == Decimal("0.0733")
    assert crawler(1800) == Decimal("0.22")


def test_a_query_scans_ten_megabytes_at_least_and_ddl_is_free() -> None:
    assert query(0) == 0
    assert query(1) == query(10 * 1024**2)
    assert query(1024**4) == 5
    assert round(query(1), 7) == Decimal("0.0000477")


def test_a_run_by_service() -> None:
    usage = Usage(
        glue_seconds=120,
        crawler_seconds=(20,),
        lambda_seconds=10,
        lambda_calls=5,
        state_transitions=40,
        query_bytes=(0, 0, 1_000),
        objects_written=4,
        batches=3,
        ledger_writes=2,
    )
    found = dollars(usage)
    assert found == {
        "glue": Decimal("0.029333"),  # 2 x 120 / 3600 x 0.44
        "crawler": Decimal("0.073333"),
        "lambda": Decimal("0.000134"),  # 10 s x 1 GB x 0.0000133334 + 5 x 0.0000002
        "step_functions": Decimal("0.001000"),
        "athena": Decimal("0.000048"),
        "s3": Decimal("0.000020"),
        "dynamodb": Decimal("0.000015"),  # (3 x 6 + 2) x 0.000000625 + 5 x 4 x 0.000000125
    }
    assert total(found) == Decimal("0.103883")


def test_nothing_costs_nothing() -> None:
    assert dollars(Usage()) == {}
    assert total({}) == 0


def test_an_unknown_worker_is_an_error() -> None:
    with pytest.raises(KeyError):
        glue(Usage(glue_seconds=60, glue_worker_type="Z.9X"))
