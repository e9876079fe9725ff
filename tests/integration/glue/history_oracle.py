"""What silver must hold after a sequence of events, replayed one by one in memory."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lakehouse.contract import History, TableContract
from lakehouse.ledger import batch_name

SCD2 = TableContract(
    table="things",
    key=("thing_id",),
    cursor="updated_at",
    columns={"thing_id": "bigint", "status": "text", "note": "text", "updated_at": "timestamptz"},
    history=History.SCD2,
)
CURRENT = TableContract(
    table="current_things",
    key=SCD2.key,
    cursor=SCD2.cursor,
    columns=SCD2.columns,
    history=History.CURRENT,
    transitions="status",
)
START = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Event:
    """One bronze row; `status` None is a delete."""

    key: int
    batch: int
    status: str | None
    note: str | None
    time: datetime

    def row(self) -> tuple[object, ...]:
        """As bronze holds it: a tombstone carries its key and time only."""
        ingested = START + timedelta(days=self.batch)
        op = "D" if self.status is None else "U"
        identity = self.key * 1_000 + self.batch
        return (
            self.key, self.status, self.note, self.time, op, batch_name(self.batch), ingested,
            identity,
        )  # fmt: skip


def random_events(seed: int, keys: int, batches: int) -> list[Event]:
    """Few values and few times, so that no-ops, ties, and times that go backwards are common."""
    draw = random.Random(seed)
    events = []
    for key in range(keys):
        for batch in range(1, batches + 1):
            if draw.random() < 0.4:
                continue
            deleted = draw.random() < 0.25
            status = None if deleted else draw.choice("AB")
            note = None if deleted else draw.choice(["x", None])
            time = (
                START
                + timedelta(microseconds=draw.randrange(4))
                + timedelta(hours=draw.randrange(-2, 3))
            )
            events.append(Event(key, batch, status, note, time))
    return events


Version = tuple[object, ...]
"""key, status, note, updated_at, batch, valid_from, valid_to, deleted batch"""


def versions(events: Iterable[Event]) -> set[Version]:
    """The SCD2 rows."""
    result: set[Version] = set()
    for chain in _by_key(events).values():
        done: list[list[object]] = []
        last: datetime | None = None
        is_open = False
        for event in chain:
            if event.status is None:
                if is_open and last is not None:
                    last = max(event.time, last + MICROSECOND)
                    done[-1][6:8] = [last, batch_name(event.batch)]
                    is_open = False
            elif is_open and done[-1][1:3] == [event.status, event.note]:
                done[-1][3:5] = [event.time, batch_name(event.batch)]
            else:
                begin = event.time if last is None else max(event.time, last + MICROSECOND)
                if is_open:
                    done[-1][6] = begin
                done.append(
                    [
                        event.key,
                        event.status,
                        event.note,
                        event.time,
                        batch_name(event.batch),
                        begin,
                        None,
                        None,
                    ]
                )
                last, is_open = begin, True
        result |= {tuple(version) for version in done}
    return result


def living(events: Iterable[Event]) -> set[tuple[object, ...]]:
    """The current rows: key, status, note, updated_at, batch."""
    last = [chain[-1] for chain in _by_key(events).values()]
    return {
        (e.key, e.status, e.note, e.time, batch_name(e.batch)) for e in last if e.status is not None
    }


def transitions(events: Iterable[Event]) -> set[tuple[object, ...]]:
    """key, status, changed_at, batch for each change of the status."""
    result: set[tuple[object, ...]] = set()
    for chain in _by_key(events).values():
        before = None
        for event in chain:
            if event.status is not None and event.status != before:
                result.add((event.key, event.status, event.time, batch_name(event.batch)))
                before = event.status
    return result


def _by_key(events: Iterable[Event]) -> dict[int, list[Event]]:
    chains: dict[int, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.batch):
        chains[event.key].append(event)
    return chains
