"""A crawler: finds tables, columns and partitions in Parquet files on S3, as Glue's does."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_BATCH = 100
"""Partitions per BatchCreatePartition call, the service's limit."""
_FOOTER_GUESS = 64 * 1024

_HIVE = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.binary(): "binary",
    pa.date32(): "date",
}


@dataclass
class Found:
    """What a crawl saw of one table."""

    location: str
    columns: dict[str, str] = field(default_factory=dict)
    partition_keys: tuple[str, ...] = ()
    partitions: dict[tuple[str, ...], str] = field(default_factory=dict)
    objects: int = 0
    size: int = 0


class Crawler:
    """Crawls with the S3 and Glue clients of the crawler's role."""

    def __init__(self, s3: Any, glue: Any) -> None:
        self._s3 = s3
        self._glue = glue

    def crawl(self, database: str, targets: Iterable[str]) -> None:
        """Writes one table per target that holds Parquet; a target without any makes no table."""
        for target in targets:
            found = self._look(target)
            if found.objects:
                self._write_table(database, found)
                self._write_partitions(database, found)

    def _look(self, target: str) -> Found:
        bucket, _, prefix = target.removeprefix("s3://").partition("/")
        found = Found(f"s3://{bucket}/{prefix.rstrip('/')}/")
        schemas: dict[tuple[str, ...], str] = {}
        for entry in self._objects(bucket, prefix):
            segments = entry["Key"].removeprefix(prefix).split("/")
            if any(segment.startswith(("_", ".")) for segment in segments):
                continue
            pairs = [segment.partition("=") for segment in segments[:-1]]
            values = tuple(value for _, _, value in pairs)
            found.partition_keys = tuple(name for name, _, _ in pairs)
            if values:
                folder = "/".join(segments[:-1])
                found.partitions[values] = f"{found.location}{folder}/"
            found.objects += 1
            found.size += entry["Size"]
            # Files of one partition share a schema unless a later one brings a column: read the
            # newest of each, in order, so that the newest type of a column is the one kept.
            schemas[values] = max(schemas.get(values, ""), entry["Key"])
        for key in schemas.values():
            for column in self._schema(bucket, key):
                found.columns[column.name] = hive_type(column.type)
        return found

    def _objects(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            yield from page.get("Contents", [])

    def _schema(self, bucket: str, key: str) -> pa.Schema:
        def tail(length: int) -> bytes:
            answer = self._s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{length}")
            body: bytes = answer["Body"].read()
            return body

        end = tail(_FOOTER_GUESS)
        if end[-4:] != b"PAR1":
            raise ValueError(f"s3://{bucket}/{key} is not a Parquet file")
        footer = int.from_bytes(end[-8:-4], "little") + 8
        if footer > len(end):
            end = tail(footer)
        # A file that is only its magic number and its footer reads as one without row groups.
        return pq.read_schema(io.BytesIO(b"PAR1" + end[-footer:]))

    def _write_table(self, database: str, found: Found) -> None:
        name = found.location.rstrip("/").rsplit("/", 1)[-1]
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {
                "classification": "parquet",
                "compressionType": "none",
                "typeOfData": "file",
                "objectCount": str(found.objects),
                "sizeKey": str(found.size),
            },
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.partition_keys],
            "StorageDescriptor": _descriptor(found.location, found.columns),
        }
        try:
            self._glue.create_table(DatabaseName=database, TableInput=table)
        except self._glue.exceptions.AlreadyExistsException:
            self._glue.update_table(DatabaseName=database, TableInput=table)

    def _write_partitions(self, database: str, found: Found) -> None:
        name = found.location.rstrip("/").rsplit("/", 1)[-1]
        known = {
            tuple(partition["Values"])
            for page in self._glue.get_paginator("get_partitions").paginate(
                DatabaseName=database, TableName=name
            )
            for partition in page["Partitions"]
        }
        new = [
            {"Values": list(values), "StorageDescriptor": _descriptor(location, found.columns)}
            for values, location in sorted(found.partitions.items())
            if values not in known
        ]
        for start in range(0, len(new), _BATCH):
            self._glue.batch_create_partition(
                DatabaseName=database,
                TableName=name,
                PartitionInputList=new[start : start + _BATCH],
            )


def hive_type(kind: pa.DataType) -> str:
    """The Hive type that Glue's crawler gives to a Parquet column."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if kind not in _HIVE:
        raise ValueError(f"no Hive type for Parquet's {kind}")
    return _HIVE[kind]


def _descriptor(location: str, columns: dict[str, str]) -> dict[str, Any]:
    return {
        "Location": location,
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
        "InputFormat": _INPUT,
        "OutputFormat": _OUTPUT,
        "Compressed": False,
        "SerdeInfo": {
            "SerializationLibrary": _SERDE,
            "Parameters": {"serialization.format": "1"},
        },
        "Parameters": {"classification": "parquet"},
    }
