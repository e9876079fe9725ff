"""The batch ledger: what was read from each table, under which names, and up to where.

It lives in the watermark table (`source_table`, `item`). Each table has one item `watermark` and
one item `batch#<id>` per batch. A batch is a fixed range of the source in the order of (cursor,
key), so a retry reads the same range and writes the same object name:

    (none) --open--> open --extracted--> extracted --commit--> committed
                      ^ claim: another attempt takes over; the former owner can't go on

Every request is conditional: on the batch's owner, and for the commit on the watermark's revision
too. `lakehouse.ledger_items` writes and reads the items, `lakehouse.ledger_requests` builds the
requests, `lakehouse.ledger_client` sends them. Standard library only: the Glue job imports this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

PARTITION_KEY: Final = "source_table"
"""Partition key of the watermark table (S)."""
SORT_KEY: Final = "item"
"""Sort key of the watermark table (S)."""
WATERMARK_ITEM: Final = "watermark"
"""Sort key of a table's watermark."""
BATCH_PREFIX: Final = "batch#"
"""Sort key of a batch, before its 12 digits."""
EVERYTHING: Final = ""
"""`restart_from` of a reload."""
LAST_BATCH: Final = 10**12 - 1
"""The highest batch id that 12 digits hold."""


class State(StrEnum):
    """How far a batch is."""

    OPEN = "open"
    """Its range is fixed; objects may or may not be there."""
    EXTRACTED = "extracted"
    """Its objects are complete and described in the item; the watermark does not know them yet."""
    COMMITTED = "committed"
    """The watermark has passed it."""


class Kind(StrEnum):
    """What a batch reads."""

    LOAD = "load"
    """Part of a window over the whole table: every row below the horizon, `_op` I."""
    DELTA = "delta"
    """Part of a later window: changed rows (`_op` U) and tombstones (`_op` D)."""
    SWEEP = "sweep"
    """After a TRUNCATE or a reload, or as an audit: a `_op` D for each key of bronze that the
    source no longer has."""
    SNAPSHOT = "snapshot"
    """Of a table without a cursor: what differs between all of it and what was read of it last."""


@dataclass(frozen=True)
class File:
    """One object of a batch: its key in the bucket, the rows in it, its size in bytes.

    `etag` is what S3 answered to the upload; None of an object from before it was kept.
    """

    key: str
    rows: int
    bytes: int
    etag: str | None = None


@dataclass(frozen=True)
class Watermark:
    """A table's `watermark` item.

    Times are ISO text in UTC with microseconds, so text order is time order; an `xid8` cursor is a
    number of 20 digits. Keys are tuples of PostgreSQL text in the contract's key order, kept as
    JSON.
    """

    source_table: str
    cursor: str
    cursor_value: str | None = None
    """Everything before (cursor_value, cursor_key) is committed; None before the first load."""
    cursor_key: tuple[str, ...] | None = None
    """Set while a window is only partly committed: the last committed key at `cursor_value`."""
    window_start: str | None = None
    """Start of the window in progress; None between windows and in a load."""
    horizon: str | None = None
    """End of the window in progress; None between windows."""
    is_loading: bool = False
    """The window in progress is a load of the whole table."""
    truncated_at: str | None = None
    """When keys vanished without a trace of each (TRUNCATE, reload): their sweep is due."""
    audited_at: str | None = None
    """The source's clock at the last sweep; audits count from it."""
    restart_from: str | None = None
    """Asked for by an operator: the next window begins here; `EVERYTHING` loads the table anew."""
    system_identifier: str | None = None
    """Which cluster the watermark was made from; None: the next ingest remembers its source."""
    timeline: int | None = None
    """Its timeline: a restore to a point in time, or a promotion, begins another."""
    database_oid: int | None = None
    table_oid: int | None = None
    wal_position: int | None = None
    """Bytes of write-ahead log at the last batch; a source that has fewer was set back."""
    added_columns: Mapping[str, str] = field(default_factory=dict)
    """Columns beyond the contract that bronze has, and the type that they are carried from."""
    batch_id: int = 0
    """The last committed batch; 0 before the first."""
    revision: int = 0
    """Counts the writes of the ingest; 0 means that the item does not exist."""
    updated_at: str | None = None
    ingest_date: str | None = None
    """Partition of the newest committed batch that has rows."""
    merged_batch_id: int = 0
    """The last batch that silver has; written by the Glue job."""
    merged_columns: tuple[str, ...] = ()
    """The columns of the source that silver has since then; written by the Glue job."""
    crawled_signature: str | None = None
    """The catalog signature at the last crawl; written by the state machine."""


