"""The whole platform on the local AWS: it runs by itself, is read by anyone, breaks and recovers.

The tests share one deployment and build on each other in the order of this file.
"""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog

from lakehouse.contract import load_contracts
from lakehouse.dictionary import entries
from lakehouse.live import live_view_name
from lakehouse.views import load_views
from local.screenshot import browser, open_dashboard
from tests.e2e.account import ROOT, Deployment, settle, typed, wait_for
from tests.e2e.conftest import free_port

KEYS = {
    "endpoint_url", "region", "aws_access_key_id", "aws_secret_access_key", "state_machine_arn",
    "bronze_bucket", "silver_bucket", "gold_bucket", "watermark_table", "bronze_database",
    "silver_database", "gold_database", "crawler", "glue_job", "workgroup", "generator_function",
    "ingest_function", "database_dsn", "dashboard_url",
}  # fmt: skip
SALES = "SELECT count(*) FROM fact_sales"


def test_outputs_are_one_flat_object(deployment: Deployment) -> None:
    assert set(deployment.outputs) >= KEYS
    assert all(isinstance(value, str) for value in deployment.outputs.values())


def test_it_runs_by_itself_and_picks_up_growth(deployment: Deployment) -> None:
    def merged() -> list[str]:
        return [
            e["executionArn"]
            for e in deployment.executions("SUCCEEDED")
            if "Merge into silver and gold" in deployment.states_of(e["executionArn"])
        ]

    wait_for(merged, 180, "a scheduled run that merges")
    first = _silver_sales(deployment)
    assert first > 0
    wait_for(lambda: len(merged()) > 1, 150, "the next scheduled run that merges")
    assert _silver_sales(deployment) > first
    assert not deployment.executions("FAILED")
    deployment.schedule("generator", enabled=False)
    deployment.schedule("pipeline", enabled=False)


def test_source_silver_and_gold_agree(deployment: Deployment) -> None:
    deployment.merge()
    assert _silver_sales(deployment) == deployment.ask(SALES)
    revenue = deployment.athena("SELECT sum(total_revenue) AS r FROM v_city_performance")[0]["r"]
    assert Decimal(revenue) == deployment.ask("SELECT sum(total_amount) FROM fact_sales")


def test_idle_starts_neither_crawler_nor_job(deployment: Deployment) -> None:
    description = deployment.run()
    assert description["status"] == "SUCCEEDED"
    states = deployment.states_of(description["executionArn"])
    assert "Release the lease" in states
    assert not states & {
        "Start the crawler", "Merge into silver and gold", "Refresh the views",
        "Refresh the live views",
    }  # fmt: skip


@pytest.mark.parametrize("ctas", [False, True])
def test_awswrangler_reads_every_view(deployment: Deployment, ctas: bool) -> None:
    for view in (*load_views(), *map(live_view_name, load_contracts())):
        rows = deployment.athena(f"SELECT * FROM {view}", ctas=ctas)
        assert rows or view == "v_quarantine", view


def test_boto3_sees_runs_jobs_and_tables(deployment: Deployment) -> None:
    glue = deployment.client("glue")
    tables = glue.get_tables(DatabaseName=deployment.outputs["bronze_database"])["TableList"]
    assert {table["Name"] for table in tables} == set(load_contracts())
    runs = glue.get_job_runs(JobName=deployment.outputs["glue_job"])["JobRuns"]
    run = glue.get_job_run(JobName=deployment.outputs["glue_job"], RunId=runs[0]["Id"])["JobRun"]
    assert run["JobRunState"] == "SUCCEEDED"
    arn = deployment.executions()[0]["executionArn"]
    history = deployment.client("stepfunctions").get_execution_history(executionArn=arn)
    assert history["events"][0]["type"] == "ExecutionStarted"


def _iceberg(deployment: Deployment) -> GlueCatalog:
    out = deployment.outputs
    return GlueCatalog(
        "local",
        **{
            "glue.endpoint": out["endpoint_url"],
            "glue.region": out["region"],
            "glue.access-key-id": out["aws_access_key_id"],
            "glue.secret-access-key": out["aws_secret_access_key"],
            "s3.endpoint": out["endpoint_url"],
            "s3.region": out["region"],
            "s3.access-key-id": out["aws_access_key_id"],
            "s3.secret-access-key": out["aws_secret_access_key"],
        },
    )


