"""How many rows the next batch takes."""

from dataclasses import replace

import pytest

from lakehouse.ledger import Batch, Kind, State
from lambdas.ingest.budget import Budget, last_read

BUDGET = Budget(rows=5_000_000, seconds=20, bytes=512 * 1024**2)
BEFORE = Batch(
    source_table="sales", batch_id=1, kind=Kind.LOAD, window_from=None, after_key=None,
    window_to="x", upto_key=None, horizon="x", truncated_at=None, opened_at="x", run_id="r",
    owner="o", state=State.COMMITTED, rows=100_000, seconds=1.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("width", "before", "rows"),
    [
        (100, None, 2_000_000),  # 20 s of 10 MB each
        (10, None, 5_000_000),  # the most rows
        (4_000, None, 50_000),
        (100, BEFORE, 400_000),  # 1.4 million in 14 s, but at most four times as many as before
        (100, replace(BEFORE, rows=2_000_000, seconds=40.0), 700_000),  # 50,000 a second
        (100_000, replace(BEFORE, rows=50_000), 5_368),  # what the disk holds
        (100, replace(BEFORE, rows=9_999, seconds=5.0), 2_000_000),  # too few to tell
        (100, replace(BEFORE, seconds=0.0), 2_000_000),
        (10_000_000_000, None, 1),
    ],
)
def test_rows_of_the_next_batch(width: float, before: Batch | None, rows: int) -> None:
    assert BUDGET.limit(width, before) == rows


def test_the_speed_is_that_of_the_newest_committed_read() -> None:
    later = replace(BEFORE, batch_id=2)
    sweep = replace(BEFORE, batch_id=3, kind=Kind.SWEEP)
    unfinished = replace(BEFORE, batch_id=4, state=State.OPEN)
    assert last_read([BEFORE, unfinished, sweep, later]) == later
    assert last_read([sweep]) is None
