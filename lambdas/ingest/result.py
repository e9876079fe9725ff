"""States what an invocation did and what is due next."""

import hashlib
from collections.abc import Iterable

from lakehouse import live
from lakehouse.contract import TableContract
from lakehouse.ledger import Batch, State, Watermark, batch_name
from lambdas.ingest.horizon import Horizon
from lambdas.ingest.models import IngestResult, LiveView


def catalog_signature(contract: TableContract, ingest_date: str | None) -> str:
    """Digest of all that a crawler has to know: columns, types and the newest partition."""
    columns = "\n".join(f"{name} {kind.athena}" for name, kind in contract.types.items())
    return hashlib.sha256(f"{columns}\n{ingest_date or ''}".encode()).hexdigest()[:16]


def outcome(
    contract: TableContract,
    watermark: Watermark,
    batch: Batch | None,
    known: Iterable[Batch],
    horizon: Horizon,
) -> IngestResult:
    """The result, from the watermark after the run and all batches that may not be merged yet."""
    pending = [
        b
        for b in known
        if b.state is State.COMMITTED
        and (b.files or b.quarantine_files)
        and b.batch_id > watermark.merged_batch_id
    ]
    signature = catalog_signature(contract, watermark.ingest_date)
    return IngestResult(
        table=contract.table,
        batch_id=batch_name(batch.batch_id) if batch else None,
        rows=batch.rows if batch else 0,
        deletes=batch.deletes if batch else 0,
        quarantined=batch.quarantined if batch else 0,
        files=len(batch.files) if batch else 0,
        bytes=batch.bytes if batch else 0,
        window_from=batch.window_from if batch else watermark.cursor_value,
        window_to=batch.window_to if batch else watermark.cursor_value,
        ingest_date=batch.ingest_date if batch else None,
        has_more=watermark.horizon is not None or watermark.truncated_at is not None,
        pending_rows=sum(b.rows + b.quarantined for b in pending),
        pending_batches=len(pending),
        oldest_pending_at=min((b.committed_at or "" for b in pending), default=None),
        live=LiveView(
            waiting=live.waiting(contract, watermark, pending),
            settled=live.settled(contract, watermark),
            run_id=max((b.batch_id, b.run_id) for b in pending)[1] if pending else None,
        ),
        catalog_signature=signature,
        crawl_due=watermark.ingest_date is not None and signature != watermark.crawled_signature,
        horizon_held_seconds=round(horizon.held_seconds, 3),
        horizon_culprit=horizon.culprit,
        horizon_pid=horizon.pid,
        horizon_application=horizon.application,
    )
