"""Ranges of (cursor, key): what a batch reads, fixed before it is read."""

from dataclasses import dataclass

from lakehouse.ledger import Batch


@dataclass(frozen=True)
class Range:
    """After (`start`, `after_key`) up to `end`: including `upto_key` there, or before `end`.

    It is a part of a window from `begin` (None in a load) to `horizon`.
    """

    start: str | None
    after_key: tuple[str, ...] | None
    end: str
    upto_key: tuple[str, ...] | None = None
    begin: str | None = None
    horizon: str = ""


def range_of(batch: Batch) -> Range:
    """The range that the ledger fixed for a batch."""
    return Range(
        batch.window_from,
        batch.after_key,
        batch.window_to,
        batch.upto_key,
        batch.window_start,
        batch.horizon,
    )
