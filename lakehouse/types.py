"""How a PostgreSQL column type is carried through Parquet, Spark and Athena, value for value."""

import re
from dataclasses import dataclass

from lakehouse.errors import ConfigurationError

_SIMPLE = {
    # PostgreSQL: (DuckDB, Spark, Athena over Parquet)
    "boolean": ("BOOLEAN", "boolean", "boolean"),
    "smallint": ("SMALLINT", "smallint", "smallint"),
    "integer": ("INTEGER", "int", "int"),
    "bigint": ("BIGINT", "bigint", "bigint"),
    "real": ("FLOAT", "float", "float"),
    "double precision": ("DOUBLE", "double", "double"),
    "text": ("VARCHAR", "string", "string"),
    "character varying": ("VARCHAR", "string", "string"),
    "date": ("DATE", "date", "date"),
    "timestamp with time zone": ("TIMESTAMPTZ", "timestamp", "timestamp"),
    "xid8": ("DECIMAL(20,0)", "decimal(20,0)", "decimal(20,0)"),  # unsigned, beyond a bigint
}
_ALIASES = {
    "bool": "boolean",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "varchar": "character varying",
    "timestamptz": "timestamp with time zone",
    "decimal": "numeric",
}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_LENGTH = re.compile(r"character varying\(\d+\)")
MAX_PRECISION = 38


@dataclass(frozen=True)
class ColumnType:
    """One column type: `source` as PostgreSQL's `format_type` prints it, and its carriers."""

    source: str
    duckdb: str
    spark: str
    athena: str


def canonical(text: str) -> str:
    """The name that PostgreSQL's `format_type` gives to `text` (`int8` -> `bigint`)."""
    compact = re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.lower().split()))
    name, bracket, rest = compact.partition("(")
    return _ALIASES.get(name, name) + bracket + rest


def column_type(text: str) -> ColumnType:
    """Looks up how `text` is carried; raises ConfigurationError for a type that is not."""
    source = canonical(text)
    if numeric := _NUMERIC.fullmatch(source):
        precision, scale = int(numeric[1]), int(numeric[2])
        if not scale <= precision <= MAX_PRECISION:
            raise ConfigurationError(
                f"{text} does not fit decimal({MAX_PRECISION}); declare the column as text"
            )
        return ColumnType(
            source, source.replace("numeric", "DECIMAL"), *[f"decimal({precision},{scale})"] * 2
        )
    base = "character varying" if _LENGTH.fullmatch(source) else source
    if base not in _SIMPLE:
        raise ConfigurationError(
            f"type '{text}' is not carried; known: {', '.join(_SIMPLE)}, numeric(p,s)"
        )
    return ColumnType(source, *_SIMPLE[base])
