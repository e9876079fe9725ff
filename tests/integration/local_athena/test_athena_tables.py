"""Tables: Parquet with partitions and growing schemas, Iceberg with deletes, what is missing."""

import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from .conftest import BUCKET, Athena, Local
from .lake import iceberg, put_parquet, put_partition, put_table

MOMENT = datetime(2026, 11, 24, 3, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def bronze(local: Local, athena: Athena) -> dict[str, int]:
    """A partitioned table whose second day has one column more; sizes of its visible files."""
    put_table(
        local,
        "fact_sales",
        "sale_id bigint, total_amount decimal(12,2), status string, "
        "created_at timestamp, note string",
        "ingest_date date",
    )
    first = pa.table(
        {
            "sale_id": pa.array([1, 2], pa.int64()),
            "total_amount": pa.array([Decimal("500.00"), None], pa.decimal128(12, 2)),
            "status": ["PENDING", "SHIPPED"],
            "created_at": pa.array([MOMENT, MOMENT], pa.timestamp("us", "UTC")),
        }
    )
    second = first.slice(0, 1).append_column("note", pa.array(["gift"]))
    sizes = {
        "one": put_parquet(local, "fact_sales/ingest_date=2026-11-23/000-0.parquet", first),
        "two": put_parquet(local, "fact_sales/ingest_date=2026-11-24/001-0.parquet", second),
    }
    put_parquet(local, "fact_sales/ingest_date=2026-11-24/_temporary/x.parquet", first)
    put_parquet(local, "fact_sales/ingest_date=2026-11-24/.hidden.parquet", first)
    put_parquet(local, "fact_sales/ingest_date=2026-11-25/unregistered.parquet", first)
    for day in ("2026-11-23", "2026-11-24"):
        put_partition(local, "fact_sales", day, f"ingest_date={day}")
    return sizes


def test_partitions_and_missing_columns(athena: Athena, bronze: dict[str, int]) -> None:
    done = athena.run("SELECT * FROM fact_sales ORDER BY ingest_date, sale_id")
    assert done.rows == [
        ["1", "500.00", "PENDING", "2026-11-24 03:00:00.123", None, "2026-11-23"],
        ["2", None, "SHIPPED", "2026-11-24 03:00:00.123", None, "2026-11-23"],
        ["1", "500.00", "PENDING", "2026-11-24 03:00:00.123", "gift", "2026-11-24"],
    ]
    assert done.types == {
        "sale_id": "bigint",
        "total_amount": "decimal",
        "status": "varchar",
        "created_at": "timestamp",
        "note": "varchar",
        "ingest_date": "date",
    }
    assert done.execution["Statistics"]["DataScannedInBytes"] == sum(bronze.values())


def test_partition_filter(athena: Athena, bronze: dict[str, int]) -> None:
    sql = "SELECT count(*), sum(total_amount) FROM fact_sales WHERE ingest_date = DATE '2026-11-24'"
    assert athena.run(sql).rows == [["1", "500.00"]]
    wrong = athena.run("SELECT 1 FROM fact_sales WHERE ingest_date = '2026-11-24'")
    assert wrong.reason.startswith(
        "TYPE_MISMATCH: line 1:32: Cannot apply operator: date = varchar"
    )


def test_new_files_are_seen_at_once(athena: Athena, local: Local) -> None:
    prefix = put_table(local, "growing", "n bigint")
    assert athena.run("SELECT count(*), sum(n) FROM growing").rows == [["0", None]]
    put_parquet(local, f"{prefix}a.parquet", pa.table({"n": [1]}))
    assert athena.run("SELECT sum(n) FROM growing").rows == [["1"]]
    put_parquet(local, f"{prefix}a.parquet", pa.table({"n": [5, 6]}))
    assert athena.run("SELECT sum(n) FROM growing").rows == [["11"]]
    put_parquet(local, f"{prefix}b.parquet", pa.table({"n": pa.array([1], pa.int32())}))
    assert athena.run("SELECT sum(n) FROM growing").rows == [["12"]]
    put_parquet(local, f"{prefix}c.parquet", pa.table({"n": ["text"]}))
    assert athena.run("SELECT sum(n) FROM growing").reason.startswith("HIVE_BAD_DATA: Field n's")


@pytest.fixture(scope="module")
def silver(local: Local, athena: Athena) -> None:
    """An Iceberg table after create, append, overwrite and delete, and an empty one."""
    catalog = iceberg(local)
    rows = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int64()),
            "price": pa.array([Decimal("1.10"), Decimal("2.20"), None], pa.decimal128(12, 2)),
            "at": pa.array([MOMENT] * 3, pa.timestamp("us", "UTC")),
            "local_at": pa.array([MOMENT.replace(tzinfo=None)] * 3, pa.timestamp("us")),
            "day": pa.array([date(2026, 11, 24)] * 3),
            "good": [True, False, None],
            "ratio": [0.1, 1e10, float("nan")],
            "number": pa.array([1, 2, None], pa.int32()),
        }
    )
    table = catalog.create_table("lake.dim", rows.schema)
    table.append(rows)
    table.overwrite(
        rows.slice(1, 1).set_column(1, "price", pa.array([Decimal("9.99")], pa.decimal128(12, 2))),
        "id = 2",
    )
    table.delete("id = 3")
    catalog.create_table("lake.empty_dim", rows.schema)


