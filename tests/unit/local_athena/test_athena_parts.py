"""The parts that decide without a query: types, printing, statements, Parquet schemas, views."""

import base64
import json
from typing import Any

import pytest

from local.engines.athena import AthenaError
from local.engines.athena.catalog import View, read_view, view_input
from local.engines.athena.iceberg import read_metadata
from local.engines.athena.macros import double_text, real_text
from local.engines.athena.parquet import parquet_column, top_level
from local.engines.athena.statements import classify
from local.engines.athena.types import (
    BIGINT,
    VARCHAR,
    Type,
    common,
    decimal,
    timestamp,
    timestamptz,
)
from local.engines.athena.typetext import parse_type


@pytest.mark.parametrize(
    ("text", "trino", "hive"),
    [
        ("bigint", "bigint", "bigint"),
        ("int", "integer", "int"),
        ("string", "varchar", "string"),
        ("decimal(12, 2)", "decimal(12,2)", "decimal(12,2)"),
        ("varchar(3)", "varchar(3)", "varchar(3)"),
        ("timestamp", "timestamp(3)", "timestamp"),
        ("timestamp(6)", "timestamp(6)", "timestamp"),
        ("float", "real", "float"),
        ("array<string>", "array(varchar)", "array<string>"),
        ("map<string,array<int>>", "map(varchar, array(integer))", "map<string,array<int>>"),
        ("struct<a:int,b:string>", "row(a integer, b varchar)", "struct<a:int,b:string>"),
        (
            "row(a bigint, b varchar(3))",
            "row(a bigint, b varchar(3))",
            "struct<a:bigint,b:varchar(3)>",
        ),
    ],
)
def test_types_are_read_and_written(text: str, trino: str, hive: str) -> None:
    type_ = parse_type(text)
    assert (str(type_), type_.hive) == (trino, hive)
    assert parse_type(str(type_)) == type_


def test_a_zoned_timestamp_has_no_hive_type() -> None:
    assert str(parse_type("timestamp(6) with time zone")) == "timestamp(6) with time zone"
    with pytest.raises(AthenaError, match="Unsupported Hive type"):
        _ = timestamptz(6).hive


@pytest.mark.parametrize("text", ["timestamp(9)", "uuid", "decimal(10,2) junk", "char(3)"])
def test_other_types_are_refused(text: str) -> None:
    with pytest.raises(AthenaError, match="does not run type"):
        parse_type(text)


@pytest.mark.parametrize(
    ("left", "right", "meeting"),
    [
        (decimal(12, 2), Type("integer"), decimal(12, 2)),
        (decimal(3, 2), BIGINT, decimal(21, 2)),
        (decimal(3, 2), Type("double"), Type("double")),
        (timestamp(3), timestamp(6), timestamp(6)),
        (Type("date"), timestamptz(3), timestamptz(3)),
        (VARCHAR, BIGINT, None),
        (Type("boolean"), BIGINT, None),
    ],
)
def test_where_types_meet(left: Type, right: Type, meeting: Type | None) -> None:
    assert common(left, right) == common(right, left) == meeting


def test_floating_point_is_printed_as_java_does() -> None:
    values = [
        0.0,
        -0.0,
        1.0,
        0.001,
        0.00012,
        9999999.0,
        1e7,
        1.5e300,
        0.1,
        123456.789,
        float("inf"),
    ]
    assert [double_text(value) for value in values] == [
        "0.0",
        "-0.0",
        "1.0",
        "0.001",
        "1.2E-4",
        "9999999.0",
        "1.0E7",
        "1.5E300",
        "0.1",
        "123456.789",
        "Infinity",
    ]
    assert real_text(0.10000000149011612) == "0.1"


