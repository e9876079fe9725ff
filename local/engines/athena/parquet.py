"""Parquet files as the columns of a Glue table: which types fit, and what partitions are worth."""

from typing import Final

from lakehouse.sqltext import literal
from local.engines.athena import casts
from local.engines.athena.errors import AthenaError
from local.engines.athena.scope import quoted
from local.engines.athena.types import VARCHAR, Type, timestamp

NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"


def top_level(nodes: list[tuple[str, str | None, int]]) -> tuple[tuple[str, str], ...]:
    """Names and DuckDB types of a file's columns from its schema tree, listed depth first."""
    result, skip = [], 0
    for name, kind, children in nodes[1:]:
        if skip:
            skip += children - 1
            continue
        result.append((name, "NESTED" if children else str(kind)))
        skip = children
    return tuple(result)


_COMPATIBLE: Final = {
    "boolean": ("BOOLEAN",),
    "tinyint": ("TINYINT", "SMALLINT", "INTEGER"),
    "smallint": ("TINYINT", "SMALLINT", "INTEGER"),
    "integer": ("TINYINT", "SMALLINT", "INTEGER"),
    "bigint": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UINTEGER"),
    "real": ("FLOAT",),
    "double": ("FLOAT", "DOUBLE"),
    "varchar": ("VARCHAR", "BLOB"),
    "varbinary": ("BLOB", "VARCHAR"),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS"),
}


def parquet_column(name: str, kind: str, type_: Type, uri: str) -> str:
    """A file's column as the table's type; raises AthenaError HIVE_BAD_DATA where that can't be."""
    column = quoted(name)
    decimals = kind.startswith("DECIMAL") and type_.name == "decimal"
    nested = kind == "NESTED" and bool(type_.items)
    if not (decimals or nested or kind in _COMPATIBLE.get(type_.name, ())):
        raise AthenaError(
            "HIVE_BAD_DATA",
            f"Field {name}'s type {kind} in parquet file {uri} is incompatible with type {type_} "
            "defined in table schema",
        )
    if type_.name == "timestamp":
        zoned = kind == "TIMESTAMP WITH TIME ZONE"
        local = f"timezone('UTC', {column})" if zoned else f"CAST({column} AS TIMESTAMP)"
        return casts.cast(local, timestamp(6), type_)
    return f"CAST({column} AS {type_.duckdb})"


def partition_value(value: str, type_: Type) -> str:
    """A partition's value, which its folder writes as text."""
    if value == NULL_PARTITION:
        return f"CAST(NULL AS {type_.duckdb})"
    return casts.cast(literal(value), VARCHAR, type_)
