"""CAST and implicit coercion: Trino's rounding, parsing and printing, in DuckDB's words."""

from collections.abc import Callable
from typing import Final

from local.engines.athena.errors import mismatch, refuse
from local.engines.athena.types import UNBOUNDED, Type

_NUMBER: Final = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DAY: Final = r"\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK: Final = r"[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?"
_PATTERNS: Final = {
    "integer": r"[+-]?[0-9]+",
    "decimal": rf"[+-]?{_NUMBER}",
    "float": rf"\s*[+-]?({_NUMBER}|NaN|Infinity)\s*",
    "boolean": r"(?i)(t|true|1|f|false|0)",
    "date": rf"{_DAY}\s*",
    "timestamp": rf"{_DAY}( {_CLOCK})?\s*",
    "zoned": rf"{_DAY}( {_CLOCK})?\s*(UTC|Z|[+-]00:00)?\s*",
    "iso": rf"{_DAY}(T{_CLOCK}(Z|[+-]00:00)?)?",
}


def cast(sql: str, source: Type, target: Type, node: object = None) -> str:
    """SQL of `CAST(sql AS target)`; raises AthenaError where Trino has no such cast."""
    if source == target:
        return sql
    if source.name == "unknown":
        return f"CAST({sql} AS {target.duckdb})"
    if source.name == target.name == "timestamp with time zone":
        return _rounded(sql, source, target)  # Trino keeps the value's own zone
    rule = _RULES.get(target.name)
    result = rule(sql, source, target) if rule else None
    if result is None:
        raise mismatch(f"Cannot cast {source} to {target}", node)
    return result


def coerce(sql: str, source: Type, target: Type) -> str:
    """SQL that brings a value into a type it was already found to fit (`types.common`)."""
    return sql if source == target else cast(sql, source, target)


def wall(sql: str, source: Type) -> str:
    """The local time that a `timestamp with time zone` shows in its own zone, as a TIMESTAMP."""
    return f"timezone('{source.zone}', {sql})"


def _guarded(sql: str, kind: str, target: Type, then: str) -> str:
    name = str(target).upper()
    fault = f"trino_bad_cast({sql}, '{'INT' if name == 'INTEGER' else name}')"
    if kind in ("date", "timestamp", "zoned", "iso"):
        fault = f"trino_bad_time({sql}, '{target.name}')"
    return (
        f"(CASE WHEN {sql} IS NULL THEN NULL "
        f"WHEN regexp_full_match({sql}, '{_PATTERNS[kind]}') THEN {then} ELSE {fault} END)"
    )


def _to_integer(sql: str, source: Type, target: Type) -> str | None:
    plain = f"CAST({sql} AS {target.duckdb})"
    if source.is_exact or source.name == "boolean":
        return plain
    if source.name in ("double", "real"):
        return f"CAST(round({sql}) AS {target.duckdb})"
    return _guarded(sql, "integer", target, plain) if source.name == "varchar" else None


def _to_decimal(sql: str, source: Type, target: Type) -> str | None:
    plain = f"CAST({sql} AS {target.duckdb})"
    if source.is_exact or source.name == "boolean":
        return plain
    if source.name in ("double", "real"):  # by way of the shortest text, as Trino rounds it
        return f"CAST(CAST({sql} AS VARCHAR) AS {target.duckdb})"
    return _guarded(sql, "decimal", target, plain) if source.name == "varchar" else None


def _to_float(sql: str, source: Type, target: Type) -> str | None:
    plain = f"CAST({sql} AS {target.duckdb})"
    if source.is_number or source.name == "boolean":
        return plain
    return _guarded(sql, "float", target, plain) if source.name == "varchar" else None


def _to_boolean(sql: str, source: Type, target: Type) -> str | None:
    plain = f"CAST({sql} AS BOOLEAN)"
    if source.is_number:
        return f"({sql} <> 0)"
    return _guarded(sql, "boolean", target, plain) if source.name == "varchar" else None


def _to_varchar(sql: str, source: Type, target: Type) -> str | None:
    text = text_of(sql, source)
    if text is None:
        return None
    if target.size == UNBOUNDED or (source.name == "varchar" and source.size <= target.size):
        return text
    if source.name == "varchar":
        return f"left({text}, {target.size})"
    fault = f"trino_bad_cast({text}, '{target}')"
    return f"(CASE WHEN length({text}) > {target.size} THEN {fault} ELSE {text} END)"


def text_of(sql: str, source: Type) -> str | None:
    """SQL of a value's text as Trino's CAST to varchar writes it; None if there is none."""
    match source.name:
        case "varchar":
            return sql
        case "boolean" | "date" | "decimal" | "tinyint" | "smallint" | "integer" | "bigint":
            return f"CAST({sql} AS VARCHAR)"
        case "double":
            return f"trino_double_text({sql})"
        case "real":
            return f"trino_real_text({sql})"
        case "timestamp":
            return _clock(sql, source.size)
        case "timestamp with time zone":
            return f"({_clock(wall(sql, source), source.size)} || ' {source.zone}')"
    return None


def _clock(sql: str, size: int) -> str:
    length = 19 + (size + 1 if size else 0)
    return f"left(strftime({sql}, '%Y-%m-%d %H:%M:%S.%f'), {length})"


def iso_instant(sql: str, target: Type) -> str:
    """A `timestamp with time zone` from ISO 8601 text in UTC."""
    parsed = _guarded(sql, "iso", target, f"CAST({sql} AS TIMESTAMPTZ)")
    return _rounded(parsed, Type("timestamp with time zone", 6), target)


def _to_varbinary(sql: str, source: Type, _target: Type) -> str | None:
    return f"encode({sql})" if source.name == "varchar" else None


def _to_date(sql: str, source: Type, target: Type) -> str | None:
    match source.name:
        case "timestamp":
            return f"CAST({sql} AS DATE)"
        case "timestamp with time zone":
            return f"CAST({wall(sql, source)} AS DATE)"
        case "varchar":
            return _guarded(sql, "date", target, f"CAST({sql} AS DATE)")
    return None


def _to_timestamp(sql: str, source: Type, target: Type) -> str | None:
    match source.name:
        case "date":
            return f"CAST({sql} AS TIMESTAMP)"
        case "timestamp":
            return _rounded(sql, source, target)
        case "timestamp with time zone":
            return _rounded(wall(sql, source), source, target)
        case "varchar":
            parsed = _guarded(sql, "timestamp", target, f"CAST(trim({sql}) AS TIMESTAMP)")
            return _rounded(parsed, Type("timestamp", 6), target)
    return None


def _to_zoned(sql: str, source: Type, target: Type) -> str | None:
    match source.name:
        case "date" | "timestamp":
            local = f"CAST({sql} AS TIMESTAMP)"
            return f"timezone('{target.zone}', {_rounded(local, source, target)})"
        case "varchar":
            text = f"CAST(replace(replace(trim({sql}), ' UTC', 'Z'), 'UTC', 'Z') AS TIMESTAMPTZ)"
            parsed = _guarded(sql, "zoned", target, text)
            return _rounded(parsed, Type("timestamp with time zone", 6), target)
    return None


def _rounded(sql: str, source: Type, target: Type) -> str:
    """Fewer fractional digits: rounded half up, as Trino does; DuckDB would keep them."""
    if source.name == "date" or source.size <= target.size:
        return sql
    step = 10 ** (6 - target.size)
    zoned = (
        "timestamptz" if target.name == "timestamp with time zone" == source.name else "timestamp"
    )
    return f"trino_round_{zoned}({sql}, {step})"


def _to_array(sql: str, source: Type, target: Type) -> str | None:
    if source.name != "array":
        return None
    inner = cast("x", source.items[0], target.items[0])
    return sql if inner == "x" else f"list_transform({sql}, lambda x: {inner})"


def _nested(sql: str, source: Type, target: Type) -> str | None:
    if source.name != target.name or len(source.items) != len(target.items):
        return None
    pairs = zip(source.items, target.items, strict=True)
    if any(a != b for a, b in pairs):
        raise refuse(f"a cast from {source} to {target}")
    return f"CAST({sql} AS {target.duckdb})"


_RULES: Final[dict[str, Callable[[str, Type, Type], str | None]]] = {
    "tinyint": _to_integer, "smallint": _to_integer, "integer": _to_integer, "bigint": _to_integer,
    "decimal": _to_decimal, "double": _to_float, "real": _to_float, "boolean": _to_boolean,
    "varchar": _to_varchar, "varbinary": _to_varbinary, "date": _to_date,
    "timestamp": _to_timestamp, "timestamp with time zone": _to_zoned,
    "array": _to_array, "map": _nested, "row": _nested,
}  # fmt: skip
