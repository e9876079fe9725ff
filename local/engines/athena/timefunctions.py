"""Functions of dates and times. Zones are known at compile time; the session's is UTC."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from lakehouse.sqltext import literal
from local.engines.athena import casts, literals
from local.engines.athena.errors import AthenaError, position, refuse
from local.engines.athena.functions import Rule, fitted, signature, unexpected
from local.engines.athena.scope import Typed
from local.engines.athena.types import (
    BIGINT,
    DATE,
    DOUBLE,
    VARCHAR,
    Type,
    timestamp,
    timestamptz,
    varchar,
)

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions

_UNITS: Final = (
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
)
_MYSQL: Final = {
    "%Y": "%Y", "%m": "%m", "%d": "%d", "%H": "%H", "%i": "%M", "%s": "%S", "%S": "%S",
    "%f": "%f", "%p": "%p", "%h": "%I", "%I": "%I", "%y": "%y", "%M": "%B", "%b": "%b",
    "%W": "%A", "%a": "%a", "%j": "%j", "%T": "%H:%M:%S", "%%": "%%", "%e": "%-d", "%c": "%-m",
}  # fmt: skip
_JODA: Final = {
    "yyyy": "%Y", "YYYY": "%Y", "y": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b",
    "MMMM": "%B", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I",
    "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g", "a": "%p", "EEE": "%a",
    "EEEE": "%A", "DDD": "%j", "xxxx": "%G", "ww": "%V",
}  # fmt: skip


def _local(value: Typed) -> str:
    """The value as a DuckDB DATE or TIMESTAMP of its own zone."""
    zoned = value.type.name == "timestamp with time zone"
    return casts.wall(value.sql, value.type) if zoned else value.sql


def _arguments(self: "Expressions", node: Any, count: int) -> list[Typed]:
    values = [self.compile(argument) for argument in node.expressions]
    times = values[-1:]
    if len(values) != count or any(not _is_time(v.type) for v in times):
        raise unexpected(values, node)
    return values


def _is_time(type_: Type) -> bool:
    return type_ == DATE or type_.is_instant


def _part(sql: str) -> Rule:
    def rule(self: "Expressions", node: Any) -> Typed:
        (value,) = _arguments(self, node, 1)
        return Typed(f"CAST({sql.format(_local(value))} AS BIGINT)", BIGINT)

    return rule


def _unit(value: Typed, node: Any, *extra: str) -> str:
    unit = (value.text or "").lower()
    if unit not in (*_UNITS, *extra):
        raise AthenaError(
            "INVALID_FUNCTION_ARGUMENT", f"'{value.text}' is not a valid time unit", position(node)
        )
    return unit


def _date_trunc(self: "Expressions", node: Any) -> Typed:
    unit, value = _arguments(self, node, 2)
    name = _unit(unit, node)
    if value.type == DATE:
        if name in _UNITS[:4]:
            raise AthenaError(
                "INVALID_FUNCTION_ARGUMENT", f"'{name}' is not a valid DATE field", position(node)
            )
        return Typed(f"CAST(date_trunc('{name}', {value.sql}) AS DATE)", DATE)
    local = f"date_trunc('{name}', {_local(value)})"
    if value.type.name == "timestamp":
        return Typed(local, value.type)
    return Typed(f"timezone('{value.type.zone}', {local})", value.type)


def _date_add(self: "Expressions", node: Any) -> Typed:
    unit, amount, value = _arguments(self, node, 3)
    name = _unit(unit, node)
    if not amount.type.is_integer:
        raise unexpected([unit, amount, value], node)
    many = f"CAST({amount.sql} AS INTEGER)" if name != "millisecond" else amount.sql
    step = f"to_{name}s({many})" if name != "quarter" else f"to_months(3 * {many})"
    if value.type == DATE:
        if name in _UNITS[:4]:
            raise AthenaError(
                "INVALID_FUNCTION_ARGUMENT", f"'{name}' is not a valid DATE field", position(node)
            )
        return Typed(f"CAST({value.sql} + {step} AS DATE)", DATE)
    if value.type.name == "timestamp" or name in _UNITS[:4]:
        moved = f"({value.sql} + {step})"
    else:
        moved = f"timezone('{value.type.zone}', {_local(value)} + {step})"
    return Typed(casts.cast(moved, replace(value.type, size=6), value.type), value.type)


def _date_diff(self: "Expressions", node: Any) -> Typed:
    unit, start, end = _arguments(self, node, 3)
    if not _is_time(start.type):
        raise unexpected([unit, start, end], node)
    name = _unit(unit, node)
    a, b = _local(start), _local(end)
    if "timestamp with time zone" in (start.type.name, end.type.name) and name in _UNITS[:4]:
        zoned = [casts.coerce(v.sql, v.type, timestamptz(6, v.type.zone)) for v in (start, end)]
        a, b = (f"timezone('UTC', {z})" for z in zoned)
    elif start.type.name != end.type.name and start.type.zone != end.type.zone:
        raise refuse("date_diff() across time zones", node)
    return Typed(f"date_sub('{name}', CAST({a} AS TIMESTAMP), CAST({b} AS TIMESTAMP))", BIGINT)


def _to_unixtime(self: "Expressions", node: Any) -> Typed:
    (value,) = _arguments(self, node, 1)
    if value.type == DATE:
        value = Typed(casts.coerce(value.sql, DATE, timestamp(3)), timestamp(3))
    micros = f"epoch_us({value.sql})"
    if value.type.name == "timestamp with time zone":  # which Trino keeps in two parts: so it adds
        millis = f"floor(CAST({micros} AS DOUBLE) / 1000)"
        return Typed(f"({millis} / 1000 + ({micros} - {millis} * 1000) / 1000000)", DOUBLE)
    return Typed(f"(CAST({micros} AS DOUBLE) / 1000000.0::DOUBLE)", DOUBLE)


def _from_unixtime(self: "Expressions", node: Any) -> Typed:
    (value,) = fitted(self, node, DOUBLE)
    whole = f"CAST(round({value.sql} * 1000) AS BIGINT) * 1000"
    return Typed(f"make_timestamptz({whole})", timestamptz(3))


def _format(
    self: "Expressions", node: Any, table: dict[str, str], pattern: re.Pattern[str]
) -> Typed:
    values = [self.compile(argument) for argument in node.expressions]
    if len(values) != 2 or (not values[0].type.is_instant and values[0].type != DATE):
        raise unexpected(values, node)
    layout = translate(values[1].text, table, pattern, node)
    return Typed(f"strftime({_local(values[0])}, {literal(layout)})", VARCHAR)


def translate(text: str | None, table: dict[str, str], pattern: re.Pattern[str], node: Any) -> str:
    """A date format in strftime's letters; raises AthenaError for a letter without equal."""
    if text is None:
        raise refuse("a date format that is not a literal", node)
    result = []
    for match in pattern.finditer(text):
        token = match[0]
        if token in table:
            result.append(table[token])
        elif token.startswith("'"):
            result.append(token[1:-1].replace("''", "'").replace("%", "%%") or "'")
        elif token[0].isalpha() or token.startswith("%"):
            raise refuse(f"the date format {token!r}", node)
        else:
            result.append(token)
    return "".join(result)