@dataclass(frozen=True)
class Batch:
    """A table's `batch#<id>` item: the range after (window_from, after_key) up to window_to.

    `upto_key` None means that the range ends before `window_to`, otherwise it ends with that key at
    `window_to`. `rows` counts all rows in the files, `deletes` those with `_op` D, `quarantined`
    those that were set aside; `content` is the sum of `_row_hash`.
    """

    source_table: str
    batch_id: int
    kind: Kind
    window_from: str | None
    after_key: tuple[str, ...] | None
    window_to: str
    upto_key: tuple[str, ...] | None
    horizon: str
    truncated_at: str | None
    """A TRUNCATE marker in the window (or, of a sweep, the one that it carries out)."""
    opened_at: str
    """The source's clock; `_ingested_at` of every row."""
    run_id: str
    owner: str
    """The attempt that may write; changes when another attempt takes over."""
    attempts: int = 1
    state: State = State.OPEN
    committed_at: str | None = None
    rows: int = 0
    deletes: int = 0
    quarantined: int = 0
    content: int = 0
    seconds: float = 0.0
    files: tuple[File, ...] = field(default=())
    quarantine_files: tuple[File, ...] = field(default=())
    window_start: str | None = None
    """Start of the window that the range is a part of; None in a load."""
    restart_from: str | None = None
    """The operator's request that this batch begins to fulfil."""
    source_rows: int | None = None
    """Rows and tombstones of the range as PostgreSQL counts them, in the snapshot that was read;
    None of a sweep, which is no range of the source."""
    state_files: tuple[File, ...] = ()
    """Of a snapshot, the keys and hashes of all rows that it read."""
    fingerprint: str | None = None
    """Of a snapshot, what PostgreSQL said of the whole table."""
    source_content: int | None = None
    """PostgreSQL's own sum of their row hashes; None of a load, where it would cost too much."""

    @property
    def name(self) -> str:
        """The batch id as `_batch_id` and object names carry it."""
        return batch_name(self.batch_id)

    @property
    def ingest_date(self) -> str:
        """The partition of its objects."""
        return self.opened_at[:10]

    @property
    def bytes(self) -> int:
        """Size of its bronze objects."""
        return sum(file.bytes for file in self.files)


def instant(moment: datetime) -> str:
    """A time with its zone as the ledger writes it: ISO text in UTC with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def batch_name(batch_id: int) -> str:
    """12 digits, so that text order is capture order."""
    return f"{batch_id:012d}"


def batch_item(batch_id: int) -> str:
    """Sort key of a batch."""
    return BATCH_PREFIX + batch_name(batch_id)


def bronze_key(table: str, ingest_date: str, batch_id: int, part: int = 0) -> str:
    """Object key of one part of a batch in the bronze bucket."""
    return f"bronze/{table}/ingest_date={ingest_date}/{batch_name(batch_id)}-{part:03d}.parquet"


def quarantine_key(table: str, ingest_date: str, batch_id: int, part: int = 0) -> str:
    """Object key of the rows of a batch that were set aside, in the bronze bucket."""
    return "quarantine" + bronze_key(table, ingest_date, batch_id, part).removeprefix("bronze")


def state_key(table: str, batch_id: int) -> str:
    """Object key of what a snapshot read, in the bronze bucket: two places by turns."""
    return f"state/{table}/{batch_id % 2}.parquet"


def advanced(watermark: Watermark, batch: Batch, at: str) -> Watermark:
    """The watermark after `batch` is committed at `at`."""
    is_fulfilled = watermark.restart_from == batch.restart_from
    after = replace(
        watermark,
        batch_id=batch.batch_id,
        updated_at=at,
        ingest_date=batch.ingest_date if batch.rows else watermark.ingest_date,
        restart_from=None if is_fulfilled else watermark.restart_from,
    )
    if batch.kind is Kind.SWEEP:
        return replace(after, truncated_at=None, audited_at=batch.opened_at)
    in_progress = batch.upto_key is not None
    return replace(
        after,
        cursor_value=batch.window_to,
        cursor_key=batch.upto_key,
        window_start=batch.window_start if in_progress else None,
        horizon=batch.horizon if in_progress else None,
        is_loading=in_progress and batch.kind is Kind.LOAD,
        truncated_at=batch.truncated_at,
        # a load has seen every key that there is
        audited_at=batch.opened_at if watermark.audited_at is None else watermark.audited_at,
    )
