"""What an invocation reports, and how messages of the source are named."""

from dataclasses import replace

import pytest

from lakehouse.contract import load_contracts
from lakehouse.errors import SourceError, SourceUnavailableError
from lakehouse.ledger import Batch, File, Kind, State, Watermark
from lakehouse.sqltext import identifier, literal
from lambdas.ingest.extraction import _server_message
from lambdas.ingest.horizon import Horizon
from lambdas.ingest.planning import later
from lambdas.ingest.result import catalog_signature, outcome
from lambdas.ingest.source import Source, conninfo

CONTRACT = load_contracts()["fact_sales"]
AT = "2026-05-01T10:00:00.000001Z"
HORIZON = Horizon(AT, AT, 0.0, None, 1)


def batch(number: int, rows: int) -> Batch:
    return Batch(
        source_table="fact_sales", batch_id=number, kind=Kind.DELTA, window_from=None,
        after_key=None, window_to=AT, upto_key=None, horizon=AT, truncated_at=None, opened_at=AT,
        run_id="run", owner="me", state=State.COMMITTED, committed_at=f"2026-05-0{number}",
        rows=rows, files=(File("k", rows, 10),) if rows else (),
    )  # fmt: skip


def test_pending_counts_what_is_committed_and_not_merged() -> None:
    known = [batch(1, 10), batch(2, 0), batch(3, 5), replace(batch(4, 7), state=State.OPEN)]
    watermark = Watermark("fact_sales", "updated_at", batch_id=3, merged_batch_id=1)
    result = outcome(CONTRACT, watermark, None, known, HORIZON)
    assert (result.pending_rows, result.pending_batches) == (5, 1)
    assert result.oldest_pending_at == "2026-05-03"


def test_a_crawl_is_due_for_a_new_day_or_column_and_never_without_rows() -> None:
    empty = Watermark("fact_sales", "updated_at")
    assert not outcome(CONTRACT, empty, None, [], HORIZON).crawl_due
    filled = replace(empty, ingest_date="2026-05-01")
    due = outcome(CONTRACT, filled, None, [], HORIZON)
    assert due.crawl_due
    crawled = replace(filled, crawled_signature=due.catalog_signature)
    assert not outcome(CONTRACT, crawled, None, [], HORIZON).crawl_due
    assert outcome(
        CONTRACT, replace(crawled, ingest_date="2026-05-02"), None, [], HORIZON
    ).crawl_due
    widened = replace(CONTRACT, columns={**CONTRACT.columns, "note": "text"})
    assert catalog_signature(widened, "2026-05-01") != due.catalog_signature


@pytest.mark.parametrize("change", [{"horizon": AT}, {"truncated_at": AT}])
def test_more_is_due_inside_a_window_and_before_a_sweep(change: dict[str, str]) -> None:
    watermark = Watermark("fact_sales", "updated_at", **change)
    assert outcome(CONTRACT, watermark, None, [], HORIZON).has_more


@pytest.mark.parametrize(
    ("message", "code", "expected"),
    [
        ("terminating connection due to administrator command", "57P01", SourceUnavailableError),
        ("sorry, too many clients already", "53300", SourceUnavailableError),
        ("the database system is starting up", "", SourceUnavailableError),
        ("Unable to connect: Connection refused", "", SourceUnavailableError),
        ("canceling statement due to statement timeout", "57014", SourceError),
        ("permission denied for table sales", "42501", SourceError),
    ],
)
def test_messages_of_the_source_get_their_error(
    message: str, code: str, expected: type[SourceError]
) -> None:
    source = Source("database 'shop' at db.example", connect=pytest.fail, dsn=pytest.fail)
    failure = source.failure(message, code)
    assert type(failure) is expected
    assert "db.example" in str(failure)
    assert message in str(failure)


def test_no_message_of_the_reader_holds_the_secret() -> None:
    dsn = conninfo(host="db", password="it's \\secret")
    assert dsn == r"host='db' password='it\'s \\secret'"
    raw = f'IO Error: Unable to connect to Postgres at "{dsn}": FATAL:  no entry\n'
    assert _server_message(raw) == "Unable to connect: FATAL:  no entry"


def test_quoting() -> None:
    assert identifier('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"


def test_time_goes_on_by_the_sources_clock() -> None:
    assert later(AT, 59.5) == "2026-05-01T10:00:59.500001Z"
