"""Every type that a table carries, with its edge values, and the values that are set aside.

An edge is a PostgreSQL literal that stands for itself, or a pair (literal, what is carried of it).
"""

from collections.abc import Sequence

Edge = str | tuple[str, str]

TYPES_OF_ONES_OWN = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'Très content');
CREATE DOMAIN price AS numeric(10,2) CHECK (value >= 0);
CREATE DOMAIN counted AS integer;
CREATE DOMAIN email AS text;
CREATE TYPE spot AS (x integer, y text);
"""

_INSTANTS = [
    "0001-01-01 00:00:00", "1582-10-04 23:59:59.999999", "1582-10-15 00:00:00",
    "1899-12-31 23:59:59.999999", "1900-01-01 00:00:00.000001", "1969-12-31 23:59:59.999999",
    "1970-01-01 00:00:00", "2026-03-29 01:30:00.123456", "2038-01-19 03:14:08",
    "9999-12-31 23:59:59.999999",
]  # fmt: skip
_DOUBLES = [
    "0", "-0", "0.1", "1e16", "2e-3", "5e-324", "-2.2250738585072014e-308",
    "1.7976931348623157e308", "NaN", "Infinity", "-Infinity",
]  # fmt: skip
_TEXTS = ["", " ", "ä€😀", "a'b\"c\\d", "line\nbreak\ttab", "null", "\x1f", "12.50", "  padded  "]

EDGES: dict[str, Sequence[Edge]] = {
    "boolean": ["true", "false"],
    "smallint": ["-32768", "32767", "0"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "real": ["0", "-0", "1.5", "0.1", "1e20", "1e-45", "-3.4028235e38", "NaN", "Infinity"],
    "double precision": _DOUBLES,
    "numeric(12,2)": ["0.00", "-0.01", "0.50", "9999999999.99", "-9999999999.99", "100.00"],
    "numeric(5,0)": ["0", "99999", "-100"],
    "numeric(2,2)": ["0.00", "0.01", "-0.99"],
    "numeric(38,0)": ["9" * 38, "-" + "9" * 38, "0", ("1e37", "1" + "0" * 37)],
    "numeric(12,6)": ["0.000000", "0.000001", "-0.000001", "123456.654321"],
    "numeric(38,10)": ["0.0000000001", "-0.0000000001", "9" * 28 + "." + "9" * 10],
    "numeric(38,38)": ["0." + "9" * 38, "-0." + "0" * 37 + "1"],
    "numeric(10,10)": ["0.0000000001", "-0.9999999999"],
    "numeric": ["0", "1.50", "-1.500", "9" * 60 + ".5", "NaN", "Infinity", "0." + "0" * 40 + "1"],
    "numeric as numeric(38,9)": [("1.5", "1.500000000"), "9" * 29 + "." + "9" * 9, "-0.000000001"],
    "numeric(12,2) as text": ["NaN", "0.10"],
    "text": _TEXTS,
    "varchar(20)": ["", "Zoë", "  padded  "],
    "varchar": ["x" * 10_000],
    "char(3)": [("a", "a  "), "abc", ("", "   "), ("é", "é  ")],
    "bpchar": ["a", "b"],
    "name": ["pg_catalog"],
    "bytea": ["\\x", "\\x00ff10", "\\x" + "ab" * 1000, "\\x5c27"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"],
    "date": [
        "0001-01-01", "0999-12-31", "1582-10-04", "1582-10-15", "1899-12-31", "1969-12-31",
        "2024-02-29", "9999-12-31",
    ],
    "date as text": ["infinity", "0044-03-15 BC", "5874897-12-31"],
    "timestamp": _INSTANTS,
    "timestamp(3)": ["2026-03-29 01:30:00.123"],
    "timestamptz": [f"{moment}+00" for moment in _INSTANTS],
    "timestamptz as text": ["-infinity", "2026-03-29 01:30:00.123456+00"],
    "time": ["00:00:00", "23:59:59.999999", "24:00:00"],
    "timetz": ["00:00:00+00", "12:00:00.5+15:59", "24:00:00-15:59"],
    "interval": [
        ("0", "00:00:00"), ("1 month -1 day", "1 mon -1 days"),
        ("178000000 years", "178000000 years"), ("-0.000001 seconds", "-00:00:00.000001"),
        ("1 year 2 months 3 days 04:05:06.789", "1 year 2 mons 3 days 04:05:06.789"),
    ],
    "json": ['{"b": 1,  "a": 1, "a": 2}', "null", '"\\u0041"', "1e400"],
    "jsonb": [('{"b": 1,  "a": [1.00]}', '{"a": [1.00], "b": 1}'), "null"],
    "inet": [("10.0.0.1", "10.0.0.1/32"), "::ffff:1.2.3.4/128", "192.168.0.7/16"],
    "cidr": ["10.0.0.0/8", "2001:db8::/32"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "bit(4)": ["1010", "0000"],
    "bit": ["1"],
    "varbit": ["", "1" * 70],
    "money": [("1234567.89", "1234567.89"), ("-0.01", "-0.01"),
              ("-92233720368547758.08", "-92233720368547758.08")],
    "oid": ["0", "4294967295"],
    "xid8": ["0", "18446744073709551615"],
    "pg_lsn": ["16/B374D848"],
    "tsvector": [("fat cat", "'cat' 'fat'"), ("a:1A b:2", "'a':1A 'b':2")],
    "tsquery": [("fat & !rat", "'fat' & !'rat'")],
    "int4range": [("[1,5]", "[1,6)"), "empty", "(,)"],
    "int8range": ["[1,9223372036854775807)"],
    "numrange": ["(1.50,2]"],
    "tsrange": [("[2026-01-01,)", '["2026-01-01 00:00:00",)')],
    "tstzrange": [("[2026-01-01 00:00+02,)", '["2025-12-31 22:00:00+00",)')],
    "daterange": ["[2026-01-01,infinity)"],
    "int4multirange": ["{[1,3),[5,9)}"],
    "int8multirange": ["{}"],
    "nummultirange": ["{[1.0,2.0)}"],
    "tsmultirange": ["{}"],
    "tstzmultirange": ["{}"],
    "datemultirange": ["{[2026-01-01,2026-02-01)}"],
    "point": ["(1.5,-0)", "(1e+300,NaN)"],
    "line": ["{1,-1,0}"],
    "lseg": ["[(0,0),(1,1)]"],
    "box": ["(1,1),(0,0)"],
    "path": ["((0,0),(1,1))", "[(0,0),(1,1)]"],
    "polygon": ["((0,0),(1,1),(1,0))"],
    "circle": ["<(0,0),1>"],
    "mood as text": ["sad", "Très content"],
    "spot as text": ['(1,"a,b")'],
    "price as numeric(10,2)": ["0.00", "99999999.99"],
    "counted as integer": ["2147483647"],
    "email as text": ["a@b"],
    "boolean[]": ["{t,f,NULL}"],
    "smallint[]": ["{-32768}"],
    "integer[]": ["{}", "{1,NULL,-2147483648}"],
    "bigint[]": ["{9223372036854775807}"],
    "real[]": ["{-0,NaN}"],
    "double precision[]": ["{0.1,5e-324,-Infinity}"],
    "numeric(12,2)[]": ["{0.10,NULL,-9999999999.99}"],
    "text[]": ["{}", '{"",NULL,"NULL","a,b","c\\"d"}'],
    "varchar(5)[]": ["{a}"],
    "bytea[] as text": ['{"\\\\x00ff",NULL}'],
    "date[]": ["{0001-01-01,9999-12-31}"],
    "timestamp[]": ['{"1582-10-04 23:59:59.999999"}'],
    "timestamptz[]": ['{"1899-12-31 23:59:59.999999+00",NULL}'],
    "uuid[]": ["{00000000-0000-0000-0000-000000000000}"],
    "integer[] as text": ["{{1,2},{3,4}}", "[0:1]={1,2}"],
}  # fmt: skip
"""Type, as a contract declares it, to its edges."""

_YEARS = "infinite or outside the years 1 to 9999"
_DIMENSIONS = "more than one dimension, or one that does not begin at 1"

SET_ASIDE: list[tuple[str, str, str, str]] = [
    # declared, literal, raw text as JSON, reason after the column's name
    ("numeric(12,2)", "NaN", '"NaN"', "numeric(12,2) not a number"),
    ("numeric as numeric(38,9)", "NaN", '"NaN"', "numeric does not fit numeric(38,9)"),
    ("numeric as numeric(38,9)", "-Infinity", '"-Infinity"', "numeric does not fit numeric(38,9)"),
    ("numeric as numeric(38,9)", "0.0000000001", "0.0000000001", "numeric does not fit"),
    ("numeric as numeric(38,9)", "1e29", "1" + "0" * 29, "numeric does not fit numeric(38,9)"),
    ("numeric as numeric(38,0)", "1e38", "1" + "0" * 38, "numeric does not fit numeric(38,0)"),
    ("price as numeric(4,2)", "100", "100.00", "price does not fit numeric(4,2)"),
    ("date", "infinity", '"infinity"', f"date {_YEARS}"),
    ("date", "0044-03-15 BC", '"0044-03-15 BC"', f"date {_YEARS}"),
    ("date", "10000-01-01", '"10000-01-01"', f"date {_YEARS}"),
    ("timestamp", "-infinity", '"-infinity"', f"timestamp without time zone {_YEARS}"),
    ("timestamp", "294276-12-31 23:59:59", '"294276-12-31T23:59:59"', "timestamp without"),
    ("timestamptz", "infinity", '"infinity"', f"timestamp with time zone {_YEARS}"),
    ("timestamptz", "0001-12-31 23:59:59+00 BC", " BC", f"timestamp with time zone {_YEARS}"),
    ("integer[]", "{{1,2},{3,4}}", "[[1,2],[3,4]]", f"integer[] {_DIMENSIONS}"),
    ("integer[]", "[0:1]={1,2}", "[1,2]", f"integer[] {_DIMENSIONS}"),
    ("date[]", "{2026-01-01,infinity}", '"infinity"', f"date[] an element is {_YEARS}"),
    ("numeric(12,2)[]", "{1,NaN}", '"NaN"', "numeric(12,2)[] an element is not a number"),
]
"""Values that the carrier has not."""


def literal(edge: Edge) -> str:
    """What PostgreSQL is given."""
    return edge if isinstance(edge, str) else edge[0]


def carried(edge: Edge) -> str:
    """What is to be read back, as text."""
    return edge if isinstance(edge, str) else edge[1]


def declared(kind: str) -> str:
    """The column's type in PostgreSQL."""
    return kind.partition(" as ")[0]
