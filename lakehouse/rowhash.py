"""The content hash of a row, the same number in PostgreSQL, DuckDB, Spark and Athena.

`_row_hash` is made from the MD5 of the row's source columns in contract order, each in a canonical
text that all engines print alike, joined by the unit separator; NULL is the record separator, so
that NULL and the empty text differ. Times are microseconds since 1970, floating-point numbers the
bits of their IEEE 754 form as a signed integer, bytes hexadecimal, so that no engine's way of
printing them matters. An array is its length and its elements, each after a group separator.
The hash is the leading 60 bits of the digest read as one little-endian number: a `bigint` that is
never negative. DuckDB makes that number without printing the digest, and eight bytes a row are a
third of the file that 32 digits make; two versions of a row collide once in 10^18. The content of a
set of rows is their count and the sum of their hashes: equal sets give equal numbers whatever the
order.

The expressions hold for values that bronze can carry; PostgreSQL's infinities among times and dates
hash to a text of their own instead of failing.
"""

from typing import Final, Literal

from lakehouse.contract import TableContract
from lakehouse.types import ColumnType

Dialect = Literal["postgres", "duckdb", "spark", "athena"]

_CANONICAL: dict[Dialect, dict[str, str]] = {
    "postgres": {
        "timestamp with time zone": (
            "CASE WHEN isfinite({0}) THEN (extract(epoch FROM {0}) * 1000000)::bigint::text"
            " ELSE {0}::text END"
        ),
        "timestamp without time zone": (
            "CASE WHEN isfinite({0}) THEN (extract(epoch FROM {0}) * 1000000)::bigint::text"
            " ELSE {0}::text END"
        ),
        "bytea": "encode({0}, 'hex')",
        "real": "('x' || encode(float4send({0}::real), 'hex'))::bit(32)::integer::text",
        "double precision": "('x' || encode(float8send({0}), 'hex'))::bit(64)::bigint::text",
        "": "{0}::text",
    },
    "duckdb": {
        "timestamp with time zone": "epoch_us({0})::varchar",
        "timestamp without time zone": "epoch_us({0})::varchar",
        "bytea": "lower(hex({0}))",
        "real": "{0}::bit::integer::varchar",
        "double precision": "{0}::bit::bigint::varchar",
        "": "{0}::varchar",
    },
    "spark": {
        "timestamp with time zone": "cast(unix_micros({0}) as string)",
        # sessions are in UTC
        "timestamp without time zone": "cast(unix_micros(cast({0} as timestamp)) as string)",
        "bytea": "lower(hex({0}))",
        # the inner coalesce keeps the Java method from ever seeing a NULL
        "real": (
            "if({0} is null, null,"
            " reflect('java.lang.Float', 'floatToIntBits', coalesce({0}, cast(0 as float))))"
        ),
        "double precision": (
            "if({0} is null, null,"
            " reflect('java.lang.Double', 'doubleToLongBits', coalesce({0}, cast(0 as double))))"
        ),
        "": "cast({0} as string)",
    },
    "athena": {
        # a double holds the microseconds of two centuries around today exactly
        "timestamp with time zone": (
            "CAST(CAST(round(to_unixtime({0}) * 1e6) AS bigint) AS varchar)"
        ),
        "": "CAST({0} AS varchar)",
    },
}
_QUOTE: dict[Dialect, str] = {"postgres": '"', "duckdb": '"', "spark": "`", "athena": '"'}
_SEPARATORS: dict[Dialect, tuple[str, str]] = {
    "postgres": ("chr(31)", "chr(30)"),
    "duckdb": ("chr(31)", "chr(30)"),
    "spark": ("char(31)", "char(30)"),
    "athena": ("chr(31)", "chr(30)"),
}
ATHENA_CARRIERS: Final = frozenset(
    {"boolean", "smallint", "integer", "bigint", "text", "date", "timestamp with time zone"}
)
"""What Athena prints as the other engines do; of decimals each."""
_ARRAYS: dict[Dialect, str] = {
    # {0} the array, {1} the canonical text of an `element`, {2} the mark of NULL
    "postgres": (
        "cardinality({0})::text || coalesce((SELECT string_agg(chr(29) || coalesce({1}, {2}), ''"
        " ORDER BY place) FROM unnest({0}) WITH ORDINALITY AS part (element, place)), '')"
    ),
    "duckdb": (
        "len({0})::varchar || coalesce(array_to_string(list_transform({0},"
        " lambda element: chr(29) || coalesce({1}, {2})), ''), '')"
    ),
    "spark": (
        "concat(cast(size({0}) as string), array_join(transform({0},"
        " element -> concat(char(29), coalesce({1}, {2}))), ''))"
    ),
}
_BYTES: Final = range(31, 16, -2)
"""Where the digest's last eight bytes stand in its 32 digits, the last one first."""
_LOW_DIGITS: Final = 0x0F0F0F0F0F0F0F0F
_HALF: Final = 30
"""Of a hash's bits: a sum of halves has room for eight billion rows."""
_SUM: dict[Dialect, str] = {
    "postgres": "sum({0})",
    "duckdb": "sum({0})",
    # In two halves: a sum of decimals makes objects of each row, and takes ten times as long.
    "spark": (
        f"cast(sum(shiftright({{0}}, {_HALF})) as decimal(27,0)) * {1 << _HALF}"
        f" + sum({{0}} & {(1 << _HALF) - 1})"
    ),
    "athena": "sum(CAST({0} AS decimal(38,0)))",
}
_PLAIN_SCALE = 6
"""Spark prints a decimal below 10^-6 with an exponent; up to this scale there is none."""
_ARGUMENTS = 90
"""PostgreSQL functions take 100 arguments at most; joining joined groups gives the same text."""


