"""The batch ledger: what was read from each table, under which names, and up to where.

It lives in the watermark table (`source_table`, `item`). Each table has one item `watermark` and
one item `batch#<id>` per batch. A batch is a fixed range of the source in the order of (cursor,
key), so a retry reads the same range and writes the same object name:

    (none) --open--> open --extracted--> extracted --commit--> committed
                      ^ claim: another attempt takes over; the former owner can't go on

Every request is conditional: on the batch's owner, and for the commit on the watermark's revision
too. `lakehouse.ledger_requests` builds the requests, `lakehouse.ledger_client` sends them. Standard
library only, since the Glue job imports this module.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final

PARTITION_KEY: Final = "source_table"
"""Partition key of the watermark table (S)."""
SORT_KEY: Final = "item"
"""Sort key of the watermark table (S)."""
WATERMARK_ITEM: Final = "watermark"
"""Sort key of a table's watermark."""
BATCH_PREFIX: Final = "batch#"
"""Sort key of a batch, before its 12 digits."""
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
    """Part of the first window of a table: every row below the horizon, `_op` I."""
    DELTA = "delta"
    """Part of a later window: changed rows (`_op` U) and tombstones (`_op` D)."""
    SWEEP = "sweep"
    """After a TRUNCATE: a `_op` D for each key of bronze that the source no longer has."""


@dataclass(frozen=True)
class File:
    """One object of a batch: its key in the bucket, the rows in it and its size in bytes."""

    key: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Watermark:
    """A table's `watermark` item.

    Times are ISO text in UTC with microseconds, so text order is time order; keys are tuples of
    PostgreSQL text in the contract's key order, kept as JSON.
    """

    source_table: str
    cursor: str
    cursor_value: str | None = None
    """Everything before (cursor_value, cursor_key) is committed; None before the first load."""
    cursor_key: tuple[str, ...] | None = None
    """Set while a window is only partly committed: the last committed key at `cursor_value`."""
    horizon: str | None = None
    """End of the window in progress; None between windows."""
    is_loading: bool = False
    """The window in progress is the table's first load."""
    truncated_at: str | None = None
    """A TRUNCATE was seen and its sweep is still due."""
    batch_id: int = 0
    """The last committed batch; 0 before the first."""
    revision: int = 0
    """Counts the writes of the ingest; 0 means that the item does not exist."""
    updated_at: str | None = None
    ingest_date: str | None = None
    """Partition of the newest committed batch that has rows."""
    merged_batch_id: int = 0
    """The last batch that silver has; written by the Glue job."""
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


def encode(value: object) -> dict[str, Any]:
    """A value as DynamoDB's typed JSON; tuples of text become JSON text."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}  # of a StrEnum, its value
        case int() | float():
            return {"N": repr(value)}
        case File():
            return {"M": {f.name: encode(getattr(value, f.name)) for f in fields(value)}}
        case tuple() if value and all(isinstance(part, str) for part in value):
            return {"S": json.dumps(value, ensure_ascii=False)}
        case tuple():
            return {"L": [encode(part) for part in value]}
    raise TypeError(f"the ledger does not keep {type(value).__name__}")


def _decode(value: Mapping[str, Any]) -> Any:
    kind, raw = next(iter(value.items()))
    match kind:
        case "NULL":
            return None
        case "N":
            return float(raw) if any(mark in raw for mark in ".eE") else int(raw)
        case "L":
            return tuple(_decode(part) for part in raw)
        case "M":
            return {name: _decode(part) for name, part in raw.items()}
    return raw


def _attributes(item: Mapping[str, Any], model: type[Any]) -> dict[str, Any]:
    known = {f.name for f in fields(model)}
    return {name: _decode(value) for name, value in item.items() if name in known}


def _key(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


def read_watermark(item: Mapping[str, Any]) -> Watermark:
    """A `watermark` item as its model; attributes that this version does not know are ignored."""
    values = _attributes(item, Watermark)
    values["cursor_key"] = _key(values.get("cursor_key"))
    for name in ("batch_id", "merged_batch_id"):
        values[name] = int(values.get(name) or 0)
    return Watermark(**values)


def read_batch(item: Mapping[str, Any]) -> Batch:
    """A `batch#` item as its model."""
    values = _attributes(item, Batch)
    values["batch_id"] = int(item[SORT_KEY]["S"].removeprefix(BATCH_PREFIX))
    values["after_key"], values["upto_key"] = _key(values["after_key"]), _key(values["upto_key"])
    values["kind"], values["state"] = Kind(values["kind"]), State(values["state"])
    values["seconds"] = float(values["seconds"])
    for name in ("files", "quarantine_files"):
        values[name] = tuple(File(**file) for file in values[name])
    return Batch(**values)


def advanced(watermark: Watermark, batch: Batch, at: str) -> Watermark:
    """The watermark after `batch` is committed at `at`."""
    after = replace(
        watermark,
        batch_id=batch.batch_id,
        updated_at=at,
        ingest_date=batch.ingest_date if batch.rows else watermark.ingest_date,
    )
    if batch.kind is Kind.SWEEP:
        return replace(after, truncated_at=None)
    in_progress = batch.upto_key is not None
    return replace(
        after,
        cursor_value=batch.window_to,
        cursor_key=batch.upto_key,
        horizon=batch.horizon if in_progress else None,
        is_loading=in_progress and batch.kind is Kind.LOAD,
        truncated_at=batch.truncated_at,
    )