def test_pyiceberg_reads_silver_and_gold(deployment: Deployment) -> None:
    out, catalog = deployment.outputs, _iceberg(deployment)
    sales = catalog.load_table((out["silver_database"], "fact_sales")).scan().to_arrow()
    assert sales.num_rows == deployment.ask(SALES)
    cities = catalog.load_table((out["gold_database"], "city_performance")).scan().to_arrow()
    assert sum(cities["total_orders"].to_pylist()) == sales.num_rows


def test_the_dashboard_answers(deployment: Deployment) -> None:
    with urllib.request.urlopen(deployment.outputs["dashboard_url"] + "/_stcore/health") as answer:
        assert answer.read() == b"ok"


def test_status_run_and_logs_speak(deployment: Deployment) -> None:
    status = deployment.make("status").stderr
    assert all(word in status for word in ("emulator: running", "fact_sales", "SUCCEEDED"))
    assert "Ingest every table" in deployment.make("run").stderr
    assert "fact_sales" in deployment.make("logs", "WHAT=ingest").stdout
    unknown = deployment.make("logs", "WHAT=nonsense", check=False)
    assert unknown.returncode != 0
    assert "there are:" in unknown.stderr


@pytest.mark.browser
def test_the_dashboard_shows_what_athena_answers(deployment: Deployment) -> None:
    assert deployment.outputs["dashboard_url"] in deployment.make("dashboard").stdout
    image = deployment.home / "dashboard.png"
    deployment.make("screenshot")
    assert image.stat().st_size > 50_000
    orders = deployment.athena("SELECT total_orders AS n FROM v_overview")[0]["n"]
    with browser() as running:
        page = open_dashboard(running, deployment.outputs["dashboard_url"])
        assert f"{orders:,}" in page.inner_text("body")


def test_a_raising_script_fails_the_run_and_changes_nothing(deployment: Deployment) -> None:
    deployment.generate()
    before = _silver_sales(deployment)
    with _replaced_script(deployment, b"raise ValueError('planted fault')\n"):
        description = deployment.run(force_merge=True)
    assert description["status"] == "FAILED"
    assert "ValueError: planted fault" in description["cause"]
    assert _silver_sales(deployment) == before
    deployment.merge()
    assert _silver_sales(deployment) == deployment.ask(SALES)


def test_a_database_stopped_in_mid_run_fails_it_and_loses_nothing(deployment: Deployment) -> None:
    deployment.generate()
    watermarks = deployment.watermarks()
    identifier = {"DBInstanceIdentifier": "lakehouse-local-source"}
    rds = deployment.client("rds")
    # The run's reading of a table waits until the database goes.
    with deployment.ingest_held() as waits:
        arn = deployment.start()
        wait_for(waits, 60, "the ingest to wait for the lock")
        rds.stop_db_instance(**identifier)
    try:
        description = deployment.finish(arn)
        assert description["status"] == "FAILED"
        assert "database 'shop'" in description["cause"]
        assert deployment.watermarks().get("fact_sales") == watermarks.get("fact_sales")
    finally:
        rds.start_db_instance(**identifier)
    deployment.merge()
    assert _silver_sales(deployment) == deployment.ask(SALES)


