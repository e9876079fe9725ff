"""What a DuckDB instance is given before the first query: Trino's functions that DuckDB lacks."""

import math
import struct
from decimal import Decimal

import duckdb

from local.engines.athena.errors import MARK, raising

_ZERO = raising("DIVISION_BY_ZERO", "Division by zero")
_BEYOND = (
    f"error('{MARK}INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to "
    "array length: ' || i || ' > ' || len(a))"
)
_DELIMITER = raising("INVALID_FUNCTION_ARGUMENT", "The delimiter may not be the empty string")
_STEP = raising(
    "INVALID_FUNCTION_ARGUMENT",
    "sequence stop value should be greater than or equal to start value if step is greater than "
    "zero otherwise stop should be less than or equal to start",
)
_SUBSCRIPT = raising("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1")
_KEY = raising("INVALID_FUNCTION_ARGUMENT", "Key not present in map")
_BUCKETS = raising("INVALID_FUNCTION_ARGUMENT", "bucketCount must be greater than 0")
_OPERAND = raising("INVALID_FUNCTION_ARGUMENT", "operand must not be NaN")
_FIRST = raising("INVALID_FUNCTION_ARGUMENT", "first bound must be finite")
_SECOND = raising("INVALID_FUNCTION_ARGUMENT", "second bound must be finite")
_BOUNDS = raising("INVALID_FUNCTION_ARGUMENT", "bounds cannot equal each other")

MACROS = f"""
CREATE MACRO trino_nonzero(b) AS CASE WHEN b = 0 THEN {_ZERO} ELSE b END;
CREATE MACRO trino_bad_cast(v, type) AS
    error('{MARK}INVALID_CAST_ARGUMENT: Cannot cast ''' || v || ''' to ' || type);
CREATE MACRO trino_bad_time(v, type) AS
    error('{MARK}INVALID_CAST_ARGUMENT: Value cannot be cast to ' || type || ': ' || v);
CREATE MACRO trino_upper(s) AS replace(upper(replace(s, 'ß', chr(57344))), chr(57344), 'ß');
CREATE MACRO trino_split(s, d) AS CASE WHEN d = '' THEN {_DELIMITER} ELSE string_split(s, d) END;
CREATE MACRO trino_log(x) AS CASE
    WHEN x IS NULL THEN NULL WHEN x = 0 THEN '-Infinity'::DOUBLE
    WHEN x < 0 THEN 'NaN'::DOUBLE ELSE ln(x) END;
CREATE MACRO trino_series(a, b) AS generate_series(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END);
CREATE MACRO trino_series_by(a, b, step) AS CASE
    WHEN step = 0 THEN {_STEP} WHEN (a < b AND step < 0) OR (a > b AND step > 0) THEN {_STEP}
    ELSE generate_series(a, b, step) END;
CREATE MACRO trino_days(a, b, step) AS CASE
    WHEN (a < b AND a + step <= a) OR (a > b AND a + step >= a) THEN {_STEP}
    ELSE list_transform(generate_series(a, b, step), lambda x: CAST(x AS DATE)) END;
CREATE MACRO trino_unscaled(d) AS CAST(replace(CAST(d AS VARCHAR), '.', '') AS HUGEINT);
CREATE MACRO trino_half_up(a, b) AS
    CASE WHEN (a < 0) = (b < 0) THEN 1 ELSE -1 END
    * (abs(a) // abs(b) + CASE WHEN abs(a) % abs(b) >= abs(b) - abs(a) % abs(b) THEN 1 ELSE 0 END);
CREATE MACRO trino_round_timestamp(t, step) AS
    make_timestamp(epoch_us(t) + step // 2
        - ((epoch_us(t) + step // 2) % step + step) % step);
CREATE MACRO trino_round_timestamptz(t, step) AS
    make_timestamptz(epoch_us(t) + step // 2
        - ((epoch_us(t) + step // 2) % step + step) % step);
CREATE MACRO trino_eq(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN FALSE ELSE a = b END;
CREATE MACRO trino_lt(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN FALSE ELSE a < b END;
CREATE MACRO trino_le(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN FALSE ELSE a <= b END;
CREATE MACRO trino_item(a, i) AS CASE
    WHEN a IS NULL OR i IS NULL THEN NULL
    WHEN i < 1 THEN {_SUBSCRIPT} WHEN i > len(a) THEN {_BEYOND} ELSE a[i] END;
CREATE MACRO trino_value(m, k) AS CASE
    WHEN m IS NULL OR k IS NULL THEN NULL
    WHEN NOT list_contains(map_keys(m), k) THEN {_KEY} ELSE m[k] END;
CREATE MACRO trino_substr(s, i) AS CASE
    WHEN s IS NULL OR i IS NULL THEN NULL
    WHEN i = 0 OR i < -length(s) THEN '' ELSE substr(s, i) END;
CREATE MACRO trino_substr_of(s, i, n) AS CASE
    WHEN s IS NULL OR i IS NULL OR n IS NULL THEN NULL
    WHEN i = 0 OR i < -length(s) OR n <= 0 THEN '' ELSE substr(s, i, n) END;
CREATE MACRO trino_percentile(l, p) AS CASE
    WHEN l IS NULL OR len(l) = 0 THEN NULL
    ELSE list_sort(l)[least(CAST(floor(p * len(l)) AS BIGINT), len(l) - 1) + 1] END;
CREATE MACRO trino_bucket(x, low, high, n) AS CASE
    WHEN x IS NULL OR low IS NULL OR high IS NULL OR n IS NULL THEN NULL
    WHEN n <= 0 THEN {_BUCKETS} WHEN isnan(x) THEN {_OPERAND}
    WHEN NOT isfinite(low) THEN {_FIRST} WHEN NOT isfinite(high) THEN {_SECOND}
    WHEN low = high THEN {_BOUNDS}
    WHEN low < high THEN CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1
        ELSE CAST(floor(n * (x - low) / (high - low)) AS BIGINT) + 1 END
    ELSE CASE WHEN x > low THEN 0 WHEN x <= high THEN n + 1
        ELSE CAST(floor(n * (low - x) / (low - high)) AS BIGINT) + 1 END END;
"""


