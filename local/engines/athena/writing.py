"""Statements that store a query's outcome: CREATE VIEW, CREATE TABLE AS, UNLOAD."""

import tempfile
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import duckdb

from lakehouse.sqltext import literal
from local.engines.athena.catalog import CATALOG, Catalog, View, hive_columns, view_input
from local.engines.athena.errors import AthenaError, refuse
from local.engines.athena.result import Column, QueryResult
from local.engines.athena.scope import Relation, quoted
from local.engines.athena.statements import Statement
from local.engines.athena.storage import split
from local.engines.athena.types import BIGINT, Type

_COMPRESSIONS: Final = {"SNAPPY", "GZIP", "ZSTD", "NONE"}
_ENFORCED: Final = (
    "The Create Table As Select query failed because it was submitted with an "
    "'external_location' property to an Athena Workgroup that enforces a centralized output "
    "location for all queries. Please remove the 'external_location' property and resubmit the "
    "query."
)
_PARQUET: Final = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    },
}


class Writer:
    """Writes for one query. `output` is the query's result prefix, `s3://.../`."""

    def __init__(
        self,
        catalog: Catalog,
        s3: Any,
        cursor: duckdb.DuckDBPyConnection,
        query_id: str,
        output: str,
        enforced: bool,
    ) -> None:
        self.catalog, self.s3, self.cursor = catalog, s3, cursor
        self.query_id, self.output, self.enforced = query_id, output, enforced

    def run(
        self, statement: Statement, schema: str, relation: Relation, scanned: int
    ) -> QueryResult:
        """Does what the statement says with the compiled query."""
        match statement.kind:
            case "CREATE_VIEW":
                view = View(statement.query.strip(), CATALOG, schema, tuple(_columns(relation)))
                self.catalog.put(schema, view_input(statement.name, view), statement.replace)
                return QueryResult([], [], statement.type, statement.kind)
            case "UNLOAD":
                return self._unload(statement, relation, scanned)
        return self._create_table(statement, schema, relation, scanned)

    def _unload(self, statement: Statement, relation: Relation, scanned: int) -> QueryResult:
        compression = _parquet_options(statement.properties)
        columns = _columns(relation)
        _hive(columns)
        self._must_be_empty(statement.location, f"'{statement.location}'")
        rows, written = self._write(relation, columns, statement.location, compression)
        return _wrote(statement, rows, written, scanned, statement.location)

    def _create_table(
        self, statement: Statement, schema: str, relation: Relation, scanned: int
    ) -> QueryResult:
        properties = dict(statement.properties)
        location = properties.pop("external_location", "")
        compression = _parquet_options(properties)
        columns = _columns(relation)
        described = _hive(columns)
        if location and self.enforced:
            raise AthenaError("INVALID_REQUEST", _ENFORCED)
        self.catalog.need_database(schema, None)
        if self.catalog.table(schema, statement.name) is not None:
            if statement.if_exists:
                return _wrote(statement, 0, [], 0, location)
            raise AthenaError("TABLE_ALREADY_EXISTS", f"line 1:1: Table '{CATALOG}.{schema}."
                              f"{statement.name}' already exists")  # fmt: skip
        location = location or f"{self.output}tables/{self.query_id}/"
        location = location if location.endswith("/") else location + "/"
        self._must_be_empty(location, f"table '{schema}.{statement.name}'")
        rows, written = 0, list[str]()
        if statement.with_data:
            rows, written = self._write(relation, columns, location, compression)
        table = {
            "Name": statement.name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false",
                           "parquet.compression": compression, "classification": "parquet"},
            "PartitionKeys": [],
            "StorageDescriptor": {**_PARQUET, "Columns": described, "Location": location},
        }  # fmt: skip
        self.catalog.put(schema, table, replace=False)
        return _wrote(statement, rows, written, scanned, location)

    def _must_be_empty(self, location: str, what: str) -> None:
        bucket, prefix = split(location)
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix.rstrip("/") + "/", MaxKeys=1)
        if found.get("KeyCount"):
            raise AthenaError(
                "HIVE_PATH_ALREADY_EXISTS",
                f"Target directory for {what} already exists: {location}",
            )

    def _write(
        self, relation: Relation, columns: list[tuple[str, Type]], location: str, compression: str
    ) -> tuple[int, list[str]]:
        """Writes the rows as one Parquet object, none if there are no rows."""
        listed = ", ".join(
            f"{label} AS {quoted(name)}"
            for label, (name, _) in zip(relation.labels, columns, strict=True)
        )
        codec = "UNCOMPRESSED" if compression == "NONE" else compression
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part"
            (count,) = self.cursor.execute(
                f"COPY (SELECT {listed} FROM ({relation.sql}) AS result) "
                f"TO {literal(str(path))} (FORMAT parquet, COMPRESSION {codec})"
            ).fetchone() or (0,)
            if not count:
                return 0, []
            bucket, prefix = split(location)
            key = f"{prefix.rstrip('/')}/{self.query_id}_{uuid4()}".lstrip("/")
            self.s3.upload_file(str(path), bucket, key)
        return int(count), [f"s3://{bucket}/{key}"]


def _wrote(
    statement: Statement, rows: int, written: list[str], scanned: int, location: str
) -> QueryResult:
    return QueryResult(
        [Column.of("rows", BIGINT)],
        [],
        statement.type,
        statement.kind,
        scanned,
        rows,
        written,
        location,
    )


def _columns(relation: Relation) -> list[tuple[str, Type]]:
    """Named columns; raises AthenaError for one without a name or a name given twice."""
    columns: list[tuple[str, Type]] = []
    for i, (name, type_) in enumerate(zip(relation.names, relation.types, strict=True), 1):
        if not name:
            raise AthenaError(
                "MISSING_COLUMN_NAME", f"line 1:1: Column name not specified at position {i}"
            )
        if name.lower() in [known for known, _ in columns]:
            raise AthenaError(
                "DUPLICATE_COLUMN_NAME", f"line 1:1: Column name '{name}' specified more than once"
            )
        if type_.name == "unknown":
            raise AthenaError("COLUMN_TYPE_UNKNOWN", f"line 1:1: Column type is unknown: {name}")
        columns.append((name.lower(), type_))
    return columns


def _hive(columns: list[tuple[str, Type]]) -> list[dict[str, str]]:
    for name, type_ in columns:
        if type_.name == "timestamp" and type_.size != 3:
            raise AthenaError(
                "NOT_SUPPORTED",
                f"Incorrect timestamp precision for {type_}; the configured precision is "
                f"MILLISECONDS; column name: {name}",
            )
    return hive_columns(tuple(columns))


def _parquet_options(properties: dict[str, str]) -> str:
    """The compression; raises AthenaError for a property that is not written here."""
    rest = {key: value for key, value in properties.items() if value}
    if (layout := rest.pop("format", "PARQUET").upper()) != "PARQUET":
        raise refuse(f"format {layout!r} in CREATE TABLE AS and UNLOAD; say PARQUET")
    compression = rest.pop("write_compression", rest.pop("compression", "GZIP")).upper()
    if compression not in _COMPRESSIONS:
        raise refuse(f"the compression {compression!r}")
    if rest:
        raise refuse(f"the property {next(iter(rest))!r} in CREATE TABLE AS and UNLOAD")
    return compression
