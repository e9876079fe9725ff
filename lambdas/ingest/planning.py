"""What is due next, decided from the watermark alone; pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from lakehouse.ledger import EVERYTHING, Watermark, instant
from lambdas.ingest.drift import Seen
from lambdas.ingest.horizon import Horizon
from lambdas.ingest.ranges import Range


def restarted(watermark: Watermark) -> Watermark:
    """The watermark from which an operator's backfill or reload goes on.

    A window in progress is given up: the new one begins before it and ends after it.
    """
    start = None
    if watermark.restart_from and watermark.cursor_value is not None:
        start = min(watermark.restart_from, watermark.cursor_value)
    return replace(
        watermark,
        cursor_value=start,
        cursor_key=None,
        window_start=None,
        horizon=None,
        # a delta even where a load was in progress: it must see the deletes that the load left out
        is_loading=watermark.restart_from == EVERYTHING,
    )


def due_sweep(seen: Seen, watermark: Watermark, horizon: Horizon) -> Range | None:
    """The range of the sweep that is due between two windows, if one is."""
    if watermark.horizon is not None or watermark.cursor_value is None:
        return None
    if watermark.restart_from is not None:
        return None
    if watermark.truncated_at is not None:
        return Range(watermark.truncated_at, None, watermark.truncated_at)
    if seen.is_audited and watermark.audited_at is not None:
        waited = _time(horizon.now) - _time(watermark.audited_at)
        if waited >= timedelta(hours=seen.contract.audit_hours):
            return Range(watermark.cursor_value, None, watermark.cursor_value)
    return None


def passed(watermark: Watermark, end: str, horizon: Horizon) -> Watermark:
    """The watermark behind a window that has no change up to its `end`."""
    return replace(
        watermark,
        cursor_value=end,
        cursor_key=None,
        window_start=None,
        horizon=None,
        is_loading=False,
        restart_from=None,
        audited_at=watermark.audited_at or horizon.now,
        updated_at=horizon.now,
    )


def later(moment: str, seconds: float) -> str:
    """The source's clock `seconds` after `moment`; the function's own clock is never trusted."""
    return instant(_time(moment) + timedelta(seconds=seconds))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
