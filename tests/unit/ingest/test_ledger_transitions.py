"""Every transition of the ledger, every race, over DynamoDB's own rules (moto)."""

from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bench.adversary import aws
from lakehouse import ledger_requests
from lakehouse.errors import LedgerBusyError, LedgerError
from lakehouse.ledger import (
    Batch,
    File,
    Kind,
    State,
    Watermark,
    advanced,
    bronze_key,
    quarantine_key,
)
from lakehouse.ledger_client import Ledger

AT = "2026-05-01T10:00:00.000001Z"
LATER = "2026-05-01T10:05:00.000000Z"
BATCH = Batch(
    source_table="sales", batch_id=1, kind=Kind.LOAD, window_from=None, after_key=None,
    window_to="2026-05-01T09:00:00.000000Z", upto_key=("7", 'a"ä'), horizon=AT, truncated_at=None,
    opened_at=AT, run_id="run", owner="first",
)  # fmt: skip
DONE = replace(
    BATCH, rows=3, deletes=1, quarantined=2, content=2**60 * 10**9, seconds=1.5,
    files=(File("bronze/k", 3, 99),), quarantine_files=(File("quarantine/k", 2, 9),),
)  # fmt: skip


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        aws.make_ledger(client)
        yield Ledger(client, aws.LEDGER)


def test_open_extracted_committed(ledger: Ledger) -> None:
    start = ledger.watermark("sales", "updated_at")
    assert start == Watermark("sales", "updated_at")
    ledger.open(BATCH)
    assert ledger.batches("sales") == [BATCH]
    assert ledger.extracted(DONE) == ledger.batches("sales")[0]
    watermark, batch = ledger.commit(start, DONE, LATER)
    assert ledger.watermark("sales", "updated_at") == watermark
    assert ledger.batches("sales") == [batch]
    assert batch == replace(DONE, state=State.COMMITTED, committed_at=LATER)
    assert watermark == Watermark(
        "sales", "updated_at", cursor_value=BATCH.window_to, cursor_key=("7", 'a"ä'), horizon=AT,
        is_loading=True, batch_id=1, revision=1, updated_at=LATER, ingest_date="2026-05-01",
        audited_at=AT,
    )  # fmt: skip


def test_the_last_chunk_ends_the_window_and_an_empty_batch_keeps_the_partition() -> None:
    before = Watermark("sales", "updated_at", ingest_date="2026-04-01", horizon=AT, is_loading=True)
    after = advanced(before, replace(BATCH, upto_key=None, truncated_at=AT), LATER)
    assert (after.cursor_value, after.cursor_key, after.horizon) == (BATCH.window_to, None, None)
    assert (after.is_loading, after.ingest_date, after.truncated_at) == (False, "2026-04-01", AT)
    swept = advanced(after, replace(BATCH, batch_id=2, kind=Kind.SWEEP), LATER)
    assert (swept.cursor_value, swept.truncated_at) == (after.cursor_value, None)


def test_only_one_opens_an_id_and_a_repeated_request_is_harmless(ledger: Ledger) -> None:
    ledger.open(BATCH)
    ledger.open(BATCH)  # the SDK's retry of a request whose answer was lost
    with pytest.raises(LedgerBusyError, match="sales batch 000000000001"):
        ledger.open(replace(BATCH, owner="second"))


def test_a_claim_fences_the_former_owner(ledger: Ledger) -> None:
    start = ledger.watermark("sales", "updated_at")
    ledger.open(BATCH)
    claimed = ledger.claim(BATCH, "second", "run 2")
    assert (claimed.owner, claimed.attempts, claimed.opened_at) == ("second", 2, AT)
    for step in (
        lambda: ledger.claim(BATCH, "third", "run 3"),
        lambda: ledger.extracted(DONE),
        lambda: ledger.commit(start, DONE, LATER),
    ):
        with pytest.raises(LedgerBusyError):
            step()
    assert ledger.watermark("sales", "updated_at").revision == 0
    ledger.commit(start, replace(DONE, owner="second"), LATER)


