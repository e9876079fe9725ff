"""Views, CTAS, UNLOAD, SHOW, DROP, workgroups, parameters, refusals and cancellation."""

import base64
import json
import time

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from .conftest import BUCKET, Athena, Local
from .lake import put_parquet, put_table


@pytest.fixture(scope="module", autouse=True)
def base(local: Local, athena: Athena) -> None:
    """A little table in `lake`, and a second database for views."""
    put_table(local, "orders", "id bigint, city string, amount decimal(12,2), placed_at timestamp")
    rows = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int64()),
            "city": ["Lyon", "Lyon", None],
            "amount": pa.array([10, 20, 30], pa.int64())
            .cast(pa.decimal128(21, 2))
            .cast(pa.decimal128(12, 2)),
            "placed_at": pa.array([0, 1_500, None], pa.timestamp("ms")),
        }
    )
    put_parquet(local, "orders/0.parquet", rows)
    assert athena.run("CREATE SCHEMA IF NOT EXISTS gold").state == "SUCCEEDED"
    assert athena.run("CREATE SCHEMA IF NOT EXISTS gold").state == "SUCCEEDED"


def test_a_view_is_stored_as_athena_stores_it(local: Local, athena: Athena) -> None:
    done = athena.run(
        "CREATE OR REPLACE VIEW gold.v_city AS\nSELECT city, sum(amount) AS total, "
        "count(*) AS n, max(placed_at) AS last FROM lake.orders GROUP BY city"
    )
    assert (done.state, done.execution["StatementType"]) == ("SUCCEEDED", "DDL"), done.reason
    table = local.client("glue").get_table(DatabaseName="gold", Name="v_city")["Table"]
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"]["presto_view"] == "true"
    assert table["StorageDescriptor"]["Columns"] == [
        {"Name": "city", "Type": "string"},
        {"Name": "total", "Type": "decimal(38,2)"},
        {"Name": "n", "Type": "bigint"},
        {"Name": "last", "Type": "timestamp"},
    ]
    text = table["ViewOriginalText"]
    stored = json.loads(base64.b64decode(text.removeprefix("/* Presto View: ").removesuffix(" */")))
    assert stored["schema"] == "gold"
    assert stored["originalSql"].startswith("SELECT city")
    assert stored["columns"][1] == {"name": "total", "type": "decimal(38,2)"}
    rows = athena.run('SELECT * FROM "gold"."v_city" ORDER BY city').rows
    assert rows == [["Lyon", "30.00", "2", "1970-01-01 00:00:01.500"], [None, "30.00", "1", None]]


def test_views_of_views_use_their_own_schema(athena: Athena) -> None:
    athena.run("CREATE OR REPLACE VIEW v_names AS SELECT id, city AS place FROM orders", "lake")
    athena.run(
        "CREATE OR REPLACE VIEW v_top AS SELECT place, count(*) AS n FROM lake.v_names GROUP BY 1",
        "gold",
    )
    athena.run("CREATE OR REPLACE VIEW lake.v_top AS SELECT 'another' AS place", "gold")
    done = athena.run("SELECT t.* FROM v_top AS t WHERE n > 1", "gold")
    assert done.rows == [["Lyon", "2"]]
    assert athena.run("CREATE VIEW v_top AS SELECT 1 AS x", "gold").reason.startswith(
        "ALREADY_EXISTS"
    )


def test_a_view_whose_table_changed_is_stale(local: Local, athena: Athena) -> None:
    put_table(local, "base", "a bigint, b string")
    athena.run("CREATE VIEW v_all AS SELECT * FROM base")
    assert athena.run("SELECT * FROM v_all").state == "SUCCEEDED"
    glue = local.client("glue")
    descriptor = glue.get_table(DatabaseName="lake", Name="base")["Table"]["StorageDescriptor"]
    descriptor["Columns"].append({"Name": "c", "Type": "string"})
    glue.update_table(
        DatabaseName="lake", TableInput={"Name": "base", "StorageDescriptor": descriptor}
    )
    assert "is stale or in invalid state" in athena.run("SELECT * FROM v_all").reason
    athena.run("CREATE OR REPLACE VIEW v_all AS SELECT * FROM base")
    assert athena.run("SELECT * FROM v_all").state == "SUCCEEDED"


