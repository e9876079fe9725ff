"""Takes one batch of one table from the source to bronze: plan, claim, extract, land, commit."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from lakehouse.contract import TableContract
from lakehouse.errors import LedgerError
from lakehouse.ledger import (
    EVERYTHING,
    Batch,
    Kind,
    State,
    Watermark,
    bronze_key,
    quarantine_key,
    state_key,
)
from lakehouse.ledger_client import Ledger
from lakehouse.quality.compiler import RowRule
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget, last_read
from lambdas.ingest.capture import Capture
from lambdas.ingest.catalog import check_indexes, check_source
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.drift import Seen
from lambdas.ingest.fingerprint import check_size, rows_of, take_clock, take_fingerprint
from lambdas.ingest.horizon import Horizon, take_horizon
from lambdas.ingest.identity import take_identity
from lambdas.ingest.models import IngestResult
from lambdas.ingest.planning import due_sweep, later, passed, restarted
from lambdas.ingest.ranges import Range, range_of
from lambdas.ingest.result import outcome
from lambdas.ingest.source import Session, Source


@dataclass(frozen=True)
class Ingest:
    """One invocation for one table. `owner` names this attempt in the ledger."""

    contract: TableContract
    source: Source
    ledger: Ledger
    bronze: Bronze
    run_id: str
    budget: Budget
    margin_seconds: float
    rules: Sequence[RowRule] = ()
    owner: str = field(default_factory=lambda: uuid4().hex)

    def run(self) -> IngestResult:
        """Finishes the batch that was left open, or takes the next one, or finds nothing new."""
        begun = time.monotonic()
        watermark = self.ledger.watermark(self.contract.table, self.contract.cursor)
        if watermark.cursor != self.contract.cursor:
            raise LedgerError(
                f"{self.contract.table}: the watermark counts by {watermark.cursor!r}, the "
                f"contract by {self.contract.cursor!r}; restore the contract or reload the table"
            )
        known = self.ledger.batches(
            self.contract.table, min(watermark.merged_batch_id, watermark.batch_id)
        )
        with self.source.session() as session:
            horizon = self._horizon(session)
            seen = check_source(session, self.contract, watermark.added_columns)
            identity = take_identity(session, self.contract, horizon.database_oid)
            watermark = identity.remembered_in(watermark, self.source.address)
            watermark = replace(watermark, added_columns=seen.added)
            batch = next((b for b in known if b.state is not State.COMMITTED), None)
            if batch:
                check_indexes(session, seen.contract)
                batch = self._claim(session, watermark, batch, seen.contract)
            else:
                before = last_read(known)
                watermark, batch = self._plan(session, watermark, horizon, seen, before)
        if batch:
            if batch.state is State.OPEN:
                batch = self.ledger.extracted(self._extract(batch, seen.contract))
            at = later(horizon.now, time.monotonic() - begun)
            watermark, batch = self.ledger.commit(watermark, batch, at)
            known = [*(b for b in known if b.batch_id != batch.batch_id), batch]
        return outcome(seen.contract, watermark, batch, known, horizon)

    def _horizon(self, session: Session) -> Horizon:
        if self.contract.is_snapshot:
            return take_clock(session, self.source.address)
        cursor = Cursor(self.contract)
        return take_horizon(session, self.source.address, self.margin_seconds, cursor)

    def _claim(
        self, session: Session, watermark: Watermark, batch: Batch, seen: TableContract
    ) -> Batch:
        """Takes over what another attempt left; halves what more than one attempt has left."""
        if batch.batch_id != watermark.batch_id + 1:
            raise LedgerError(
                f"{self.contract.table} batch {batch.name} is {batch.state}, but the watermark "
                f"stands at {watermark.batch_id}; another ingest is at work, or items were edited"
            )
        is_range = batch.kind in (Kind.LOAD, Kind.DELTA)
        if batch.state is State.OPEN and batch.attempts > 1 and is_range:
            part = Capture(seen, batch.kind).half(session, range_of(batch))
            batch = replace(batch, window_to=part.end, upto_key=part.upto_key)
        return self.ledger.claim(batch, self.owner, self.run_id)

    def _plan(
        self,
        session: Session,
        watermark: Watermark,
        horizon: Horizon,
        seen: Seen,
        before: Batch | None,
    ) -> tuple[Watermark, Batch | None]:
        """Opens the next batch; or moves the watermark when the window is empty."""
        if seen.contract.is_snapshot:
            return self._plan_snapshot(session, watermark, horizon, seen.contract)
        watermark = restarted(watermark) if watermark.restart_from is not None else watermark
        if sweep := due_sweep(seen, watermark, horizon):
            check_indexes(session, seen.contract)
            return watermark, self._open(watermark, horizon, Kind.SWEEP, sweep)
        end = watermark.horizon or horizon.below
        if end is None or (watermark.cursor_value is not None and end <= watermark.cursor_value):
            return watermark, None
        is_load = watermark.is_loading or watermark.cursor_value is None
        capture = Capture(seen.contract, Kind.LOAD if is_load else Kind.DELTA)
        begin = watermark.window_start if watermark.horizon else watermark.cursor_value
        window = Range(watermark.cursor_value, watermark.cursor_key, end, begin=begin, horizon=end)
        may_have_changes = capture.may_have_changes(session, window)
        if watermark.horizon is None:
            truncated_at = capture.truncated_at(session, window) if may_have_changes else None
            if watermark.restart_from == EVERYTHING:
                # what was deleted before leaves no tombstone here: only a sweep can tell
                truncated_at = end
            watermark = replace(watermark, truncated_at=truncated_at)
        if not may_have_changes or capture.is_empty(session, window):
            return self.ledger.move(watermark, passed(watermark, end, horizon)), None
        check_indexes(session, seen.contract)
        expected = capture.estimate(session)
        limit = self.budget.limit(expected.width, before)
        chunk = capture.chunk(session, window, limit, expected)
        return watermark, self._open(watermark, horizon, capture.kind, chunk, end)

    def _plan_snapshot(
        self, session: Session, watermark: Watermark, horizon: Horizon, seen: TableContract
    ) -> tuple[Watermark, Batch | None]:
        """Opens a batch where the table has another fingerprint than was read last."""
        capture = Capture(seen, Kind.SNAPSHOT)
        expected = capture.estimate(session)
        check_size(seen, expected.rows, expected.width, self.budget.bytes)
        fingerprint = take_fingerprint(session, seen)
        rows = rows_of(fingerprint)
        check_size(seen, rows, expected.width, self.budget.bytes)
        last = self.ledger.batches(self.contract.table, max(watermark.batch_id - 1, 0))
        known = last[-1].fingerprint if last else None
        is_new = fingerprint != known if last else rows > 0
        if watermark.restart_from is None and not is_new:
            return self.ledger.move(watermark, passed(watermark, horizon.now, horizon)), None
        whole = Range(watermark.cursor_value, None, horizon.now)
        return watermark, self._open(watermark, horizon, Kind.SNAPSHOT, whole)

    def _open(
        self, watermark: Watermark, horizon: Horizon, kind: Kind, chunk: Range, end: str = ""
    ) -> Batch:
        batch = Batch(
            source_table=self.contract.table,
            batch_id=watermark.batch_id + 1,
            kind=kind,
            window_from=chunk.start,
            after_key=chunk.after_key,
            window_to=chunk.end,
            upto_key=chunk.upto_key,
            horizon=end or chunk.end,
            truncated_at=chunk.end if kind is Kind.SWEEP else watermark.truncated_at,
            opened_at=horizon.now,
            run_id=self.run_id,
            owner=self.owner,
            window_start=chunk.begin,
            restart_from=watermark.restart_from,
        )
        self.ledger.open(batch)
        return batch

    def _extract(self, batch: Batch, seen: TableContract) -> Batch:
        """Writes the batch's objects with the columns of `seen`; returns it with their facts."""
        # loads DuckDB, which an idle poll never needs
        from lambdas.ingest.extraction import from_source, reading
        from lambdas.ingest.snapshot import take
        from lambdas.ingest.sweep import swept
        from lambdas.ingest.witness import Witness, take_witness

        begun = time.monotonic()
        part = (batch.source_table, batch.ingest_date, batch.batch_id)
        keys = bronze_key(*part), quarantine_key(*part)
        place = state_key(batch.source_table, batch.batch_id)
        is_snapshot, taken = batch.kind is Kind.SNAPSHOT, None
        # what a former attempt left; read before the source, so that a later attempt's is noticed
        former = [self.bronze.etag(key) if batch.attempts > 1 else None for key in keys]
        former_state = self.bronze.etag(place) if is_snapshot else None
        capture = Capture(seen, batch.kind)
        witness = Witness(None, None)
        with (
            tempfile.TemporaryDirectory(prefix="ingest-") as directory,
            reading(
                self.source, seen, batch, Path(directory), self.rules, hashed=self.contract
            ) as extraction,
        ):
            if batch.kind is Kind.SWEEP:
                committed = self._committed(batch)
                facts = extraction.land(swept(extraction, capture, self.bronze, committed))
            elif is_snapshot:
                taken = take(extraction, capture, self.bronze, self._committed(batch))
                facts = extraction.land(taken.differences)
            else:
                facts = extraction.land(from_source(capture.rows(range_of(batch))))
                witness = take_witness(extraction, capture)
            broken = facts.broken + facts.refused
            if broken:
                raw = from_source(capture.set_aside(range_of(batch))) if facts.broken else None
                facts = extraction.set_aside(raw)
            files, quarantine_files = [], []
            if facts.rows or former[0]:
                path = extraction.bronze_file
                files = [self.bronze.put(path, keys[0], facts.rows, former[0])]
            if broken:
                path = extraction.quarantine_file
                quarantine_files = [self.bronze.put(path, keys[1], broken, former[1])]
            if taken:
                state = self.bronze.put(taken.state, place, taken.rows, former_state)
                batch = replace(batch, state_files=(state,), fingerprint=taken.fingerprint)
        return replace(
            batch,
            rows=facts.rows,
            deletes=facts.deletes,
            content=facts.content,
            source_rows=witness.rows,
            source_content=witness.content,
            quarantined=broken,
            files=tuple(files),
            quarantine_files=tuple(quarantine_files),
            seconds=round(time.monotonic() - begun, 3),
        )

    def _committed(self, batch: Batch) -> list[Batch]:
        known = self.ledger.batches(batch.source_table)
        return [one for one in known if one.state is State.COMMITTED]
