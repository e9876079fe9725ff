"""A local AWS with a small gold layer in Iceberg, the views over it, and the real dashboard."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pyarrow
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.catalog import load_catalog

from lakehouse.contract import load_contracts
from lakehouse.gold import GOLD, QUARANTINE, QUARANTINE_COLUMNS, silver_tables
from lakehouse.views import create_statement, load_views
from local.screenshot import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent))
import small_lake
from servers import GOLD_DATABASE, WORKGROUP, base_environment, free_port, healthy, process

SILVER_DATABASE, BUCKET = "shop_test_silver", "shop-test-lake"
REGION = "us-east-1"
ACCOUNT = (
    "import ministack.app; from local.seams import athena; athena.install(); ministack.app.main()"
)
TYPES = {
    "string": pyarrow.string(),
    "bigint": pyarrow.int64(),
    "int": pyarrow.int32(),
    "date": pyarrow.date32(),
    "timestamp": pyarrow.timestamp("us", tz="UTC"),
    "boolean": pyarrow.bool_(),
    "double": pyarrow.float64(),
    "decimal(12,6)": pyarrow.decimal128(12, 6),
    "decimal(18,2)": pyarrow.decimal128(18, 2),
    "decimal(5,2)": pyarrow.decimal128(5, 2),
    "decimal(10,2)": pyarrow.decimal128(10, 2),
    "decimal(12,2)": pyarrow.decimal128(12, 2),
}


@dataclass(frozen=True)
class Account:
    """A running local AWS."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What the dashboard's process needs to reach it: the usual AWS variables."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """A boto3 client that knows nothing of this project."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def execute(self, sql: str) -> str:
        """Runs `sql` to its end; returns the execution's id."""
        athena = self.client("athena")
        started = athena.start_query_execution(
            QueryString=sql,
            WorkGroup=WORKGROUP,
            QueryExecutionContext={"Database": GOLD_DATABASE},
        )["QueryExecutionId"]
        while True:
            execution = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(0.05)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        return str(started)

    def query(self, sql: str) -> list[dict[str, str | None]]:
        """Rows of `sql` as Athena's own texts, by column."""
        pages = self.client("athena").get_paginator("get_query_results")
        found = pages.paginate(QueryExecutionId=self.execute(sql))
        rows = [row for page in found for row in page["ResultSet"]["Rows"]]
        texts = [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]
        return [dict(zip(texts[0], row, strict=True)) for row in texts[1:]]


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A local AWS with the real Athena engine, an empty lake and a workgroup."""
    port, log = free_port(), tmp_path_factory.mktemp("account") / "log"
    account = Account(f"http://127.0.0.1:{port}")
    environment = {
        **base_environment(),
        **account.environment,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
    }

    def ready() -> bool:
        try:
            account.client("s3").list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    with process([sys.executable, "-c", ACCOUNT], environment, log, ready):
        account.client("s3").create_bucket(Bucket=BUCKET)
        glue = account.client("glue")
        for database in (GOLD_DATABASE, SILVER_DATABASE):
            glue.create_database(DatabaseInput={"Name": database})
        account.client("athena").create_work_group(
            Name=WORKGROUP,
            Configuration={
                "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/athena/"},
                "EnforceWorkGroupConfiguration": True,
            },
        )
        yield account


@pytest.fixture(scope="session")
def lake(account: Account) -> Account:
    """The account once its silver and gold layers and all views are there."""
    catalog = load_catalog(
        "glue",
        **{
            "type": "glue",
            "glue.endpoint": account.endpoint,
            "glue.region": REGION,
            "glue.access-key-id": "test",
            "glue.secret-access-key": "test",
            "s3.endpoint": account.endpoint,
            "s3.region": REGION,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
        },
    )
    tables = {(GOLD_DATABASE, name): columns for name, columns in GOLD.items()}
    tables[SILVER_DATABASE, QUARANTINE] = QUARANTINE_COLUMNS
    for contract in load_contracts().values():
        for name, columns in silver_tables(contract).items():
            tables[SILVER_DATABASE, name] = columns
    content = small_lake.rows()
    for (database, name), columns in tables.items():
        schema = pyarrow.schema([(column, TYPES[kind]) for column, kind in columns.items()])
        table = catalog.create_table(
            (database, name), schema, location=f"s3://{BUCKET}/{database}/{name}"
        )
        table.append(pyarrow.Table.from_pylist(content.get(name, []), schema))
    for view in load_views():
        account.execute(create_statement(view, SILVER_DATABASE, GOLD_DATABASE))
    return account


Serve = Callable[..., str]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts the real dashboard with the given variables; returns its address."""
    with ExitStack() as running:

        def start(**variables: str) -> str:
            port, log = free_port(), tmp_path_factory.mktemp("dashboard") / "log"
            address = f"http://127.0.0.1:{port}"
            command = [sys.executable, "-m", "dashboard.server"]
            places = {"WORKGROUP": WORKGROUP, "PORT": str(port)}
            environment = {**base_environment(), **places, **variables}
            ready = lambda: healthy(address)  # noqa: E731
            running.enter_context(process(command, environment, log, ready))
            return address

        yield start


@pytest.fixture(scope="session")
def address(serve: Serve, lake: Account) -> str:
    """The dashboard over the small lake, one for all tests that only look."""
    return serve(GOLD_DATABASE=GOLD_DATABASE, STAGE="test", REFRESH_SECONDS="5", **lake.environment)


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """Debian's Chromium; where it is missing, a test fails with the package's name."""
    with browser() as running:
        yield running
