"""How much one batch may take: rows, seconds, bytes; pure.

Memory needs no share of the size, since a batch streams through in row groups. Time and disk do.
How fast a table is read shows after its first batch; before that the width of its rows must do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lakehouse.ledger import Batch, Kind, State

FIRST_BYTES_PER_SECOND: Final = 10_000_000
"""What the first batch is planned with: a fifth of what the smallest tried machine does."""
SHARE: Final = 0.7
"""Of the seconds, for the next batch: the rest is for what is slower than the one before it."""
GROWTH: Final = 4
"""A batch has at most so many times the rows of the one before it."""
TELLING_ROWS: Final = 10_000
"""A batch of fewer rows says nothing of the speed: its seconds are those of the round trips."""


@dataclass(frozen=True)
class Estimate:
    """What PostgreSQL's planner expects of a table: rows, and bytes of each."""

    rows: float
    width: float


@dataclass(frozen=True)
class Budget:
    """Limits of one batch. `bytes` are the source's, as the function's disk can take them."""

    rows: int
    seconds: float
    bytes: int

    def limit(self, width: float, before: Batch | None) -> int:
        """Rows of the next batch, of rows of `width` bytes, after the batch `before`."""
        if before and before.rows >= TELLING_ROWS and before.seconds > 0:
            speed = before.rows / before.seconds
            by_time = min(speed * self.seconds * SHARE, float(before.rows) * GROWTH)
        else:
            by_time = FIRST_BYTES_PER_SECOND / max(width, 1) * self.seconds
        return max(1, int(min(self.rows, self.bytes / max(width, 1), by_time)))


def last_read(known: Iterable[Batch]) -> Batch | None:
    """The newest batch that read rows of the source; a sweep's speed says nothing of it."""
    read = [b for b in known if b.state is State.COMMITTED and b.kind is not Kind.SWEEP]
    return max(read, key=lambda batch: batch.batch_id, default=None)