def row_hash(contract: TableContract, dialect: Dialect) -> str:
    """SQL expression of `_row_hash` over a relation that has the contract's columns."""
    unit, null = _SEPARATORS[dialect]
    quote = _QUOTE[dialect]
    parts = [
        f"coalesce({_text(f'{quote}{name}{quote}', kind, dialect)}, {null})"
        for name, kind in contract.types.items()
    ]
    while len(parts) > 1:
        groups = [parts[start : start + _ARGUMENTS] for start in range(0, len(parts), _ARGUMENTS)]
        parts = [_joined(group, unit, dialect) for group in groups]
    return _leading_bits(parts[0], dialect)


def is_hashed_by_athena(contract: TableContract) -> bool:
    """Whether Athena can make `_row_hash` from silver's columns of these types."""
    return all(kind.decimal or kind.carrier in ATHENA_CARRIERS for kind in contract.types.values())


def content(expression: str, dialect: Dialect) -> str:
    """SQL aggregate that sums row hashes, as a decimal number; 0 of no rows."""
    return f"coalesce({_SUM[dialect].format(expression)}, 0)"


def _joined(parts: list[str], unit: str, dialect: Dialect) -> str:
    if dialect == "duckdb":  # of parts that are never NULL the same text, in less time
        return f"concat({f', {unit}, '.join(parts)})"
    return f"concat_ws({unit}, {', '.join(parts)})"


def _leading_bits(text: str, dialect: Dialect) -> str:
    if dialect == "duckdb":
        return f"(md5_number({text}) >> 68)::bigint"
    if dialect == "athena":  # reverse() of bytes, as the number is little-endian
        return f"from_base(substr(to_hex(reverse(md5(to_utf8({text})))), 1, 15), 16)"
    if dialect == "postgres":
        # in a subquery, so that the digest is made once and not for each of its bytes
        digits = " || ".join(f"substr(digest, {place}, 2)" for place in _BYTES)
        # OFFSET 0 keeps the planner from copying the digest's expression into each place
        digest = f"(SELECT md5({text}) AS digest OFFSET 0) AS digests"
        return f"(SELECT ('x' || {digits})::bit(60)::bigint FROM {digest})"
    # The digits in reverse are the bytes in reverse, each with its two digits exchanged; those are
    # put right by shifts. Eight substrings in a lambda would take four times as long.
    number = f"cast(conv(reverse(substr(md5({text}), 17)), 16, -10) as bigint)"
    low, high = f"{number} & {_LOW_DIGITS}", f"shiftrightunsigned({number}, 4) & {_LOW_DIGITS}"
    return f"shiftrightunsigned(shiftleft({low}, 4) | ({high}), 4)"


def _text(column: str, kind: ColumnType, dialect: Dialect) -> str:
    if kind.element:
        element = _text("element", kind.element, dialect)
        return _ARRAYS[dialect].format(column, element, _SEPARATORS[dialect][1])
    canonical = _CANONICAL[dialect]
    if dialect == "postgres":
        if kind.decimal and kind.fits:  # as the carrier prints it, without failing where it is full
            return f"round(({column})::numeric, {kind.decimal[1]})::text"
        column = kind.expression.format(column)
    plain = canonical.get(kind.carrier, canonical[""]).format(column)
    if kind.decimal is None:
        return plain
    precision, scale = kind.decimal
    if dialect == "spark" and scale > _PLAIN_SCALE:
        integer = "9" * (precision - scale) + "0" if precision > scale else "0"
        digits = f"replace(to_char(abs({column}), '{integer}.{'0' * scale}'), ' ', '')"
        return f"concat(if({column} < 0, '-', ''), {digits})"
    if dialect == "duckdb" and precision == scale:
        return rf"regexp_replace({plain}, '^(-?)\.', '\10.')"  # it leaves out the leading zero
    return plain
