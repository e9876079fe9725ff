"""A lake on the emulator: buckets, databases, ledger, and bronze as the ingest lands it."""

import io
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config
from pyiceberg.catalog.glue import GlueCatalog

from lakehouse import ledger, spark_conf
from lakehouse.contract import load_contracts
from lakehouse.ledger_client import Ledger
from lakehouse.rowhash import row_hash
from lakehouse.sqltext import literal
from lambdas.ingest.rules import raw_row, row_key
from lambdas.ingest.statements import render
from local.engines import spark
from stacks.blocks.bundle import SHOP, placed, source_files

ROOT = Path(__file__).parents[3]
METRICS = "lakehouse-test"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "eu-central-1",
}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_ARROW = {
    "bigint": pa.int64(),
    "int": pa.int32(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", "UTC"),
    "decimal(10,2)": pa.decimal128(10, 2),
    "decimal(12,2)": pa.decimal128(12, 2),
}


class EmulatedLake:
    """One emulator process with one lake, for the tests of a module."""

    def __init__(self, directory: Path, jars: Path, contracts: Path = SHOP) -> None:
        self.directory, self.jars = directory, jars
        self.contracts, self._folder = load_contracts(contracts), contracts
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process = self._start()
        self.s3, self.glue, self.dynamodb = (self._client(n) for n in ("s3", "glue", "dynamodb"))
        self.ledger = Ledger(self.dynamodb, "watermarks")
        self._runs = 0
        try:
            self._deploy()
        except Exception:
            self.close()
            raise
        self.modules = self._zip()

    def _start(self) -> "subprocess.Popen[bytes]":
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "AUTH": "true",
            "MINISTACK_REGION": CREDENTIALS["AWS_REGION"],
            **CREDENTIALS,
            "LOG_LEVEL": "WARNING",
            "IOT_MTLS_ENABLED": "false",
            "SFTP_ENABLED": "false",
        }
        with (self.directory / "emulator.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack.app"],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return process
            time.sleep(0.1)
        process.kill()
        raise RuntimeError((self.directory / "emulator.log").read_text())

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=CREDENTIALS["AWS_REGION"],
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def _deploy(self) -> None:
        place = {"LocationConstraint": CREDENTIALS["AWS_REGION"]}
        for layer in ("bronze", "silver", "gold"):
            self.s3.create_bucket(Bucket=f"test-{layer}", CreateBucketConfiguration=place)
        for layer in ("silver", "gold"):
            for name in (f"test_{layer}", f"test_{layer}_rebuild"):
                database = {"Name": name, "LocationUri": f"s3://test-{layer}/"}
                self.glue.create_database(DatabaseInput=database)
        keys = ((ledger.PARTITION_KEY, "HASH"), (ledger.SORT_KEY, "RANGE"))
        self.dynamodb.create_table(
            TableName="watermarks",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )

    def _zip(self) -> Path:
        """The job's modules as the stack deploys them."""
        path = self.directory / "modules.zip"
        with zipfile.ZipFile(path, "w") as archive:
            files = source_files(ROOT / "lakehouse", ROOT / "glue_scripts")
            for place, file in placed(files, self._folder).items():
                archive.write(file, place)
        return path

    def commit(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        opened_at: datetime | None = None,
        held_back: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        kind: ledger.Kind = ledger.Kind.DELTA,
    ) -> int:
        """Lands one batch and commits it in the ledger; `_op` of a row is U unless given.

        `held_back` maps a broken rule to the rows that the ingest sets aside for it.
        """
        contract = self.contracts[table]
        batch_id = self.watermark(table).batch_id + 1
        opened = opened_at or START + timedelta(minutes=batch_id)
        data = self._arrow(table, rows).append_column(
            "_op", pa.array([row.get("_op", "U") for row in rows], pa.string())
        )
        connection = duckdb.connect()
        connection.register("landed", data)
        hashes = connection.execute(f"SELECT {row_hash(contract, 'duckdb')} AS h FROM landed")
        full = (
            data.append_column("_batch_id", [[ledger.batch_name(batch_id)] * len(rows)])
            .append_column("_ingested_at", pa.array([opened] * len(rows), _ARROW["timestamp"]))
            .append_column("_row_hash", hashes.to_arrow_table()["h"])
        )
        buffer = io.BytesIO()
        pq.write_table(full, buffer)
        key = ledger.bronze_key(table, opened.date().isoformat(), batch_id)
        put = self.s3.put_object(Bucket="test-bronze", Key=key, Body=buffer.getvalue())
        file = ledger.File(key, len(rows), buffer.tell(), put["ETag"].strip('"'))
        aside = self._set_aside(table, batch_id, opened, held_back) if held_back else None
        self._commit(table, batch_id, opened, file, full, aside, kind)
        return batch_id

    def _arrow(self, table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
        columns = self.contracts[table].types.items()
        return pa.table(
            {n: pa.array([row.get(n) for row in rows], _ARROW[kind.spark]) for n, kind in columns}
        )

    def _set_aside(
        self,
        table: str,
        batch_id: int,
        opened: datetime,
        held_back: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> ledger.File:
        """Writes a quarantine object by the statement of the ingest."""
        contract, path = self.contracts[table], self.directory / "aside.parquet"
        connection = duckdb.connect()
        parts = []
        for number, (rule, rows) in enumerate(held_back.items()):
            connection.register(f"held{number}", self._arrow(table, rows))
            parts.append(
                f"SELECT {row_key(contract)} AS row_key, {raw_row(contract)} AS raw_row, "
                f"{literal(rule)} AS failed_rules FROM held{number}"
            )
        connection.execute(
            render(
                "quarantine",
                table=literal(table),
                captured=" UNION ALL ".join(parts),
                path=literal(str(path)),
                batch=literal(ledger.batch_name(batch_id)),
                ingested_at=literal(opened.isoformat()),
                owner=literal("test"),
            )
        )
        key = ledger.quarantine_key(table, opened.date().isoformat(), batch_id)
        self.s3.put_object(Bucket="test-bronze", Key=key, Body=path.read_bytes())
        return ledger.File(key, sum(map(len, held_back.values())), path.stat().st_size)

    def _commit(
        self,
        table: str,
        batch_id: int,
        opened: datetime,
        file: ledger.File,
        rows: pa.Table,
        aside: ledger.File | None,
        kind: ledger.Kind,
    ) -> None:
        at = opened.isoformat(timespec="microseconds")
        batch = ledger.Batch(
            source_table=table,
            batch_id=batch_id,
            kind=kind,
            window_from=None,
            after_key=None,
            window_to=at,
            upto_key=None,
            horizon=at,
            truncated_at=None,
            opened_at=at,
            run_id="test",
            owner="test",
            rows=file.rows,
            deletes=sum(op == "D" for op in rows["_op"].to_pylist()),
            content=sum(rows["_row_hash"].to_pylist()),
            files=(file,) if file.rows else (),
            quarantined=aside.rows if aside else 0,
            quarantine_files=(aside,) if aside else (),
        )
        self.ledger.open(replace(batch, files=(), quarantine_files=()))
        self.ledger.commit(self.watermark(table), self.ledger.extracted(batch), at)

    def watermark(self, table: str) -> ledger.Watermark:
        return self.ledger.watermark(table, self.contracts[table].cursor)

    def bronze_keys(self, table: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket="test-bronze", Prefix=f"bronze/{table}/")
        return [entry["Key"] for entry in found["Contents"]]

    def tables(self, layer: str) -> set[str]:
        found = self.glue.get_tables(DatabaseName=f"test_{layer}")["TableList"]
        return {table["Name"] for table in found}

    def set_mark(self, table: str, merged: str) -> None:
        """Sets a silver table's mark: back, as if the job had died before it wrote it, or ahead."""
        with self.catalog().load_table(f"test_silver.{table}").transaction() as transaction:
            transaction.set_properties({"lakehouse.merged_batch_id": merged})

    def altered(self, body: bytes, column: str, value: Any) -> bytes:
        """A bronze object with another value in all rows, whose hashes are left as they were."""
        rows = pq.read_table(io.BytesIO(body))
        place, field = rows.schema.get_field_index(column), rows.schema.field(column)
        buffer = io.BytesIO()
        changed = rows.set_column(place, field, pa.array([value] * len(rows), field.type))
        pq.write_table(changed, buffer)
        return buffer.getvalue()

    def metric_values(self, name: str) -> dict[str, list[float]]:
        """What was put of a metric, by source table, oldest first."""
        cloudwatch = self._client("cloudwatch")
        found: dict[str, list[float]] = {}
        for metric in cloudwatch.list_metrics(Namespace=METRICS, MetricName=name)["Metrics"]:
            now = datetime.now(UTC)
            points = cloudwatch.get_metric_statistics(
                Namespace=METRICS,
                MetricName=name,
                Dimensions=metric["Dimensions"],
                StartTime=now - timedelta(hours=2),
                EndTime=now + timedelta(minutes=1),
                Period=1,
                Statistics=["Maximum"],
            )["Datapoints"]
            ordered = sorted(points, key=lambda point: point["Timestamp"])
            found[metric["Dimensions"][0]["Value"]] = [point["Maximum"] for point in ordered]
        return found

    def change(self, layer: str, table: str, where: str, **values: Any) -> None:
        """Overwrites rows of an Iceberg table by hand, past the job."""
        held = self.catalog().load_table(f"test_{layer}.{table}")
        arrow = held.scan(row_filter=where).to_arrow()
        for name, value in values.items():
            place, field = arrow.schema.get_field_index(name), arrow.schema.field(name)
            arrow = arrow.set_column(place, field, pa.array([value] * len(arrow), field.type))
        held.overwrite(arrow, overwrite_filter=where)

    def run(
        self,
        script: Path | None = None,
        on_line: Callable[[str], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
        timeout_seconds: float = 900,
        workers: int = 2,
        **changes: str,
    ) -> spark.JobOutcome:
        """Runs the deployed job once."""
        self._runs += 1
        job = {
            "Name": "test-merge",
            "NumberOfWorkers": 2,
            "DefaultArguments": {
                "--extra-py-files": str(self.modules),
                "--datalake-formats": "iceberg",
                "--conf": spark_conf.glue_argument("s3://test-silver"),
                "--watermark_table": "watermarks",
                "--bronze_bucket": "test-bronze",
                "--silver_bucket": "test-silver",
                "--gold_bucket": "test-gold",
                "--silver_database": "test_silver",
                "--gold_database": "test_gold",
                "--quality_mode": "warn",
                "--metrics_namespace": METRICS,
            },
        }
        arguments = {"--run_id": f"run-{self._runs}"}
        arguments |= {f"--{name}": value for name, value in changes.items()}
        return spark.run_job(
            job=job,
            arguments=arguments,
            script=script or ROOT / "glue_scripts" / "job.py",
            extra_py_files=[self.modules],
            work_directory=self.directory / f"run-{self._runs}",
            endpoint_url=self.endpoint,
            credentials=CREDENTIALS,
            jars_directory=self.jars,
            workers=workers,
            on_line=on_line,
            stopped=stopped,
            timeout_seconds=timeout_seconds,
        )

    def catalog(self) -> GlueCatalog:
        return GlueCatalog(
            "test",
            **{
                "glue.endpoint": self.endpoint,
                "s3.endpoint": self.endpoint,
                "client.region": CREDENTIALS["AWS_REGION"],
                "client.access-key-id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
                "client.secret-access-key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            },
        )

    def rows(self, layer: str, table: str) -> list[dict[str, Any]]:
        """All rows of an Iceberg table, read without Spark."""
        found: list[dict[str, Any]] = (
            self.catalog().load_table(f"test_{layer}.{table}").scan().to_arrow().to_pylist()
        )
        return found
