"""awswrangler, which knows nothing of this project: all three of its ways to read."""

import datetime as dt
from decimal import Decimal

import awswrangler as wr
import pandas as pd
import pyarrow as pa
import pytest

from .conftest import BUCKET, Athena, Local
from .lake import put_parquet, put_table

pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword")  # awswrangler's own, on pandas 3
WAYS = [
    {"ctas_approach": False},
    {},
    {"ctas_approach": False, "unload_approach": True, "s3_output": f"s3://{BUCKET}/unload/"},
]


@pytest.fixture(scope="module", autouse=True)
def endpoints(local: Local, athena: Athena) -> None:
    """awswrangler's own way to another endpoint, and a table with every type and NULLs."""
    for service in ("s3", "athena", "glue", "sts"):
        setattr(wr.config, f"{service}_endpoint_url", local.endpoint)
    put_table(
        local,
        "typed",
        "id bigint, price decimal(12,2), at timestamp, day date, good boolean, "
        "name string, ratio double, small int",
    )
    put_parquet(
        local,
        "typed/0.parquet",
        pa.table(
            {
                "id": pa.array([1, 2], pa.int64()),
                "price": pa.array([Decimal("12.30"), None], pa.decimal128(12, 2)),
                "at": pa.array(
                    [dt.datetime(2026, 11, 24, 3, 0, 0, 123000, dt.UTC), None],
                    pa.timestamp("us", "UTC"),
                ),
                "day": pa.array([dt.date(2026, 11, 24), None]),
                "good": [True, None],
                "name": ['Zoë "Z", x', None],
                "ratio": [0.5, None],
                "small": pa.array([7, None], pa.int32()),
            }
        ),
    )
    done = athena.run("CREATE OR REPLACE VIEW v_typed AS SELECT * FROM typed")
    assert done.state == "SUCCEEDED", done.reason


def read(local: Local, sql: str, **way: object) -> pd.DataFrame:
    """Reads by one of the ways."""
    return wr.athena.read_sql_query(
        sql,
        database="lake",
        workgroup="lakehouse",
        boto3_session=local.session,
        athena_query_wait_polling_delay=0.02,
        **way,
    )


@pytest.mark.parametrize("way", WAYS, ids=["csv", "ctas", "unload"])
@pytest.mark.parametrize("source", ["typed", "v_typed"])
def test_values_and_types(local: Local, way: dict[str, object], source: str) -> None:
    if "s3_output" in way:
        way = {**way, "s3_output": f"s3://{BUCKET}/unload/{source}/"}
    frame = read(local, f"SELECT * FROM {source} ORDER BY id", **way)
    first, second = frame.sort_values("id").to_dict("records")
    assert first["price"] == Decimal("12.30")
    assert first["at"] == pd.Timestamp("2026-11-24 03:00:00.123")
    assert first["day"] == dt.date(2026, 11, 24)
    assert (first["id"], first["good"], first["small"], first["ratio"]) == (1, True, 7, 0.5)
    assert first["name"] == 'Zoë "Z", x'
    assert str(frame["id"].dtype) == "Int64"
    assert all(pd.isna(value) for key, value in second.items() if key != "id")


def test_empty_results(local: Local) -> None:
    for way in WAYS[:2]:
        frame = read(local, "SELECT id, name FROM typed WHERE id > 9", **way)
        assert (list(frame.columns), len(frame)) == (["id", "name"], 0)
        assert str(frame["id"].dtype) == "Int64"


def test_ctas_leaves_nothing(local: Local, athena: Athena) -> None:
    read(local, "SELECT * FROM v_typed")
    assert not [
        row for row in athena.run("SHOW TABLES IN lake").rows if "temp_table" in str(row[0])
    ]


def test_errors_and_other_calls(local: Local) -> None:
    for way in WAYS[:2]:
        with pytest.raises(wr.exceptions.QueryFailed, match="TABLE_NOT_FOUND"):
            read(local, "SELECT * FROM nothing", **way)
    assert wr.catalog.does_table_exist("lake", "typed", boto3_session=local.session)
    done = wr.athena.start_query_execution(
        "SELECT 1 AS a",
        database="lake",
        workgroup="lakehouse",
        boto3_session=local.session,
        wait=True,
    )
    assert done["Status"]["State"] == "SUCCEEDED"


def test_parameters(local: Local) -> None:
    frame = read(
        local,
        "SELECT name FROM typed WHERE id = ?",
        ctas_approach=False,
        params=["1"],
        paramstyle="qmark",
    )
    assert len(frame) == 1