_MYSQL_TOKENS: Final = re.compile(r"%.|[^%]", re.DOTALL)
_JODA_TOKENS: Final = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", re.DOTALL)
_LITERAL_LETTERS: Final = {
    letter: letter for letter in map(chr, range(32, 127)) if letter.isalpha()
}


def _date_format(self: "Expressions", node: Any) -> Typed:
    return _format(self, node, {**_LITERAL_LETTERS, **_MYSQL}, _MYSQL_TOKENS)


def _format_datetime(self: "Expressions", node: Any) -> Typed:
    return _format(self, node, _JODA, _JODA_TOKENS)


def _date_parse(self: "Expressions", node: Any) -> Typed:
    text, layout = fitted(self, node, VARCHAR, VARCHAR)
    pattern = translate(layout.text, {**_LITERAL_LETTERS, **_MYSQL}, _MYSQL_TOKENS, node)
    parsed = f"strptime({text.sql}, {literal(pattern)})"
    return Typed(f"trino_round_timestamp({parsed}, 1000)", timestamp(3))


def _date(self: "Expressions", node: Any) -> Typed:
    value = self.compile(node.expressions[0])
    return Typed(casts.cast(value.sql, value.type, DATE, node), DATE)


def _at_timezone(self: "Expressions", node: Any) -> Typed:
    value, zone = (self.compile(argument) for argument in node.expressions)
    if zone.text is None or value.type.name != "timestamp with time zone":
        raise unexpected([value, zone], node)
    return literals.at_zone(value, zone.text, node)


def _iso(self: "Expressions", node: Any) -> Typed:
    (value,) = _arguments(self, node, 1)
    if value.type == DATE:
        return Typed(f"CAST({value.sql} AS VARCHAR)", varchar(16))
    digits = value.type.size
    if value.type.name == "timestamp with time zone" and value.type.zone != "UTC":
        raise refuse("to_iso8601() outside UTC", node)
    length = 19 + (digits + 1 if digits else 0)
    text = f"left(strftime({_local(value)}, '%Y-%m-%dT%H:%M:%S.%f'), {length})"
    if value.type.name == "timestamp":
        return Typed(text, varchar(length + 3))
    return Typed(f"({text} || 'Z')", varchar(32))


def _from_iso(self: "Expressions", node: Any) -> Typed:
    (text,) = fitted(self, node, VARCHAR)
    return Typed(casts.iso_instant(text.sql, timestamptz(3)), timestamptz(3))


def _last_day(self: "Expressions", node: Any) -> Typed:
    (value,) = _arguments(self, node, 1)
    return Typed(f"last_day(CAST({_local(value)} AS DATE))", DATE)


TIMES: Final[dict[str, Rule]] = {
    "year": _part("year({0})"), "quarter": _part("quarter({0})"), "month": _part("month({0})"),
    "week": _part("week({0})"), "week_of_year": _part("week({0})"), "day": _part("day({0})"),
    "day_of_month": _part("day({0})"), "day_of_week": _part("isodow({0})"),
    "dow": _part("isodow({0})"), "day_of_year": _part("dayofyear({0})"),
    "doy": _part("dayofyear({0})"), "year_of_week": _part("isoyear({0})"),
    "yow": _part("isoyear({0})"), "hour": _part("hour({0})"), "minute": _part("minute({0})"),
    "second": _part("second({0})"), "millisecond": _part("millisecond({0}) % 1000"),
    "last_day_of_month": _last_day,
    "current_date": signature(DATE, "CAST(timezone('UTC', now()) AS DATE)"),
    "current_timestamp": signature(timestamptz(3), "date_trunc('milliseconds', now())"),
    "now": signature(timestamptz(3), "date_trunc('milliseconds', now())"),
    "localtimestamp": signature(timestamp(3), "timezone('UTC', date_trunc('milliseconds', now()))"),
    "date_trunc": _date_trunc, "date_add": _date_add, "date_diff": _date_diff, "date": _date,
    "to_unixtime": _to_unixtime, "from_unixtime": _from_unixtime,
    "date_format": _date_format, "format_datetime": _format_datetime, "date_parse": _date_parse,
    "at_timezone": _at_timezone, "to_iso8601": _iso,
    "from_iso8601_date": _date, "from_iso8601_timestamp": _from_iso,
}  # fmt: skip
