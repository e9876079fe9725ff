"""Values as Athena prints them in its results."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from local.engines.athena import casts
from local.engines.athena.errors import refuse
from local.engines.athena.macros import double_text, real_text
from local.engines.athena.scope import Relation
from local.engines.athena.types import Type


def projection(relation: Relation) -> str:
    """The query whose rows `texts` prints: instants come as the wall time of their zone."""
    columns = []
    for label, type_ in zip(relation.labels, relation.types, strict=True):
        if (
            any("zone" in str(item) for item in type_.items)
            or type_.name == "interval year to month"
        ):
            raise refuse(f"a result column of type {type_}")
        zoned = type_.name == "timestamp with time zone"
        columns.append(casts.wall(label, type_) if zoned else label)
    return f"SELECT {', '.join(columns)} FROM ({relation.sql}) AS result"


def printer(type_: Type) -> Callable[[Any], str]:
    """How values of a type are printed; NULL is the caller's."""
    match type_.name:
        case "boolean":
            return lambda value: "true" if value else "false"
        case "double":
            return double_text
        case "real":
            return real_text
        case "decimal":
            return lambda value: f"{value:f}"
        case "date":
            return date.isoformat
        case "timestamp":
            return lambda value: _clock(value, type_.size)
        case "timestamp with time zone":
            return lambda value: f"{_clock(value, type_.size)} {type_.zone}"
        case "varbinary":
            return lambda value: bytes(value).hex(" ")
        case "interval day to second":
            return _interval
        case "array":
            item = printer(type_.items[0])
            return lambda value: "[" + ", ".join(_inner(item, v) for v in value) + "]"
        case "map":
            key, item = printer(type_.items[0]), printer(type_.items[1])
            return lambda value: (
                "{" + ", ".join(f"{key(k)}={_inner(item, v)}" for k, v in value.items()) + "}"
            )
        case "row":
            printers = [printer(t) for t in type_.items]
            return lambda value: "{" + ", ".join(
                f"{name}={_inner(p, v)}"
                for (name, v), p in zip(value.items(), printers, strict=True)
            ) + "}"  # fmt: skip
    return str


def texts(rows: list[tuple[Any, ...]], types: tuple[Type, ...]) -> list[tuple[str | None, ...]]:
    """Rows of values as rows of texts, None for NULL."""
    printers = [printer(type_) for type_ in types]
    return [
        tuple(None if v is None else p(v) for v, p in zip(row, printers, strict=True))
        for row in rows
    ]


def _inner(print_: Callable[[Any], str], value: Any) -> str:
    return "null" if value is None else print_(value)


def _clock(value: datetime, size: int) -> str:
    text = f"{value:%Y-%m-%d %H:%M:%S}".rjust(19, "0")
    return f"{text}.{value.microsecond:06d}"[: 20 + size] if size else text


def _interval(value: timedelta) -> str:
    sign = "-" if value < timedelta() else ""
    value = abs(value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = f"{hours:02d}:{minutes:02d}:{seconds:02d}.{value.microseconds // 1000:03d}"
    return f"{sign}{value.days} {clock}"