def java_text(value: float, shortest: str) -> str:
    """A floating-point number as Java prints it; `shortest` is its shortest exact digits."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + int(exponent) - 1  # of ten, of the first digit
    prefix = "-" if sign else ""
    if -3 <= power < 7:
        if power < 0:
            return f"{prefix}0.{'0' * (-power - 1)}{text}"
        whole = text[: power + 1].ljust(power + 1, "0")
        return f"{prefix}{whole}.{text[power + 1 :] or '0'}"
    return f"{prefix}{text[0]}.{text[1:] or '0'}E{power}"


def sql_text(value: float, shortest: str) -> str:
    """A floating-point number as CAST to varchar writes it: always with an exponent."""
    if math.isnan(value) or math.isinf(value):
        return java_text(value, shortest)
    if value == 0:
        return "-0E0" if math.copysign(1, value) < 0 else "0E0"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    power = len(digits) + int(exponent) - 1
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"


def shortest_real(value: float) -> str:
    """The fewest digits that give the same 32 bits."""
    candidates = (f"{value:.{digits}e}" for digits in range(9))
    return next((text for text in candidates if _float32(float(text)) == value), repr(value))


def double_text(value: float) -> str:
    """A double as Athena prints it in results."""
    return java_text(value, repr(value))


def real_text(value: float) -> str:
    """A real as Athena prints it in results."""
    return java_text(value, shortest_real(value))


def _cast_double(value: float) -> str:
    return sql_text(value, repr(value))


def _cast_real(value: float) -> str:
    return sql_text(value, shortest_real(value))


def _float32(value: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.inf


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Registers all of it; cursors of the connection share it."""
    connection.execute(MACROS)
    connection.create_function("trino_double_text", _cast_double, ["DOUBLE"], "VARCHAR")
    connection.create_function("trino_real_text", _cast_real, ["FLOAT"], "VARCHAR")
