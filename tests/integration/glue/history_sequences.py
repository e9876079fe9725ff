"""Random sequences of batches, merged by the product side by side in one table.

Each sequence has keys of its own, so that the k-th merge of all of them is one call of Spark.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from lakehouse.contract import History, TableContract
from lakehouse.gold import bronze_columns, identifier, silver_tables
from tests.integration.glue import history_oracle as oracle
from tests.integration.glue.history_oracle import MICROSECOND, START, Event

Key = tuple[object, ...]
KEY_OF: dict[str, Callable[[int, int], Key]] = {
    "things": lambda number, n: (number * 10 + n,),
    # As text, "9" comes after "10"; and what a key must not be taken apart by.
    "composite_things": lambda number, n: (f"{number}'é \"|{'' if n else ' '}", n),
    "text_things": lambda number, n: (f"{number}-{n}" if n else str(number),),
}


@dataclass(frozen=True)
class BatchSequence:
    """`events` in truth, `beside` them in bronze; `merges`: batches (after, upto] at once."""

    number: int
    events: tuple[Event, ...]
    beside: tuple[Event, ...]
    merges: tuple[tuple[int, int], ...]

    def arrivals(self, window: tuple[int, int]) -> list[Event]:
        """The bronze rows of a merge."""
        after, upto = window
        return [e for e in (*self.events, *self.beside) if after < e.batch <= upto]

    def __str__(self) -> str:
        lines = [f"sequence {self.number}, merged as {list(self.merges)}"]
        lines += [f"  {event}" for event in self.events]
        lines += [f"  beside: {event}" for event in self.beside]
        return "\n".join(lines)


def draw(seed: int, number: int, contract: TableContract) -> BatchSequence:
    """Few values and few times: no-ops, ties and times that go backwards are common."""
    dice = random.Random(f"{seed}/{number}/{contract.table}")
    base = dice.choice([0, 0, 6, 96, 996])  # ids of one digit more on the way
    batches = dice.randrange(2, 7)
    events, beside = [], []
    for key in (KEY_OF[contract.table](number, n) for n in range(dice.randrange(1, 4))):
        for batch in range(base + 1, base + batches + 1):
            if dice.random() < 0.3:
                continue
            event = _event(dice, key, batch)
            events.append(event)
            if dice.random() < 0.2:
                beside.append(event)  # a retry landed it twice
            if event.status is not None and dice.random() < 0.15:
                beside.append(replace(event, status=None, note=None))
            if event.status is not None and event.time and dice.random() < 0.15:
                beside.append(replace(event, note="older", time=event.time - timedelta(hours=1)))
    merges = tuple(_merges(dice, base, base + batches, contract.history))
    return BatchSequence(number, tuple(events), tuple(beside), merges)


def _event(dice: random.Random, key: Key, batch: int) -> Event:
    time = START + timedelta(microseconds=dice.randrange(3), hours=dice.randrange(-2, 3))
    if dice.random() < 0.25:
        return Event(key, batch, None, None, time if dice.random() < 0.7 else None)
    return Event(key, batch, dice.choice("AB"), dice.choice(["x", None]), time)


def _merges(
    dice: random.Random, first: int, last: int, history: History
) -> Iterator[tuple[int, int]]:
    """Together or apart, each with a chance that it is repeated from an older batch on.

    A table of current rows is not asked for an old batch alone: its mark never goes back without
    the newer batches coming along, and a deleted key has no row that could remember it.
    """
    done, repetitions = first, 0
    while done < last:
        upto = dice.randrange(done + 1, last + 1)
        yield done, upto
        done = upto
        while repetitions < 3 and dice.random() < 0.35:
            repetitions += 1
            after = dice.randrange(first, done)
            least = after + 1 if history is History.SCD2 else done
            upto = dice.randrange(least, last + 1)
            yield after, upto
            done = max(done, upto)


def merge(
    spark: SparkSession, contract: TableContract, sequences: Sequence[BatchSequence], database: str
) -> None:
    """Brings the sequences into tables of `database`, which does not exist yet."""
    from glue_scripts import silver, tables
    from glue_scripts.bronze import deduplicate

    spark.sql(f"CREATE NAMESPACE glue_catalog.{database}")
    made = silver_tables(contract).items()
    tables.ensure(spark, {identifier(database, name): columns for name, columns in made})
    schema = ", ".join(f"`{name}` {kind}" for name, kind in bronze_columns(contract).items())
    for windows in zip_longest(*(sequence.merges for sequence in sequences)):
        pairs = zip(sequences, windows, strict=True)
        rows = [event.row() for s, window in pairs if window for event in s.arrivals(window)]
        frame = deduplicate(contract, spark.createDataFrame(rows, schema))
        silver.merge_rows(spark, contract, frame, database)


def faults(
    spark: SparkSession, contract: TableContract, sequences: Sequence[BatchSequence], database: str
) -> dict[int, list[str]]:
    """Per sequence what differs from the oracle; only sequences with a fault."""
    owner = {event.key: s.number for s in sequences for event in s.events}
    found: dict[int, list[str]] = defaultdict(list)

    def compare(what: str, there: Iterable[tuple[Any, ...]], wanted: set[tuple[Any, ...]]) -> None:
        rows = Counter(there)
        for row in sorted(rows.keys() ^ wanted, key=repr):
            text = "is wrong" if row in rows else "is missing"
            found[owner.get(row[0], -1)].append(f"{what} {text}: {row}")
        for row, times in rows.items():
            if times > 1:
                found[owner.get(row[0], -1)].append(f"{what} is there {times} times: {row}")

    events = [event for s in sequences for event in s.events]
    table = spark.table(identifier(database, contract.table))
    if contract.history is History.SCD2:
        from glue_scripts.invariants import broken_history

        names = "status, note, updated_at, _batch_id, valid_from, valid_to, _deleted_batch_id"
        compare("version", rows_of(contract, table, names), oracle.versions(events))
        for row in broken_history(contract, table).collect():
            key = tuple(row[name] for name in contract.key)
            found[owner.get(key, -1)].append(f"history of {key}: {row['fault']}")
        moments = {moment: s for s in sequences for moment in _moments(s)}
        told = {
            (key, at, oracle.as_of((e for e in s.events if e.key == key), at))
            for (key, at), s in moments.items()
        }
        compare("as of", _as_of(spark, contract, table, list(moments)), told)
    else:
        living = rows_of(contract, table, "status, note, updated_at, _batch_id")
        compare("living", living, oracle.living(events))
    if contract.transitions_table:
        moved = spark.table(identifier(database, contract.transitions_table))
        steps = rows_of(contract, moved, "status, changed_at, _batch_id")
        compare("transition", steps, oracle.transitions(events))
    return dict(found)


def rows_of(contract: TableContract, frame: DataFrame, names: str) -> list[tuple[Any, ...]]:
    """Each row as its key and the named columns, times in UTC."""
    width = len(contract.key)
    rows = frame.select(*contract.key, *names.split(", ")).collect()
    utc = [tuple(v.astimezone(UTC) if hasattr(v, "astimezone") else v for v in r) for r in rows]
    return [(row[:width], *row[width:]) for row in utc]


def _moments(sequence: BatchSequence) -> Iterator[tuple[Key, datetime]]:
    dice = random.Random(sequence.number)
    for key in {event.key: None for event in sequence.events}:
        times = [e.at for e in sequence.events if e.key == key]
        for _ in range(3):
            near = dice.choice(times) + MICROSECOND * dice.randrange(-2, 4)
            yield key, near
        yield key, START + timedelta(hours=dice.uniform(-3, 3))


def _as_of(
    spark: SparkSession,
    contract: TableContract,
    table: DataFrame,
    moments: Sequence[tuple[Key, datetime]],
) -> list[tuple[Any, ...]]:
    schema = [f"`{name}` {contract.types[name].spark}" for name in contract.key]
    asked = spark.createDataFrame(
        [(*key, moment) for key, moment in moments], ", ".join([*schema, "moment timestamp"])
    )
    holds = (table.valid_from <= asked.moment) & (
        table.valid_to.isNull() | (asked.moment < table.valid_to)
    )
    for name in contract.key:
        holds = holds & (table[name] == asked[name])
    said = fn.when(table.status.isNotNull(), fn.struct(table.status, table.note)).alias("said")
    both = asked.join(table, holds, "left")
    rows = both.select(*[asked[name] for name in contract.key], asked.moment, said).collect()
    width = len(contract.key)
    return [
        (tuple(row[:width]), row.moment.astimezone(UTC), tuple(row.said) if row.said else None)
        for row in rows
    ]


Fails = Callable[[Sequence[BatchSequence]], dict[int, list[str]]]


def smallest(
    contract: TableContract, fails: Fails, sequence: BatchSequence
) -> tuple[BatchSequence, list[str]]:
    """A failing sequence made smaller while it fails; all ways to do so are tried in one call."""
    reasons = ["it fails only together with others"]
    ways = [sequence]
    for _ in range(12):
        failing = fails(ways) if ways else {}
        if not failing:
            break
        sequence = next(way for way in ways if way.number in failing)
        reasons = failing[sequence.number]
        ways = list(_smaller(contract, sequence))
    return sequence, reasons


def _smaller(contract: TableContract, sequence: BatchSequence) -> Iterator[BatchSequence]:
    """One key alone, one event or merge less; with keys of their own, to run side by side."""
    keys = list({event.key: None for event in sequence.events})
    parts = [
        replace(
            sequence,
            events=tuple(e for e in sequence.events if e.key == key),
            beside=tuple(e for e in sequence.beside if e.key == key),
        )
        for key in keys
        if len(keys) > 1
    ]
    for field in ("beside", "events", "merges"):
        items = getattr(sequence, field)
        parts += [
            replace(sequence, **{field: (*items[:n], *items[n + 1 :])}) for n in range(len(items))
        ]
    key_of, number = KEY_OF[contract.table], 0
    for part in parts:
        reached = {b for after, upto in part.merges for b in range(after + 1, upto + 1)}
        present = [*part.events, *part.beside]
        if part.events and all(event.batch in reached for event in present):
            number += 1
            new = {key: key_of(number, n) for n, key in enumerate(keys)}
            yield replace(
                part,
                number=number,
                events=tuple(replace(e, key=new[e.key]) for e in part.events),
                beside=tuple(replace(e, key=new[e.key]) for e in part.beside),
            )
