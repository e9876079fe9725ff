"""What goes into the ingest Lambda and what comes out."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class IngestEvent(BaseModel):
    """Which table to ingest, and for which run of the pipeline."""

    model_config = ConfigDict(extra="forbid")

    table: str
    run_id: str


class LiveViewEvent(BaseModel):
    """Which table's live view is wanted, as it is before or after a merge, and what it is told.

    The state machine does not keep the statements itself: those of many tables, or of wide ones,
    would not fit into its state.
    """

    model_config = ConfigDict(extra="forbid")

    table: str
    live_view: Literal["waiting", "settled"]
    values: dict[str, str]


class LiveView(BaseModel):
    """What the table's live view has to be told: placeholder of its template to text."""

    waiting: dict[str, str] | None
    """None where nothing waits, or silver has no table yet."""
    settled: dict[str, str]
    """After a merge."""
    run_id: str | None
    """The run that brought the newest waiting batch."""


class IngestResult(BaseModel):
    """What one invocation did. Times are ISO text in UTC with microseconds.

    `rows` counts what was landed, deletes included; `pending_*` what waits for the merge.
    """

    table: str
    batch_id: str | None
    """None when nothing was new."""
    rows: int
    deletes: int
    quarantined: int
    files: int
    bytes: int
    window_from: str | None
    window_to: str | None
    """Everything stamped before it is in bronze, once `has_more` is false."""
    ingest_date: str | None
    has_more: bool
    """More of the window, or a sweep, is due: invoke again."""
    pending_rows: int
    pending_batches: int
    oldest_pending_at: str | None
    live: LiveView
    catalog_signature: str
    crawl_due: bool
    horizon_held_seconds: float
    horizon_culprit: str | None
    horizon_pid: int | None = None
    horizon_application: str | None = None
