"""Items of the ledger as DynamoDB's typed JSON, and back. Standard library only."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from lakehouse.ledger import BATCH_PREFIX, SORT_KEY, Batch, File, Kind, State, Watermark


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
        case Mapping():
            return {"M": {name: encode(part) for name, part in value.items()}}
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
    values["merged_columns"] = _key(values.get("merged_columns")) or ()
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
    for name in ("files", "quarantine_files", "state_files"):
        values[name] = tuple(File(**file) for file in values.get(name, ()))
    return Batch(**values)
