"""How a PostgreSQL column type is carried through Parquet, Spark and Athena, value for value.

A contract declares a column by the type that PostgreSQL's `format_type` prints. What has no exact
Parquet type is carried as the text that PostgreSQL prints. A contract may choose another carrier:
`"<type> as text"` for any type, `"<type> as <exact type>"` for a domain, for a `numeric` without
precision and for a number that was widened. docs/types.md is this file as a table; a test keeps
both equal.
"""

import re
from dataclasses import dataclass
from typing import Final

from lakehouse.errors import ConfigurationError

PLAIN: Final = "{0}"
"""The column as it is."""
TEXT: Final = "{0}::text"
"""The text that PostgreSQL prints."""
MAX_PRECISION: Final = 38
TEXT_CARRIER: Final = "text"

EXACT: Final = {
    # PostgreSQL: (DuckDB, Spark, Athena over Parquet); each value has one equal value there
    "boolean": ("BOOLEAN", "boolean", "boolean"),
    "smallint": ("SMALLINT", "smallint", "smallint"),
    "integer": ("INTEGER", "int", "int"),
    "bigint": ("BIGINT", "bigint", "bigint"),
    "real": ("FLOAT", "float", "float"),
    "double precision": ("DOUBLE", "double", "double"),
    TEXT_CARRIER: ("VARCHAR", "string", "string"),
    "bytea": ("BLOB", "binary", "binary"),
    "date": ("DATE", "date", "date"),
    "timestamp without time zone": ("TIMESTAMP", "timestamp_ntz", "timestamp"),
    "timestamp with time zone": ("TIMESTAMPTZ", "timestamp", "timestamp"),
}
CAST: Final = {
    # PostgreSQL: (carrier, the expression that makes it, value for value)
    "character varying": (TEXT_CARRIER, PLAIN),
    "oid": ("bigint", "{0}::bigint"),
    "xid8": ("numeric(20,0)", "{0}::text::numeric(20,0)"),  # unsigned, beyond a bigint
    "bpchar": (TEXT_CARRIER, PLAIN),
    # by way of numeric, as the text of money follows the server's lc_monetary
    "money": (TEXT_CARRIER, "{0}::numeric::text"),
    **dict.fromkeys(
        (
            "numeric", "uuid", "json", "jsonb", "xml", "time without time zone",
            "time with time zone", "interval", "inet", "cidr", "macaddr", "macaddr8", "bit",
            "bit varying", "tsvector", "tsquery", "int4range", "int8range", "numrange", "tsrange",
            "tstzrange", "daterange", "int4multirange", "int8multirange", "nummultirange",
            "tsmultirange", "tstzmultirange", "datemultirange", "point", "line", "lseg", "box",
            "path", "polygon", "circle", "pg_lsn", "name",
        ),
        (TEXT_CARRIER, TEXT),
    ),
}  # fmt: skip
NARROWER: Final = {
    # (column, carrier): the test that a value of the wider type is one of the narrower
    ("integer", "smallint"): "({0} BETWEEN -32768 AND 32767)",
    ("bigint", "smallint"): "({0} BETWEEN -32768 AND 32767)",
    ("bigint", "integer"): "({0} BETWEEN -2147483648 AND 2147483647)",
    # a double that a real can't hold fails the cast, so its size is looked at first
    ("double precision", "real"): (
        "(CASE WHEN {0} IN ('NaN', 'Infinity', '-Infinity', 0) THEN true"
        " WHEN abs({0}) NOT BETWEEN 1.4013e-45 AND 3.4028234663852886e38 THEN false"
        " ELSE {0}::real::double precision = {0} END)"
    ),
}
_TRINO = {
    # Hive's names of types, where SQL has others
    "int": "integer",
    "float": "real",
    "string": "varchar",
    "binary": "varbinary",
    "timestamp": "timestamp(3)",
    ">": ")",
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
    "char": "character",
    "varbit": "bit varying",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "decimal": "numeric",
}
_MODIFIER = re.compile(r"\((-?\d+)(?:,(-?\d+))?\)")


