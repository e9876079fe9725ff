"""What silver must hold after a sequence of events, replayed one by one in memory."""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
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
_VALUES = {name: SCD2.columns[name] for name in ("status", "note", "updated_at")}
COMPOSITE = replace(
    SCD2,
    table="composite_things",
    key=("region", "thing_no"),
    columns={"region": "text", "thing_no": "bigint", **_VALUES},
)
TEXT = TableContract(
    table="text_things",
    key=("code",),
    cursor=SCD2.cursor,
    columns={"code": "text", **_VALUES},
    history=History.CURRENT,
    transitions="status",
)
START = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Event:
    """One bronze row; `status` None is a delete, whose `time` may be missing."""

    key: tuple[object, ...]
    batch: int
    status: str | None
    note: str | None
    time: datetime | None

    @property
    def ingested(self) -> datetime:
        """When its batch was opened."""
        return START + timedelta(days=self.batch)

    @property
    def at(self) -> datetime:
        """When the source changed the row; a tombstone without a time counts from its batch."""
        return self.time or self.ingested

    def row(self) -> tuple[object, ...]:
        """As bronze holds it: a tombstone carries its key and time only."""
        op = "D" if self.status is None else "U"
        identity = zlib.crc32(repr(self).encode())
        return (
            *self.key, self.status, self.note, self.time, op, batch_name(self.batch), self.ingested,
            identity,
        )  # fmt: skip


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
                    last = max(event.at, last + MICROSECOND)
                    done[-1][6:8] = [last, batch_name(event.batch)]
                    is_open = False
            elif is_open and done[-1][1:3] == [event.status, event.note]:
                done[-1][3:5] = [event.time, batch_name(event.batch)]
            else:
                begin = event.at if last is None else max(event.at, last + MICROSECOND)
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
                result.add((event.key, event.status, event.at, batch_name(event.batch)))
                before = event.status
    return result


def as_of(events: Iterable[Event], moment: datetime) -> tuple[str, str | None] | None:
    """Status and note of one key at a moment; None where it did not live then.

    Told from the events alone: what is known of the key changes with each event that says something
    new, at its time, or as soon as time has gone on since the change before it.
    """
    known: tuple[str, str | None] | None = None
    answer, last = None, None
    for event in sorted(events, key=lambda event: event.batch):
        said = None if event.status is None else (event.status, event.note)
        if said == known:
            continue
        last = event.at if last is None else max(event.at, last + MICROSECOND)
        known = said
        if last <= moment:
            answer = known
    return answer


def _by_key(events: Iterable[Event]) -> dict[tuple[object, ...], list[Event]]:
    chains: dict[tuple[object, ...], list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.batch):
        chains[event.key].append(event)
    return chains