def test_iceberg(athena: Athena, silver: None) -> None:
    done = athena.run("SELECT * FROM dim ORDER BY id")
    at, local_at = "2026-11-24 03:00:00.123456 UTC", "2026-11-24 03:00:00.123456"
    assert done.rows == [
        ["1", "1.10", at, local_at, "2026-11-24", "true", "0.1", "1"],
        ["2", "9.99", at, local_at, "2026-11-24", "false", "1.0E10", "2"],
    ]
    assert done.types["at"] == "timestamp with time zone"
    assert done.execution["Statistics"]["DataScannedInBytes"] > 0
    assert athena.run("SELECT count(*), max(id) FROM empty_dim").rows == [["0", None]]
    assert athena.run("SELECT * FROM empty_dim").rows == []


def test_iceberg_sees_the_next_commit(athena: Athena, local: Local, silver: None) -> None:
    table = iceberg(local).create_table("lake.commits", pa.schema([("n", pa.int64())]))
    for n in range(1, 4):
        table.append(pa.table({"n": [n]}))
        assert athena.run("SELECT sum(n) FROM commits").rows == [[str(n * (n + 1) // 2)]]
    with table.update_schema() as update:
        from pyiceberg.types import StringType

        update.add_column("word", StringType())
    table.append(pa.table({"n": [10], "word": ["ten"]}))
    assert athena.run("SELECT n, word FROM commits WHERE n IN (1, 10) ORDER BY n").rows == [
        ["1", None],
        ["10", "ten"],
    ]


def test_joins_across_formats(athena: Athena, bronze: dict[str, int], silver: None) -> None:
    done = athena.run(
        "WITH s AS (SELECT sale_id AS id, total_amount FROM lake.fact_sales) "
        "SELECT d.id, count(s.id) AS n, sum(s.total_amount) / 3 AS third "
        "FROM dim d LEFT JOIN s ON s.id = d.id GROUP BY d.id ORDER BY n DESC, 1"
    )
    assert done.rows == [["1", "2", "333.33"], ["2", "1", None]]
    assert done.types["third"] == "decimal"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "SELECT * FROM nothing",
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.lake.nothing' does not exist",
        ),
        (
            "SELECT 1\n  FROM nowhere.t",
            "SCHEMA_NOT_FOUND: line 2:8: Schema 'nowhere' does not exist",
        ),
        ("SELECT idd FROM dim", "COLUMN_NOT_FOUND: line 1:8: Column 'idd' cannot be resolved"),
        ("SELECT id / 0 FROM dim", "DIVISION_BY_ZERO: Division by zero"),
        (
            'SELECT * FROM "dim$snapshots"',
            "NOT_SUPPORTED: the local Athena does not run the metadata table",
        ),
    ],
)
def test_failures(athena: Athena, silver: None, sql: str, reason: str) -> None:
    done = athena.run(sql)
    assert (done.state, done.reason[: len(reason)]) == ("FAILED", reason)
    error = done.execution["Status"]["AthenaError"]
    assert error["ErrorMessage"] == done.reason


def test_a_view_query_is_quick(athena: Athena, silver: None) -> None:
    athena.run(
        "CREATE OR REPLACE VIEW v_quick AS SELECT good, sum(price) AS total FROM dim GROUP BY good"
    )
    taken = []
    for _ in range(5):
        started = time.monotonic()
        assert athena.run("SELECT * FROM v_quick").state == "SUCCEEDED"
        taken.append(time.monotonic() - started)
    assert sorted(taken)[2] < 0.5  # measured 0.04 s; the bound leaves room for a busy machine


def test_bucket_is_where_results_are(athena: Athena, local: Local, silver: None) -> None:
    done = athena.run(
        "SELECT id, price, good, 'say \"hi\"' AS quote, CAST(NULL AS varchar) AS gone "
        "FROM dim ORDER BY id LIMIT 1"
    )
    location = done.execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{BUCKET}/results/{done.execution['QueryExecutionId']}.csv"
    key = location.removeprefix(f"s3://{BUCKET}/")
    body = local.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert body == '"id","price","good","quote","gone"\n"1","1.10","true","say ""hi""",\n'
    local.client("s3").head_object(Bucket=BUCKET, Key=f"{key}.metadata")


def test_insert_appends_rows_of_exactly_the_columns_types(athena: Athena, local: Local) -> None:
    iceberg(local).create_table(
        "lake.receipts",
        pa.schema(
            [
                ("run_id", pa.string()),
                ("at", pa.timestamp("us", "UTC")),
                ("n", pa.int64()),
                ("good", pa.bool_()),
                ("ratio", pa.float64()),
                ("dollars", pa.decimal128(12, 6)),
                ("note", pa.string()),
            ]
        ),
    )
    values = (
        "CAST('it''s' AS varchar), "
        "CAST(TIMESTAMP '2026-11-24 03:00:00.123456 UTC' AS timestamp(6) with time zone), "
        "CAST(7 AS bigint), CAST(true AS boolean), CAST(1.5e0 AS double), "
        "CAST(0.103883 AS decimal(12,6)), CAST(NULL AS varchar)"
    )
    for rows in (1, 2):
        done = athena.run(f"INSERT INTO lake.receipts SELECT {values}")
        assert done.state == "SUCCEEDED", done.reason
        assert athena.run("SELECT count(*) FROM receipts").rows == [[str(rows)]]
    assert athena.run("SELECT * FROM receipts LIMIT 1").rows == [
        ["it's", "2026-11-24 03:00:00.123456 UTC", "7", "true", "1.5", "0.103883", None]
    ]
    for wrong in (values.replace("bigint", "integer"), "CAST('x' AS varchar)"):
        done = athena.run(f"INSERT INTO receipts SELECT {wrong}")
        assert done.reason.startswith("TYPE_MISMATCH: Insert query has mismatched column types")
    done = athena.run("INSERT INTO receipts (run_id) SELECT 'x'")
    assert done.reason.startswith("NOT_SUPPORTED: the local Athena does not run a column list")
    assert athena.run("SELECT count(*) FROM receipts").rows == [["2"]]
