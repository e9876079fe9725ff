"""Aggregate and window functions with Trino's result types."""

from collections.abc import Callable
from typing import Final

from local.engines.athena import arithmetic, casts
from local.engines.athena.scope import Typed
from local.engines.athena.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    REAL,
    VARCHAR,
    Type,
    array,
    common,
    decimal,
)

Wrap = Callable[[str], str]
"""Adds FILTER and OVER to one DuckDB aggregate call."""
Builder = Callable[[list[Typed], str, Wrap], tuple[str, Type] | None]
"""Arguments, `DISTINCT ` or empty, and the wrapper; None if the types do not fit."""


def _simple(
    duckdb: str, result: Callable[[Type], Type], *, count: int = 1, cast: bool = False
) -> Builder:
    def build(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
        if len(values) != count:
            return None
        text = wrap(f"{duckdb}({distinct}{', '.join(v.sql for v in values)})")
        type_ = result(values[0].type) if values else BIGINT
        return (f"CAST({text} AS {type_.duckdb})" if cast else text), type_

    return build


def _count(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
    if len(values) > 1:
        return None
    return wrap(f"count({distinct}{values[0].sql if values else '*'})"), BIGINT


def _sum(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
    if len(values) != 1 or not (values[0].type.is_number or values[0].type.name == "unknown"):
        return None
    kind = values[0].type
    target = decimal(38, kind.scale) if kind.name == "decimal" else kind
    target = BIGINT if kind.is_integer else target
    return f"CAST({wrap(f'sum({distinct}{values[0].sql})')} AS {target.duckdb})", target


def _avg(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
    if len(values) != 1 or not values[0].type.is_number:
        return None
    sql, kind = values[0].sql, values[0].type
    if kind.name != "decimal":
        target = kind if kind.name == "real" else DOUBLE
        return f"CAST({wrap(f'avg({distinct}CAST({sql} AS DOUBLE))')} AS {target.duckdb})", target
    total, rows = wrap(f"sum({distinct}{sql})"), wrap(f"count({distinct}{sql})")
    total = f"CAST({total} AS {decimal(38, kind.scale).duckdb})"
    quotient = f"trino_half_up(trino_unscaled({total}), nullif(CAST({rows} AS HUGEINT), 0))"
    return arithmetic.scaled(quotient, kind), kind


def _extreme(name: str) -> Builder:
    def build(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
        if len(values) != 1 or values[0].type.name in ("map", "row"):
            return None
        return wrap(f"{name}({distinct}{values[0].sql})"), values[0].type

    return build


def _by(duckdb: str) -> Builder:
    def build(values: list[Typed], _distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
        if len(values) != 2:
            return None
        return wrap(f"{duckdb}({values[0].sql}, {values[1].sql})"), values[0].type

    return build


def _count_if(values: list[Typed], _distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
    if [v.type for v in values] != [BOOLEAN]:
        return None
    return wrap(f"count(CASE WHEN {values[0].sql} THEN 1 END)"), BIGINT


def _logical(duckdb: str) -> Builder:
    def build(values: list[Typed], _distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
        return (
            (wrap(f"{duckdb}({values[0].sql})"), BOOLEAN)
            if [v.type for v in values] == [BOOLEAN]
            else None
        )

    return build


def _percentile(values: list[Typed], _distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
    """The item that Trino's digest gives while it still holds every value by itself."""
    if len(values) != 2 or not values[0].type.is_number or not values[1].type.is_number:
        return None
    kind = values[0].type
    target = BIGINT if kind.is_integer else REAL if kind.name in ("real", "decimal") else DOUBLE
    item, share = (
        casts.coerce(values[0].sql, kind, target),
        casts.coerce(values[1].sql, values[1].type, DOUBLE),
    )
    gathered = wrap(f"list({item})")
    return f"trino_percentile(list_filter({gathered}, lambda v: v IS NOT NULL), {share})", target


def _listagg(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
    if not values or any(v.type.name != "varchar" for v in values) or len(values) > 2:
        return None
    separator = values[1].sql if len(values) == 2 else "''"
    return wrap(f"string_agg({distinct}{values[0].sql}, {separator})"), VARCHAR


def _array_agg(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
    return (
        (wrap(f"list({distinct}{values[0].sql})"), array(values[0].type))
        if len(values) == 1
        else None
    )


def _deviation(duckdb: str) -> Builder:
    def build(values: list[Typed], distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
        if len(values) != 1 or not values[0].type.is_number:
            return None
        return wrap(f"{duckdb}({distinct}CAST({values[0].sql} AS DOUBLE))"), DOUBLE

    return build


def _offset(duckdb: str) -> Builder:
    def build(values: list[Typed], _distinct: str, wrap: Wrap) -> tuple[str, Type] | None:
        if not 1 <= len(values) <= 3:
            return None
        sqls, kind = [v.sql for v in values], values[0].type
        if len(values) == 3:
            joined = common(kind, values[2].type)
            if joined is None:
                return None
            sqls[0] = casts.coerce(sqls[0], kind, joined)
            sqls[2] = casts.coerce(sqls[2], values[2].type, joined)
            kind = joined
        return wrap(f"{duckdb}({', '.join(sqls)})"), kind

    return build


def _grouping(values: list[Typed], _distinct: str, _wrap: Wrap) -> tuple[str, Type] | None:
    return f"CAST(grouping({', '.join(v.sql for v in values)}) AS INTEGER)", INTEGER


AGGREGATES: Final[dict[str, Builder]] = {
    "count": _count, "sum": _sum, "avg": _avg, "min": _extreme("min"), "max": _extreme("max"),
    "min_by": _by("arg_min_null"), "max_by": _by("arg_max_null"), "count_if": _count_if,
    "bool_and": _logical("bool_and"), "every": _logical("bool_and"), "bool_or": _logical("bool_or"),
    "approx_percentile": _percentile, "listagg": _listagg, "array_agg": _array_agg,
    "approx_distinct": lambda v, _d, wrap: _count(v, "DISTINCT ", wrap),
    "arbitrary": _extreme("min"), "any_value": _extreme("min"),
    "stddev": _deviation("stddev_samp"), "stddev_samp": _deviation("stddev_samp"),
    "stddev_pop": _deviation("stddev_pop"), "variance": _deviation("var_samp"),
    "var_samp": _deviation("var_samp"), "var_pop": _deviation("var_pop"), "grouping": _grouping,
}  # fmt: skip
WINDOWS: Final[dict[str, Builder]] = {
    "row_number": _simple("row_number", lambda _t: BIGINT, count=0),
    "rank": _simple("rank", lambda _t: BIGINT, count=0),
    "dense_rank": _simple("dense_rank", lambda _t: BIGINT, count=0),
    "percent_rank": lambda v, _d, wrap: (wrap("percent_rank()"), DOUBLE) if not v else None,
    "cume_dist": lambda v, _d, wrap: (wrap("cume_dist()"), DOUBLE) if not v else None,
    "ntile": _simple("ntile", lambda _t: BIGINT),
    "lag": _offset("lag"), "lead": _offset("lead"),
    "first_value": _simple("first_value", lambda t: t),
    "last_value": _simple("last_value", lambda t: t),
    "nth_value": _simple("nth_value", lambda t: t, count=2),
}  # fmt: skip
