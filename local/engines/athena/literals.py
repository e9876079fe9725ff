"""Literals and the types that Trino gives them."""

import re
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlglot import exp

from lakehouse.sqltext import literal
from local.engines.athena.errors import AthenaError, mismatch, position, refuse
from local.engines.athena.parsing import unit
from local.engines.athena.scope import Typed
from local.engines.athena.types import (
    BIGINT,
    DATE,
    DAYS,
    DOUBLE,
    INTEGER,
    MONTHS,
    Type,
    decimal,
    timestamp,
    timestamptz,
    varchar,
)
from local.engines.athena.typetext import parse_type

_TIME: Final = re.compile(
    r"(\d{4,}-\d{1,2}-\d{1,2})"
    r"(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?"
    r"(?:\s*(Z|[A-Z][\w/+-]*|[+-]\d{2}:\d{2}))?"
)
_KINDS: Final = {
    "TIMESTAMP": "timestamp", "TIMESTAMPTZ": "timestamp with time zone", "STRUCT": "row",
    "FLOAT": "real", "INT": "integer",
}  # fmt: skip


def plain(node: exp.Literal, sign: str = "") -> Typed:
    """A number or a string."""
    text = sign + str(node.this)
    if node.is_string:
        return Typed(literal(text), varchar(len(text)), text)
    if "e" in text.lower():
        return Typed(f"CAST({literal(text)} AS DOUBLE)", DOUBLE)
    if "." in text:
        return exact(text)
    for type_, bits in ((INTEGER, 31), (BIGINT, 63)):
        if -(2**bits) <= int(text) < 2**bits:
            return Typed(f"CAST({text} AS {type_.duckdb})", type_)
    raise AthenaError("SYNTAX_ERROR", f"Invalid numeric literal: {text}", position(node))


def exact(text: str, node: Any = None) -> Typed:
    """A decimal literal: as many digits as are written, leading zeros apart."""
    match = re.fullmatch(r"\s*([+-]?)(\d*)\.?(\d*)\s*", text)
    if match is None or not match[2] + match[3]:
        raise AthenaError(
            "INVALID_LITERAL", f"'{text}' is not a valid DECIMAL literal", position(node)
        )
    whole, fraction = match[2].lstrip("0"), match[3]
    type_ = decimal(max(len(whole) + len(fraction), 1), len(fraction))
    return Typed(f"CAST({literal(text.strip())} AS {type_.duckdb})", type_)


def cast_type(node: exp.Cast) -> Type:
    """The type that a CAST names; raises AthenaError for names Trino does not know."""
    return _type_of(node.args["to"])


def _type_of(kind: Any) -> Type:
    name = str(kind.this.value if hasattr(kind.this, "value") else kind.this)
    inner = kind.expressions
    match name:
        case "ARRAY" | "MAP":
            return Type(name.lower(), items=tuple(_type_of(item) for item in inner))
        case "STRUCT":
            named = tuple(i.name if isinstance(i, exp.ColumnDef) else "" for i in inner)
            items = (i.args["kind"] if isinstance(i, exp.ColumnDef) else i for i in inner)
            return Type("row", items=tuple(map(_type_of, items)), fields=named)
        case "TEXT":
            raise AthenaError("TYPE_MISMATCH", "Unknown type: string", position(kind))
    sizes = ",".join(param.name for param in inner)
    base = _KINDS.get(name, name.lower())
    text = f"{base}({sizes})" if sizes else base
    if sizes and base == "timestamp with time zone":
        text = f"timestamp({sizes}) with time zone"
    return parse_type(text)


def typed(node: exp.Anonymous) -> Typed:
    """`DATE '...'`, `TIMESTAMP '...'` or `DECIMAL '...'`, parsed as a call `$date('...')`."""
    kind, text = str(node.this)[1:], str(node.expressions[0].this)
    if kind == "decimal":
        return exact(text, node)
    match = _TIME.fullmatch(text.strip())
    if match is None or (kind == "date" and (match[2] or match[6])):
        raise AthenaError(
            "INVALID_LITERAL", f"'{text}' is not a valid {kind.upper()} literal", position(node)
        )
    if kind == "date":
        return Typed(f"CAST({literal(match[1])} AS DATE)", DATE)
    digits = len(match[5] or "")
    if digits > 6:
        raise refuse("timestamps finer than a microsecond", node)
    local = f"CAST({literal(match[1] + _clock(match))} AS TIMESTAMP)"
    if match[6] is None:
        return Typed(local, timestamp(digits))
    zone = _known_zone(match[6], node)
    return Typed(f"timezone({literal(zone)}, {local})", timestamptz(digits, zone))


def _clock(match: re.Match[str]) -> str:
    if match[2] is None:
        return ""
    return f" {match[2]}:{match[3]}:{match[4] or '00'}" + (f".{match[5]}" if match[5] else "")


def _known_zone(name: str, node: Any) -> str:
    if name.upper() in ("UTC", "Z", "+00:00", "-00:00"):
        return "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise refuse(f"the time zone {name!r}", node) from None
    return name


def at_zone(value: Typed, name: str, node: Any) -> Typed:
    """`value AT TIME ZONE name`: the same instant, shown elsewhere."""
    zone = _known_zone(name, node)
    if value.type.name == "timestamp":  # taken as a time of the session's zone, UTC
        return Typed(f"timezone('UTC', {value.sql})", timestamptz(value.type.size, zone))
    if value.type.name != "timestamp with time zone":
        raise mismatch(
            f"Type of value must be a timestamp with or without time zone (actual {value.type})",
            node,
        )
    return Typed(value.sql, timestamptz(value.type.size, zone))


def interval(node: exp.Interval) -> Typed:
    """`INTERVAL '3' DAY`."""
    name, amount = unit(node.args.get("unit")), node.name
    if not re.fullmatch(r"[+-]?\d+", amount):
        message = f"Invalid INTERVAL {name.upper()} value: {amount}"
        raise AthenaError("INVALID_LITERAL", message, position(node))
    return Typed(f"to_{name}s({int(amount)})", MONTHS if name in ("month", "year") else DAYS)


def forgiving(shape: str) -> str:
    """A cast that gives NULL where it would fail: TRY_CAST."""
    marked = re.sub(r"trino_bad_(cast|time)\(.*?, '[^']*'\)", "NULL", shape)
    return marked.replace("CAST(", "TRY_CAST(")