def test_a_view_over_a_dropped_column_says_so(local: Local, athena: Athena) -> None:
    put_table(local, "shrinking", "a bigint, b string")
    athena.run("CREATE VIEW v_b AS SELECT b FROM shrinking")
    glue = local.client("glue")
    descriptor = glue.get_table(DatabaseName="lake", Name="shrinking")["Table"]["StorageDescriptor"]
    descriptor["Columns"].pop()
    glue.update_table(
        DatabaseName="lake", TableInput={"Name": "shrinking", "StorageDescriptor": descriptor}
    )
    reason = athena.run("SELECT * FROM v_b").reason
    assert reason == (
        "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.lake.v_b': "
        "COLUMN_NOT_FOUND: line 1:8: Column 'b' cannot be resolved"
    )


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "CREATE VIEW v AS SELECT current_timestamp AS t",
            "NOT_SUPPORTED: Invalid column type for column t: Unsupported Hive type: timestamp",
        ),
        ("CREATE VIEW v AS SELECT 1", "MISSING_COLUMN_NAME"),
        ("CREATE VIEW v AS SELECT 1 AS a, 2 AS A", "DUPLICATE_COLUMN_NAME"),
        (
            "CREATE TABLE t AS SELECT TIMESTAMP '2026-01-01 00:00:00.123456' AS at",
            "NOT_SUPPORTED: Incorrect timestamp precision for timestamp(6)",
        ),
        ("CREATE TABLE t AS SELECT NULL AS a", "COLUMN_TYPE_UNKNOWN"),
        (
            "CREATE TABLE t WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a",
            "NOT_SUPPORTED: the local Athena",
        ),
        (
            "CREATE TABLE t WITH (external_location = 's3://x/y/') AS SELECT 1 AS a",
            "INVALID_REQUEST: The Create Table",
        ),
        ("DROP TABLE nothing", "TABLE_NOT_FOUND"),
        (
            "DROP VIEW orders",
            "SYNTAX_ERROR: View 'awsdatacatalog.lake.orders' does not exist, but a table",
        ),
        ("DROP SCHEMA lake", "SCHEMA_NOT_EMPTY"),
        (
            "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE",
            "NOT_SUPPORTED: the local Athena does not run MERGE",
        ),
        (
            "OPTIMIZE orders REWRITE DATA USING BIN_PACK",
            "NOT_SUPPORTED: the local Athena does not run OPTIMIZE",
        ),
        ("VACUUM orders", "NOT_SUPPORTED: the local Athena does not run VACUUM"),
        ("DELETE FROM orders", "NOT_SUPPORTED: the local Athena does not run DELETE"),
        ("MSCK REPAIR TABLE orders", "NOT_SUPPORTED: the local Athena does not run MSCK"),
        (
            "SELECT * FROM orders FOR TIMESTAMP AS OF TIMESTAMP '2026-01-01 00:00:00 UTC'",
            "NOT_SUPPORTED: line 1:15: the local Athena does not run time travel in FROM",
        ),
    ],
)
def test_refusals(athena: Athena, sql: str, reason: str) -> None:
    done = athena.run(sql)
    assert (done.state, done.reason[: len(reason)]) == ("FAILED", reason)