def test_a_bucket_that_denies_fails_the_run_with_the_role(deployment: Deployment) -> None:
    deployment.generate()
    s3, bucket = deployment.client("s3"), deployment.outputs["bronze_bucket"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    denying = json.loads(policy)
    denying["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(denying))
    try:
        description = deployment.run()
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert description["status"] == "FAILED"
    assert "AccessDenied" in description["cause"]
    assert "role/lakehouse-local-ingest" in description["cause"]
    deployment.merge()
    assert _silver_sales(deployment) == deployment.ask(SALES)


def test_a_missing_column_fails_its_table_alone(deployment: Deployment) -> None:
    deployment.generate()
    with deployment.owner() as owner:
        owner.run("ALTER TABLE dim_products RENAME COLUMN category TO kind")
    try:
        description = deployment.run(force_merge=True)
        assert description["status"] == "FAILED"
        assert "dim_products" in description["cause"]
        assert "category" in description["cause"]
        assert _silver_sales(deployment) == deployment.ask(SALES)
    finally:
        with deployment.owner() as owner:
            owner.run("ALTER TABLE dim_products RENAME COLUMN kind TO category")
    deployment.merge()


def test_a_bad_row_is_held_back_and_stops_nothing(deployment: Deployment) -> None:
    with deployment.source() as source:
        source.run(
            "UPDATE fact_sales SET quantity = -1, updated_at = clock_timestamp() "
            "WHERE sale_id = (SELECT min(sale_id) FROM fact_sales)"
        )
    settle()
    deployment.merge()
    health = deployment.athena("SELECT * FROM v_freshness WHERE source_table = 'fact_sales'")
    assert health[0]["quarantined_keys"] == 1
    held = deployment.athena("SELECT * FROM v_quarantine")
    rule = 'ColumnValues "quantity" > 0'
    assert [(row["source_table"], row["failed_rules"]) for row in held] == [("fact_sales", rule)]
    sales = deployment.ask(SALES)
    assert _silver_sales(deployment) == sales, "silver keeps the last good version"
    found = deployment.reconciled()
    count = found.tables["fact_sales"]
    assert (count.source, count.bronze, count.silver, count.quarantined) == (
        sales, sales, sales - 1, 1,
    )  # fmt: skip
    assert found.differences == []
    shown = deployment.make("quarantine", COLUMNS="250").stderr
    assert all(text in shown for text in ("held back, as of the last merge: 1", rule))
    assert "quantity = -1" in shown
    others = deployment.make("quarantine", "TABLE=dim_users", COLUMNS="250").stderr
    assert "as of the last merge: 0" in others


def test_a_repaired_row_is_released_and_a_broken_one_stays(deployment: Deployment) -> None:
    replayed = deployment.make("quarantine-replay", "TABLE=fact_sales").stderr
    assert "fact_sales: 1 held back; the next window begins at" in replayed
    ledger = deployment.make("ledger", "TABLE=fact_sales", COLUMNS="250").stderr
    assert "a backfill from" in ledger
    deployment.merge()
    assert deployment.reconciled().tables["fact_sales"].quarantined == 1, "no rule was changed"
    with deployment.source() as source:
        source.run("UPDATE fact_sales SET quantity = 1 WHERE quantity = -1")
    settle()
    deployment.make("quarantine-replay", "TABLE=fact_sales")
    deployment.make("backfill", "TABLE=fact_sales", "FROM=2026-05-01T10:00:00+00:00")
    deployment.merge()
    assert "nothing is held back" in deployment.make("quarantine-replay", "TABLE=fact_sales").stderr
    found = deployment.reconciled()
    assert found.differences == []
    assert {count.quarantined for count in found.tables.values()} == {0}


def test_the_audit_finds_what_was_changed_by_hand_and_repair_mends_it(
    deployment: Deployment,
) -> None:
    assert deployment.make("audit", COLUMNS="250").stderr.count(": equal") == 3
    out = deployment.outputs
    silver = _iceberg(deployment).load_table((out["silver_database"], "fact_sales"))
    rows = silver.scan(row_filter="sale_id = 1").to_arrow()
    assert len(rows) == 1
    place, field = rows.schema.get_field_index("quantity"), rows.schema.field("quantity")
    changed = rows.set_column(place, field, pa.array([77], field.type))
    silver.overwrite(changed, overwrite_filter="sale_id = 1")
    found = deployment.make("audit", "TABLE=fact_sales", check=False, COLUMNS="250")
    assert found.returncode != 0
    assert "other values in silver than in the source: 1 key(s): 1" in found.stderr
    with deployment.source() as source:
        source.run("UPDATE fact_sales SET updated_at = now() WHERE sale_id = 2")
    settle()
    ended = deployment.run(force_merge=True)
    assert ended["status"] == "FAILED"
    assert "fact_sales: changed in silver by another than the job" in ended["cause"]
    trust = deployment.athena("SELECT * FROM v_reconciliation WHERE NOT is_reconciled")
    assert [row["source_table"] for row in trust] == ["fact_sales"]
    deployment.make("repair", "TABLE=fact_sales")
    deployment.make("audit", "TABLE=fact_sales")
    assert deployment.athena("SELECT * FROM v_reconciliation WHERE NOT is_reconciled") == []


def test_runs_leave_receipts_and_idle_ones_none(deployment: Deployment) -> None:
    runs = {row["run_id"]: row for row in deployment.athena("SELECT * FROM v_pipeline_runs")}
    assert {row["outcome"] for row in runs.values()} == {"SUCCEEDED", "FAILED"}
    merged = [row for row in runs.values() if row["is_merged"]]
    assert merged
    for row in merged:
        bill = json.loads(row["dollars_by_service"])
        assert {"glue", "lambda", "step_functions", "dynamodb"} <= set(bill)
        assert abs(float(row["dollars"]) - sum(bill.values())) < 1e-6
        assert row["seconds"] > row["glue_seconds"] > 0
    failed = [row for row in runs.values() if row["outcome"] == "FAILED"]
    assert all(row["failed_state"] and row["cause"] for row in failed)
    deployment.run(force_merge=True)
    settle()
    known = len(deployment.athena("SELECT run_id FROM v_pipeline_runs"))
    idle = json.loads(deployment.run()["output"])
    assert idle == {"merged": False, "rows": 0}
    assert len(deployment.athena("SELECT run_id FROM v_pipeline_runs")) == known


def test_maintenance_and_a_rebuild_beside_the_schedule(deployment: Deployment) -> None:
    kept = deployment.make("maintain", COLUMNS="250", timeout=600).stderr
    assert "_silver.fact_sales: " in kept
    assert "rows as before" in kept
    told = deployment.make("rebuild", COLUMNS="250", timeout=600).stderr
    assert "silver fact_sales: equal, " in told
    assert "gold city_performance: equal, " in told


def test_bronze_is_that_of_the_data_dictionary(deployment: Deployment) -> None:
    wanted = {e.name: e.columns for e in entries(load_contracts()) if e.layer == "bronze"}
    glue = deployment.client("glue")
    tables = glue.get_tables(DatabaseName=deployment.outputs["bronze_database"])["TableList"]
    found = {
        table["Name"]: {
            column["Name"]: column["Type"]
            for column in (*table["StorageDescriptor"]["Columns"], *table["PartitionKeys"])
        }
        for table in tables
    }
    assert found == wanted


def test_the_cdk_commands_of_the_readme_work(deployment: Deployment) -> None:
    # The stage's Lambdas are built for Graviton, which this machine need not be: the change sets
    # are made, not executed.
    credentials = {
        "AWS_ENDPOINT_URL": deployment.outputs["endpoint_url"],
        "AWS_ACCESS_KEY_ID": deployment.outputs["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": deployment.outputs["aws_secret_access_key"],
        "AWS_REGION": deployment.outputs["region"],
    }
    deployment.make("synth", "STAGE=dev")
    deployment.make("cdk", "ARGS=bootstrap -c stage=dev", **credentials)
    only_prepare = "--method=prepare-change-set --require-approval never"
    deployment.make("cdk", f"ARGS=deploy -c stage=dev --all {only_prepare}", **credentials)
    stacks = deployment.client("cloudformation").list_stacks()["StackSummaries"]
    prepared = {s["StackName"] for s in stacks if s["StackStatus"] == "REVIEW_IN_PROGRESS"}
    layers = (
        *("source", "storage", "ingest", "transform", "orchestration", "upkeep", "dashboard"),
        "monitoring",
        "budget",
    )
    assert prepared == {f"lakehouse-dev-{layer}" for layer in layers}
    deployment.make("cdk", "ARGS=destroy -c stage=dev --all --force", **credentials)


def test_the_dashboard_runs_over_an_account_by_names(deployment: Deployment) -> None:
    names = {"GOLD_DATABASE": "lakehouse_dev_gold", "WORKGROUP": "lakehouse-dev", "STAGE": "dev"}
    port = str(free_port())
    typed.append(" ".join(f"{k}={v}" for k, v in names.items()) + " make host-dashboard")
    process = subprocess.Popen(
        ["make", "host-dashboard"],
        cwd=ROOT,
        env=deployment.environment | names | {"LAKEHOUSE_DASHBOARD_PORT": port},
        start_new_session=True,
    )

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                return bool(answer.read() == b"ok")
        except OSError:
            return False

    try:
        wait_for(healthy, 60, "the dashboard by names")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _silver_sales(deployment: Deployment) -> int:
    silver = deployment.outputs["silver_database"]
    count: int = deployment.athena(f"SELECT count(*) AS n FROM {silver}.fact_sales")[0]["n"]
    return count


@contextmanager
def _replaced_script(deployment: Deployment, body: bytes) -> Iterator[None]:
    job: dict[str, Any] = deployment.client("glue").get_job(JobName=deployment.outputs["glue_job"])[
        "Job"
    ]
    bucket, _, key = job["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
    s3 = deployment.client("s3")
    original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    try:
        yield
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=original)
