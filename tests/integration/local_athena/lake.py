"""Puts tables into the local lake, by the same public means as the product."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.glue import GlueCatalog

from .conftest import BUCKET, CREDENTIALS, REGION, Local

PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    },
}


def columns(text: str) -> list[dict[str, str]]:
    """`a bigint, b string` as Glue columns."""
    pairs = (part.split(None, 1) for part in text.split(", "))
    return [{"Name": name, "Type": kind} for name, kind in pairs]


def put_parquet(local: Local, key: str, table: pa.Table) -> int:
    """Writes one Parquet object; gives its size."""
    body = io.BytesIO()
    pq.write_table(table, body)
    local.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.getvalue())
    return len(body.getvalue())


def put_table(local: Local, name: str, described: str, keys: str = "") -> str:
    """Registers a Parquet table of the database `lake`; gives its prefix."""
    glue: Any = local.client("glue")
    glue.create_table(
        DatabaseName="lake",
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "PartitionKeys": columns(keys) if keys else [],
            "StorageDescriptor": {
                **PARQUET,
                "Columns": columns(described),
                "Location": f"s3://{BUCKET}/{name}/",
            },
        },
    )
    return f"{name}/"


def put_partition(local: Local, name: str, value: str, folder: str) -> None:
    """Registers a partition."""
    local.client("glue").create_partition(
        DatabaseName="lake",
        TableName=name,
        PartitionInput={
            "Values": [value],
            "StorageDescriptor": {**PARQUET, "Location": f"s3://{BUCKET}/{name}/{folder}/"},
        },
    )


def iceberg(local: Local) -> GlueCatalog:
    """PyIceberg's catalog of the local Glue."""
    return GlueCatalog(
        "local",
        **{
            "glue.endpoint": local.endpoint,
            "glue.region": REGION,
            "glue.access-key-id": CREDENTIALS["aws_access_key_id"],
            "glue.secret-access-key": CREDENTIALS["aws_secret_access_key"],
            "s3.endpoint": local.endpoint,
            "s3.region": REGION,
            "s3.access-key-id": CREDENTIALS["aws_access_key_id"],
            "s3.secret-access-key": CREDENTIALS["aws_secret_access_key"],
            "s3.force-virtual-addressing": "false",
            "warehouse": f"s3://{BUCKET}/warehouse",
        },
    )