def test_ctas_and_drop(athena: Athena, local: Local) -> None:
    done = athena.run(
        "CREATE TABLE copied WITH (format = 'PARQUET', write_compression = 'SNAPPY') "
        "AS SELECT * FROM orders"
    )
    assert done.state == "SUCCEEDED", done.reason
    assert done.execution["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    assert done.results["UpdateCount"] == 3
    assert athena.run("SELECT * FROM copied EXCEPT SELECT * FROM orders").rows == []
    location = local.client("glue").get_table(DatabaseName="lake", Name="copied")["Table"][
        "StorageDescriptor"
    ]["Location"]
    assert location == f"s3://{BUCKET}/results/tables/{done.execution['QueryExecutionId']}/"
    assert athena.run("CREATE TABLE copied AS SELECT 1 AS a").reason.startswith(
        "TABLE_ALREADY_EXISTS"
    )
    assert athena.run("DROP TABLE IF EXISTS `lake`.`copied`").state == "SUCCEEDED"
    assert athena.run("SELECT * FROM copied").reason.startswith("TABLE_NOT_FOUND")


def test_unload(athena: Athena, local: Local) -> None:
    target = f"s3://{BUCKET}/unloaded/"
    sql = f"UNLOAD (SELECT id FROM orders WHERE id > 1) TO '{target}' WITH (format = 'PARQUET')"
    done = athena.run(sql)
    assert done.state == "SUCCEEDED", done.reason
    manifest = done.execution["Statistics"]["DataManifestLocation"].removeprefix(f"s3://{BUCKET}/")
    listed = local.client("s3").get_object(Bucket=BUCKET, Key=manifest)["Body"].read().decode()
    assert listed.startswith(f"s3://{BUCKET}/unloaded/")
    assert athena.run(sql).reason.startswith("HIVE_PATH_ALREADY_EXISTS")


def test_show_and_describe(athena: Athena) -> None:
    athena.run("CREATE OR REPLACE VIEW gold.v_one AS SELECT 1 AS one")
    tables = athena.run("SHOW TABLES IN gold 'v_o*'")
    assert (tables.rows, tables.types) == ([["v_one"]], {"tab_name": "string"})
    assert ["gold"] in athena.run("SHOW DATABASES").rows
    described = athena.run("DESCRIBE orders")
    assert [[(value or "").strip() for value in row[:2]] for row in described.rows][2] == [
        "amount",
        "decimal(12,2)",
    ]
    assert described.execution["ResultConfiguration"]["OutputLocation"].endswith(".txt")


def test_pages(athena: Athena) -> None:
    done = athena.run("SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n) ORDER BY n")
    pages = athena.client.get_paginator("get_query_results").paginate(
        QueryExecutionId=done.execution["QueryExecutionId"]
    )
    values = [row["Data"][0]["VarCharValue"] for page in pages for row in page["ResultSet"]["Rows"]]
    assert values == ["n", *map(str, range(1, 2501))]


def test_parameters(athena: Athena) -> None:
    done = athena.run(
        "SELECT id FROM orders WHERE city = ? AND id > ?", ExecutionParameters=["'Lyon'", "1"]
    )
    assert done.rows == [["2"]]
    wrong = athena.run("SELECT id FROM orders WHERE id > ?", ExecutionParameters=["1", "2"])
    assert wrong.reason.startswith("INVALID_PARAMETER_USAGE")


def test_syntax_errors_are_refused_at_once(athena: Athena) -> None:
    for sql in ("SELEC 1", "SELECT 1 FROM", "SELECT x::int FROM t", "SELECT 1; SELECT 2"):
        with pytest.raises(ClientError) as caught:
            athena.run(sql)
        assert caught.value.response["Error"]["Code"] == "InvalidRequestException", sql


def test_workgroups_rule_where_results_go(athena: Athena, local: Local) -> None:
    elsewhere = {"OutputLocation": f"s3://{BUCKET}/elsewhere"}
    enforced = athena.run("SELECT 1 AS a", ResultConfiguration=elsewhere)
    assert enforced.execution["ResultConfiguration"]["OutputLocation"].startswith(
        f"s3://{BUCKET}/results/"
    )
    athena.client.create_work_group(
        Name="free", Configuration={"EnforceWorkGroupConfiguration": False}
    )
    free = athena.run("SELECT 1 AS a", WorkGroup="free", ResultConfiguration=elsewhere)
    assert free.execution["ResultConfiguration"]["OutputLocation"].startswith(
        f"s3://{BUCKET}/elsewhere/"
    )
    with pytest.raises(ClientError, match="No output location"):
        athena.run("SELECT 1 AS a", WorkGroup="free")
    with pytest.raises(ClientError, match="is not found"):
        athena.run("SELECT 1 AS a", WorkGroup="missing")
    lost = athena.run(
        "SELECT 1 AS a",
        WorkGroup="free",
        ResultConfiguration={"OutputLocation": "s3://no-such-bucket-here/"},
    )
    assert lost.reason.startswith("GENERIC_USER_ERROR: Unable to verify/create output bucket")


def test_cancellation(athena: Athena) -> None:
    many = "UNNEST(sequence(1, 100000))"
    query_id = athena.client.start_query_execution(
        QueryString=f"SELECT count(*) FROM {many} AS a(x), {many} AS b(y) WHERE (x * y) % 7 = 3",
        QueryExecutionContext={"Database": "lake"},
        WorkGroup="lakehouse",
    )["QueryExecutionId"]
    for _ in range(200):
        state = athena.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"][
            "Status"
        ]["State"]
        if state == "RUNNING":
            break
        time.sleep(0.01)
    time.sleep(0.2)
    assert athena.run("SELECT 1 AS a").state == "SUCCEEDED"  # others are served meanwhile
    athena.client.stop_query_execution(QueryExecutionId=query_id)
    done = athena.finish(query_id)
    assert done.state == "CANCELLED"
    with pytest.raises(ClientError, match="CANCELLED"):
        athena.client.get_query_results(QueryExecutionId=query_id)


def test_a_token_names_one_execution(athena: Athena) -> None:
    arguments = {
        "QueryString": "SELECT 1 AS a",
        "WorkGroup": "lakehouse",
        "ClientRequestToken": "t" * 32,
    }
    first = athena.client.start_query_execution(**arguments)["QueryExecutionId"]
    assert athena.client.start_query_execution(**arguments)["QueryExecutionId"] == first
