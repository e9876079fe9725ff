"""Types from text: as Trino writes them in views and CASTs, as Hive writes them in Glue."""

import re
from typing import Final

from local.engines.athena.errors import refuse
from local.engines.athena.types import DUCKDB, Type, decimal, varchar

MICROSECONDS: Final = 6
_ALIASES: Final = {
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "string": "varchar",
    "binary": "varbinary",
    "struct": "row",
    "dec": "decimal",
    "numeric": "decimal",
    "timestamptz": "timestamp with time zone",
}
_TOKEN: Final = re.compile(r'\s*([a-z_][a-z0-9_ ]*[a-z0-9_]|[a-z_]|\d+|"[^"]+"|[<>(),:])')


def parse_type(text: str, timestamp_size: int = 3) -> Type:
    """Reads a Trino or Hive type; a bare `timestamp` gets `timestamp_size` digits."""
    tokens = _TOKEN.findall(text.lower())
    type_, rest = _read(tokens, timestamp_size, text)
    if rest:
        raise refuse(f"type {text!r}")
    return type_


def _read(tokens: list[str], digits: int, text: str) -> tuple[Type, list[str]]:
    if not tokens:
        raise refuse(f"type {text!r}")
    name, rest = _ALIASES.get(tokens[0], tokens[0]), tokens[1:]
    arguments: list[str] = []
    if name in ("array", "map", "row"):
        return _read_nested(name, rest, digits, text)
    if rest[:1] == ["("]:
        close = rest.index(")")
        arguments, rest = [t for t in rest[1:close] if t != ","], rest[close + 1 :]
    if name == "timestamp" and rest[:1] == ["with time zone"]:
        name, rest = "timestamp with time zone", rest[1:]
    sizes = [int(argument) for argument in arguments]
    match name:
        case "decimal":
            return decimal(*([*sizes, 0] if len(sizes) == 1 else sizes or [38, 0])), rest
        case "varchar":
            return varchar(*sizes), rest
        case "timestamp" | "timestamp with time zone":
            size = sizes[0] if sizes else digits
            if size > MICROSECONDS:
                raise refuse(f"type {text!r}, finer than a microsecond")
            return Type(name, size), rest
    if name not in DUCKDB:
        raise refuse(f"type {text!r}")
    return Type(name), rest


def _read_nested(name: str, rest: list[str], digits: int, text: str) -> tuple[Type, list[str]]:
    items: list[Type] = []
    names: list[str] = []
    rest = rest[1:]
    while rest and rest[0] not in (">", ")"):
        if rest[0] == ",":
            rest = rest[1:]
        if name == "row":
            head = rest[0]
            if rest[1:2] == [":"]:
                rest = rest[2:]
            else:  # Trino writes `name type`, which the tokenizer keeps together
                head, _, kind = head.partition(" ")
                rest = [kind, *rest[1:]] if kind else rest[1:]
            names.append(head.strip('"'))
        item, rest = _read(rest, digits, text)
        items.append(item)
    return Type(name, items=tuple(items), fields=tuple(names)), rest[1:]
