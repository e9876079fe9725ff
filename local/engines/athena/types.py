"""Trino's types: names in DuckDB, Hive and the API, and which type two of them meet in."""

from dataclasses import dataclass, replace
from typing import Final

from local.engines.athena.errors import AthenaError, refuse

MAX_PRECISION: Final = 38
UNBOUNDED: Final = 2147483647
INTEGERS: Final = ("tinyint", "smallint", "integer", "bigint")
_DIGITS: Final = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
DUCKDB: Final = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "varbinary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    "unknown": "INTEGER",
}
_PRECISIONS: Final = {
    "tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "real": 17, "double": 17,
}  # fmt: skip


@dataclass(frozen=True)
class Type:
    """A Trino type. `size` is a varchar's length, a timestamp's or decimal's precision."""

    name: str
    size: int = 0
    scale: int = 0
    items: tuple["Type", ...] = ()
    fields: tuple[str, ...] = ()
    zone: str = "UTC"
    """The zone of a `timestamp with time zone`; known at compile time or refused."""

    def __str__(self) -> str:
        match self.name:
            case "decimal":
                return f"decimal({self.size},{self.scale})"
            case "varchar":
                return "varchar" if self.size == UNBOUNDED else f"varchar({self.size})"
            case "timestamp":
                return f"timestamp({self.size})"
            case "timestamp with time zone":
                return f"timestamp({self.size}) with time zone"
            case "array" | "map":
                return f"{self.name}({', '.join(map(str, self.items))})"
            case "row":
                named = zip(self.fields, self.items, strict=True)
                return "row(" + ", ".join(f"{n} {t}".strip() for n, t in named) + ")"
        return self.name

    @property
    def duckdb(self) -> str:
        """The type's name in DuckDB."""
        match self.name:
            case "decimal":
                return f"DECIMAL({self.size},{self.scale})"
            case "array":
                return f"{self.items[0].duckdb}[]"
            case "map":
                return f"MAP({self.items[0].duckdb}, {self.items[1].duckdb})"
            case "row":
                named = zip(self.fields, self.items, strict=True)
                return "STRUCT(" + ", ".join(f'"{n}" {t.duckdb}' for n, t in named) + ")"
        return DUCKDB[self.name]

    @property
    def hive(self) -> str:
        """The type in a Glue column; raises AthenaError for what Hive has no type for."""
        match self.name:
            case "varchar":
                return "string" if self.size == UNBOUNDED else f"varchar({self.size})"
            case "integer" | "real" | "varbinary":
                return {"integer": "int", "real": "float", "varbinary": "binary"}[self.name]
            case "timestamp":
                return "timestamp"
            case "array" | "map":
                return f"{self.name}<{','.join(item.hive for item in self.items)}>"
            case "row":
                named = zip(self.fields, self.items, strict=True)
                return "struct<" + ",".join(f"{n}:{t.hive}" for n, t in named) + ">"
            case "timestamp with time zone" | "unknown" | "json":
                raise AthenaError("NOT_SUPPORTED", f"Unsupported Hive type: {self}")
        if self.name.startswith("interval"):
            raise AthenaError("NOT_SUPPORTED", f"Unsupported Hive type: {self}")
        return str(self)

    @property
    def described(self) -> tuple[str, int, int]:
        """Type name, precision and scale as `GetQueryResults` reports them."""
        match self.name:
            case "decimal" | "timestamp" | "timestamp with time zone" | "varchar":
                return self.name, self.size, self.scale
            case "real":
                return "float", _PRECISIONS["real"], 0
        return self.name, _PRECISIONS.get(self.name, 0), 0

    @property
    def is_integer(self) -> bool:
        """One of the four whole-number types."""
        return self.name in INTEGERS

    @property
    def is_exact(self) -> bool:
        """A whole number or a decimal."""
        return self.is_integer or self.name == "decimal"

    @property
    def is_number(self) -> bool:
        """Any numeric type."""
        return self.is_exact or self.name in ("real", "double")

    @property
    def is_instant(self) -> bool:
        """A timestamp, with or without a zone."""
        return self.name in ("timestamp", "timestamp with time zone")

    @property
    def as_decimal(self) -> "Type":
        """The decimal that holds every value of an exact type."""
        return decimal(_DIGITS[self.name], 0) if self.is_integer else self


def decimal(precision: int, scale: int) -> Type:
    """A decimal, its precision capped as Trino caps it."""
    if scale > MAX_PRECISION:
        raise AthenaError("TYPE_MISMATCH", f"DECIMAL scale must be in range [0, 38]: {scale}")
    return Type("decimal", min(precision, MAX_PRECISION), scale)


def varchar(size: int = UNBOUNDED) -> Type:
    """Text, bounded or not."""
    return Type("varchar", size)


def timestamp(size: int) -> Type:
    """A timestamp with `size` fractional digits."""
    return Type("timestamp", size)


def timestamptz(size: int, zone: str = "UTC") -> Type:
    """A timestamp with time zone."""
    return Type("timestamp with time zone", size, zone=zone)


def array(item: Type) -> Type:
    """An array of `item`."""
    return Type("array", items=(item,))


BOOLEAN: Final = Type("boolean")
INTEGER: Final = Type("integer")
BIGINT: Final = Type("bigint")
DOUBLE: Final = Type("double")
REAL: Final = Type("real")
VARCHAR: Final = varchar()
VARBINARY: Final = Type("varbinary")
DATE: Final = Type("date")
DAYS: Final = Type("interval day to second")
MONTHS: Final = Type("interval year to month")
UNKNOWN: Final = Type("unknown")


def common(left: Type, right: Type) -> Type | None:
    """The type both coerce to without loss (Trino's common super type), None if there is none."""
    if left == right or right.name == "unknown":
        return left
    if left.name == "unknown":
        return right
    if left.is_number and right.is_number:
        return _common_number(left, right)
    names = {left.name, right.name}
    if names == {"varchar"}:
        return varchar(max(left.size, right.size))
    if names <= {"date", "timestamp", "timestamp with time zone"}:
        return _common_time(left, right)
    if len(names) == 1 and left.items and len(left.items) == len(right.items):
        items = [common(a, b) for a, b in zip(left.items, right.items, strict=True)]
        if all(items):
            return replace(left, items=tuple(item for item in items if item))
    return None


def _common_number(left: Type, right: Type) -> Type:
    for name in ("double", "real"):
        if name in (left.name, right.name):
            return Type(name)
    if left.is_integer and right.is_integer:
        return Type(INTEGERS[max(INTEGERS.index(left.name), INTEGERS.index(right.name))])
    a, b = left.as_decimal, right.as_decimal
    scale = max(a.scale, b.scale)
    return decimal(max(a.size - a.scale, b.size - b.scale) + scale, scale)


def _common_time(left: Type, right: Type) -> Type:
    size = max(left.size, right.size)
    zoned = [t for t in (left, right) if t.name == "timestamp with time zone"]
    if not zoned:
        return timestamp(size)
    if len({t.zone for t in zoned}) > 1:
        raise refuse("values of different time zones in one column")
    return timestamptz(size, zoned[0].zone)


def coerces(source: Type, target: Type) -> bool:
    """Whether a value of `source` is taken where `target` is declared."""
    return common(source, target) == target