def test_nothing_changes_a_committed_batch(ledger: Ledger) -> None:
    start = ledger.watermark("sales", "updated_at")
    ledger.open(BATCH)
    watermark, batch = ledger.commit(start, ledger.extracted(DONE), LATER)
    for step in (
        lambda: ledger.claim(batch, "second", "run"),
        lambda: ledger.extracted(DONE),
        lambda: ledger.commit(watermark, DONE, LATER),
    ):
        with pytest.raises(LedgerBusyError):
            step()
    assert ledger.batches("sales") == [batch]


def test_a_stale_watermark_neither_moves_nor_commits(ledger: Ledger) -> None:
    start = ledger.watermark("sales", "updated_at")
    moved = ledger.move(start, replace(start, cursor_value=AT))
    assert moved == ledger.watermark("sales", "updated_at")
    ledger.open(BATCH)
    for step in (
        lambda: ledger.move(start, replace(start, cursor_value=LATER)),
        lambda: ledger.commit(start, DONE, LATER),
    ):
        with pytest.raises(LedgerBusyError):
            step()
    assert ledger.batches("sales")[0].state is State.OPEN
    ledger.commit(moved, DONE, LATER)


def test_what_others_write_survives_a_commit(ledger: Ledger) -> None:
    request = ledger_requests.mark_crawled("watermarks", "sales", "abc")
    ledger.client.update_item(**request)
    ledger.mark_merged("sales", 4, ("sale_id", "note"))
    ledger.mark_merged("sales", 5)
    start = ledger.watermark("sales", "updated_at")
    assert (start.revision, start.merged_batch_id, start.crawled_signature) == (0, 5, "abc")
    ledger.open(BATCH)
    after, _ = ledger.commit(start, DONE, LATER)
    assert ledger.watermark("sales", "updated_at") == after
    assert (after.merged_batch_id, after.crawled_signature) == (5, "abc")
    assert after.merged_columns == ("sale_id", "note")


def test_batches_above_an_id_over_many_pages(ledger: Ledger) -> None:
    blob = (File("x" * 30_000, 1, 1),)
    for number in range(1, 61):
        ledger.open(replace(BATCH, batch_id=number, files=blob))
    ledger.open(replace(BATCH, source_table="sales2", batch_id=1))
    assert [b.batch_id for b in ledger.batches("sales", after=9)] == list(range(10, 61))


@pytest.mark.parametrize(
    ("code", "reasons", "expected"),
    [
        ("TransactionCanceledException", ["None", "ConditionalCheckFailed"], LedgerBusyError),
        ("TransactionCanceledException", ["TransactionConflict", "None"], LedgerBusyError),
        ("TransactionCanceledException", ["ThrottlingError"], LedgerError),
        ("ProvisionedThroughputExceededException", [], LedgerError),
        ("AccessDeniedException", [], LedgerError),
    ],
)
def test_refusals_are_named(code: str, reasons: list[str], expected: type[LedgerError]) -> None:
    class Refusing:
        def transact_write_items(self, **_: object) -> None:
            raise ClientError(
                {
                    "Error": {"Code": code, "Message": "said AWS"},
                    "CancellationReasons": [{"Code": reason} for reason in reasons],
                },
                "TransactWriteItems",
            )

    with pytest.raises(LedgerError) as refused:
        Ledger(Refusing(), "watermarks").commit(Watermark("sales", "updated_at"), DONE, LATER)
    assert type(refused.value) is expected
    assert "sales batch 000000000001" in str(refused.value)
    assert expected is LedgerBusyError or code in str(refused.value)


def test_object_names_follow_from_the_batch() -> None:
    assert bronze_key("sales", BATCH.ingest_date, 42) == (
        "bronze/sales/ingest_date=2026-05-01/000000000042-000.parquet"
    )
    assert quarantine_key("sales", BATCH.ingest_date, 42) == (
        "quarantine/sales/ingest_date=2026-05-01/000000000042-000.parquet"
    )