@pytest.mark.parametrize(
    ("sql", "kind", "type_"),
    [
        ("SELECT 1", "SELECT", "DML"),
        ("-- title\n(SELECT 1)", "SELECT", "DML"),
        ("/* x */ WITH a AS (SELECT 1) SELECT * FROM a;", "SELECT", "DML"),
        ("create or replace view a.b as select 1", "CREATE_VIEW", "DDL"),
        ("CREATE TABLE a.b AS SELECT 1 x", "CREATE_TABLE_AS_SELECT", "DDL"),
        ("DROP TABLE IF EXISTS `a`.`b`", "DROP_TABLE", "DDL"),
        ("drop database x", "DROP_DATABASE", "DDL"),
        ("SHOW TABLES", "SHOW_TABLES", "UTILITY"),
        ("show schemas", "SHOW_DATABASES", "UTILITY"),
        ("DESCRIBE a.b", "DESCRIBE_TABLE", "UTILITY"),
        (
            "UNLOAD (SELECT ')' FROM (SELECT 1)) TO 's3://b/p' WITH (format = 'PARQUET')",
            "UNLOAD",
            "DML",
        ),
    ],
)
def test_statements_are_told_apart(sql: str, kind: str, type_: str) -> None:
    statement = classify(sql)
    assert (statement.kind, statement.type) == (kind, type_)


def test_the_query_inside_keeps_its_place() -> None:
    sql = "CREATE VIEW v AS\n  SELECT 1"
    assert classify(sql).query.index("SELECT") == sql.index("SELECT")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE a (x int)",
        "CREATE EXTERNAL TABLE a (x int) LOCATION 's3://b/'",
        "DROP FUNCTION f",
        "SHOW PARTITIONS t",
        "EXPLAIN SELECT 1",
        "UPDATE a SET x = 1",
        "DELETE FROM a",
        "PREPARE p FROM SELECT 1",
        "CREATE VIEW v (a) AS SELECT 1",
        "ALTER TABLE a ADD COLUMNS (x int)",
    ],
)
def test_other_statements_are_refused_by_name(sql: str) -> None:
    with pytest.raises(AthenaError, match="NOT_SUPPORTED: the local Athena does not run"):
        classify(sql)


def test_the_columns_of_a_nested_schema() -> None:
    nodes: list[tuple[str, str | None, int]] = [
        ("schema", None, 4),
        ("a", "BIGINT", 0),
        ("s", None, 2),
        ("x", "INTEGER", 0),
        ("y", None, 1),
        ("list", None, 1),
        ("element", "INTEGER", 0),
        ("l", None, 1),
        ("list", None, 1),
        ("element", "VARCHAR", 0),
        ("b", "DECIMAL(12,2)", 0),
    ]
    assert top_level(nodes) == (
        ("a", "BIGINT"),
        ("s", "NESTED"),
        ("l", "NESTED"),
        ("b", "DECIMAL(12,2)"),
    )


def test_a_file_of_another_type_is_bad_data() -> None:
    assert parquet_column("n", "INTEGER", BIGINT, "s3://b/k") == 'CAST("n" AS BIGINT)'
    with pytest.raises(
        AthenaError, match="HIVE_BAD_DATA: Field n's type VARCHAR in parquet file s3://b/k"
    ):
        parquet_column("n", "VARCHAR", BIGINT, "s3://b/k")


def test_a_view_survives_its_way_through_glue() -> None:
    view = View("SELECT 1 AS a", "awsdatacatalog", "gold", (("a", parse_type("decimal(12,2)")),))
    stored: dict[str, Any] = view_input("v", view)
    assert read_view(stored) == view
    encoded = stored["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    assert json.loads(base64.b64decode(encoded))["originalSql"] == "SELECT 1 AS a"
    with pytest.raises(AthenaError, match="Hive view"):
        read_view({"Name": "v", "ViewOriginalText": "SELECT 1", "Parameters": {}})


def test_iceberg_metadata() -> None:
    fields = [
        {"name": "Id", "type": "long"},
        {"name": "at", "type": "timestamptz"},
        {"name": "tags", "type": {"type": "list", "element": "string"}},
    ]
    metadata: dict[str, Any] = {
        "schemas": [{"schema-id": 0, "fields": []}, {"schema-id": 1, "fields": fields}],
        "current-schema-id": 1,
        "current-snapshot-id": None,
        "snapshots": [],
    }
    empty = read_metadata(metadata)
    assert empty.empty
    assert [str(type_) for _, type_ in empty.columns] == [
        "bigint",
        "timestamp(6) with time zone",
        "array(varchar)",
    ]
    snapshot = {"snapshot-id": 7, "summary": {"total-files-size": "123"}}
    full = read_metadata({**metadata, "current-snapshot-id": 7, "snapshots": [snapshot]})
    assert (full.empty, full.bytes) == (False, 123)