@dataclass(frozen=True)
class ColumnType:
    """One column type: `source` as PostgreSQL's `format_type` prints it, and its carriers.

    `carrier` is the PostgreSQL type whose values the file holds, `expression` the SQL that
    PostgreSQL runs to make it, with `{0}` for the column. `fits` is the SQL test, of the same
    column, that a value survives an `as`; None where every value does.
    """

    source: str
    duckdb: str
    spark: str
    athena: str
    carrier: str
    expression: str = PLAIN
    fits: str | None = None

    @property
    def element(self) -> "ColumnType | None":
        """Type of an array's elements; None where the carrier is no array."""
        return column_type(self.carrier.removesuffix("[]")) if self.is_array else None

    @property
    def is_array(self) -> bool:
        """Whether the carrier is a list."""
        return self.carrier.endswith("[]")

    @property
    def trino(self) -> str:
        """`athena` as SQL writes it: what Athena reads of the Parquet files."""
        return re.sub(r"[a-z_]+|>", lambda word: _TRINO.get(word[0], word[0]), self.athena).replace(
            "<", "("
        )

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision and scale where the carrier is a decimal."""
        return decimal_of(self.carrier)


def canonical(text: str) -> str:
    """The name that PostgreSQL's `format_type` gives to `text` (`int8` -> `bigint`).

    Quoted names, of types of one's own, keep their case.
    """
    words = " ".join(text.split())
    compact = re.sub(r"\s*([(),]|\[\])\s*", r"\1", words if '"' in words else words.lower())
    compact = re.sub(r"\)(?=[a-z])", ") ", compact)
    if compact.endswith("[]"):
        return canonical(compact.removesuffix("[]")) + "[]"
    kind, modifier = family(compact)
    name = _ALIASES.get(kind, kind)
    if name in ("character", "bit") and not modifier:
        modifier = "(1)"
    if name == "numeric" and modifier and "," not in modifier:
        modifier = f"{modifier[:-1]},0)"
    first, _, rest = name.partition(" ")
    between = name.startswith(("time ", "timestamp "))  # timestamp(3) with time zone
    return f"{first}{modifier} {rest}" if between else f"{name}{modifier}"


def column_type(text: str) -> ColumnType:
    """Looks up how `text` is carried; raises ConfigurationError for a type that is not."""
    source, _, carrier = (part.strip() for part in re.sub(r"\s+", " ", text).partition(" as "))
    source = canonical(source)
    if carrier:
        return _chosen(text, source, canonical(carrier))
    if source.endswith("[]"):
        return _array(text, source)
    kind, modifier = family(source)
    if decimal := decimal_of(source):
        precision, scale = decimal
        if not 0 <= scale <= precision <= MAX_PRECISION:
            raise ConfigurationError(
                f"{text} does not fit decimal({MAX_PRECISION}); declare it as '{text} as text'"
            )
        spark = f"decimal({precision},{scale})"
        return ColumnType(source, spark.upper(), spark, spark, source)
    if kind == "character":
        # the cast to text drops the padding that every client sees
        expression = f"rpad({TEXT}, {modifier[1:-1]})"
        return ColumnType(source, *EXACT[TEXT_CARRIER], TEXT_CARRIER, expression)
    if kind in EXACT:
        return ColumnType(source, *EXACT[kind], kind)
    if kind in CAST:
        carrier, expression = CAST[kind]
        return _carried(source, carrier, expression)
    raise ConfigurationError(
        f"type '{text}' is not known; if it is an enum or a type of your own, declare it as "
        f"'{text} as text', a domain as '{text} as <its base type>'"
    )


def decimal_of(text: str) -> tuple[int, int] | None:
    """Precision and scale of `numeric(p,s)`; None of any other type."""
    kind, modifier = family(text)
    match = _MODIFIER.fullmatch(modifier)
    if kind != "numeric" or match is None:
        return None
    return int(match[1]), int(match[2] or 0)


def family(source: str) -> tuple[str, str]:
    """A type without its modifier, and the modifier with its brackets."""
    match = _MODIFIER.search(source)
    return (_MODIFIER.sub("", source, count=1), match[0]) if match else (source, "")


def _carried(source: str, carrier: str, expression: str, fits: str | None = None) -> ColumnType:
    exact = column_type(carrier)
    return ColumnType(source, exact.duckdb, exact.spark, exact.athena, carrier, expression, fits)


def _chosen(text: str, source: str, carrier: str) -> ColumnType:
    """`source as carrier`: as text any value fits, otherwise each value is tested."""
    if carrier == TEXT_CARRIER:
        return _carried(source, carrier, TEXT)
    if decimal := decimal_of(carrier):
        precision, scale = decimal
        column_type(carrier)
        number = "{0}" if family(source)[0] == "numeric" else "({0})::numeric"
        whole = "1" + "0" * (precision - scale)
        # NaN is greater than every number in PostgreSQL, so the bound catches it and infinity
        fits = f"(abs({number}) < {whole} AND {number} = round({number}, {scale}))"
        return _carried(source, carrier, f"{{0}}::{carrier}", fits)
    if narrow := NARROWER.get((source, carrier)):
        return _carried(source, carrier, f"{{0}}::{carrier}", narrow)
    if carrier not in EXACT or family(source)[0] in {*EXACT, *CAST}:
        raise ConfigurationError(
            f"'{text}': a type is carried as text, as numeric(p,s), as a narrower number of its "
            f"sort, or, if it is a domain, as one of {', '.join(EXACT)}"
        )
    return _carried(source, carrier, f"{{0}}::{carrier}", f"({{0}} = {{0}}::{carrier})")


def _array(text: str, source: str) -> ColumnType:
    element = column_type(source.removesuffix("[]"))
    # the reader has no list of bytes
    if element.is_array or element.expression not in (PLAIN, TEXT) or element.carrier == "bytea":
        raise ConfigurationError(f"'{text}' has no exact list; declare it as '{text} as text'")
    carrier = f"{element.carrier}[]"
    # one dimension from 1 upwards: what a list is; an empty array has no dimension
    fits = "(cardinality({0}) = 0 OR (array_ndims({0}) = 1 AND array_lower({0}, 1) = 1))"
    expression = PLAIN if element.expression == PLAIN else f"{{0}}::{carrier}"
    return ColumnType(
        source,
        f"{element.duckdb}[]",
        f"array<{element.spark}>",
        f"array<{element.athena}>",
        carrier,
        expression,
        fits,
    )
