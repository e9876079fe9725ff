"""From Glue tables to DuckDB relations: which objects are read, and as which types."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import duckdb

from lakehouse.sqltext import literal
from local.engines.athena.catalog import Catalog, is_iceberg
from local.engines.athena.errors import AthenaError, refuse
from local.engines.athena.iceberg import Snapshot, read_metadata
from local.engines.athena.parquet import NULL_PARTITION, parquet_column, partition_value, top_level
from local.engines.athena.pruning import Bound, excluded
from local.engines.athena.scope import Relation, column_label, quoted
from local.engines.athena.types import Type
from local.engines.athena.typetext import parse_type

_REMEMBERED: Final = 20_000
"""Footers and metadata files kept; each is named by an ETag or is never rewritten."""


@dataclass(frozen=True)
class S3Settings:
    """How S3 is reached. `endpoint` is `http://host:port`, buckets go by path."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass(frozen=True)
class S3File:
    """One object."""

    uri: str
    etag: str
    size: int


class Storage:
    """Reads tables. What it remembers can't change under its name."""

    def __init__(self, catalog: Catalog, s3: Any) -> None:
        self.catalog, self.s3 = catalog, s3
        self.ranges: OrderedDict[tuple[str, str], dict[str, tuple[str, str]]] = OrderedDict()
        self.footers: OrderedDict[tuple[str, str], tuple[tuple[str, str], ...]] = OrderedDict()
        self.metadata: OrderedDict[str, Snapshot] = OrderedDict()

    def relation(
        self, table: dict[str, Any], cursor: duckdb.DuckDBPyConnection, bounds: Sequence[Bound] = ()
    ) -> tuple[Relation, int]:
        """The table's relation and the bytes that reading it takes.

        Partitions and files that `bounds` exclude are left out of both.
        """
        if is_iceberg(table):
            return self._iceberg(table)
        return self._parquet(table, cursor, bounds)

    def shape(self, table: dict[str, Any]) -> Relation:
        """The table's columns without its rows: what a view is checked against.

        As on AWS, this asks the catalog alone of a Parquet table, and an Iceberg table's metadata.
        """
        return self._iceberg(table)[0] if is_iceberg(table) else _empty(chain(*_declared(table)))

    def _iceberg(self, table: dict[str, Any]) -> tuple[Relation, int]:
        location = table["Parameters"]["metadata_location"]
        snapshot = self.metadata.get(location)
        if snapshot is None:
            bucket, key = split(location)
            body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            snapshot = _remember(self.metadata, location, read_metadata(json.loads(body)))
        columns = [
            f"{_iceberg_column(name, type_)} AS {column_label(i)}"
            for i, (name, type_) in enumerate(snapshot.columns)
        ]
        if snapshot.empty:
            return _empty(snapshot.columns), 0
        sql = f"SELECT {', '.join(columns)} FROM iceberg_scan({literal(location)})"
        return _relation(sql, snapshot.columns), snapshot.bytes

    def _parquet(
        self, table: dict[str, Any], cursor: duckdb.DuckDBPyConnection, bounds: Sequence[Bound]
    ) -> tuple[Relation, int]:
        columns, keys = _declared(table)
        descriptor = table.get("StorageDescriptor") or {}
        root = (descriptor.get("Location") or "").rstrip("/") + "/"
        listed = self.files(root)
        parts: list[tuple[list[S3File], list[str]]] = [] if keys else [(listed, [])]
        for partition in self.catalog.partitions(table) if keys else ():
            texts = {n: (v, v) for v, (n, t) in zip(partition["Values"], keys, strict=True)
                     if t.name == "varchar" and v != NULL_PARTITION}  # fmt: skip
            if excluded(bounds, texts):
                continue
            folder = partition["StorageDescriptor"]["Location"].rstrip("/") + "/"
            inside = folder.startswith(root)  # nearly always: then one listing serves them all
            files = (
                [f for f in listed if f.uri.startswith(folder)] if inside else self.files(folder)
            )
            parts.append((files, partition["Values"]))
        is_text = {name for name, type_ in columns if type_.name == "varchar"}
        if inner := [bound for bound in bounds if bound.column in is_text]:
            self._read_ranges([f for files, _ in parts for f in files], cursor)
            parts = [
                ([f for f in fs if not excluded(inner, self.ranges[f.uri, f.etag])], v)
                for fs, v in parts
            ]
        parts = [(files, values) for files, values in parts if files]
        if not parts:
            return _empty([*columns, *keys]), 0
        self._read_footers([f for files, _ in parts for f in files], cursor)
        selects = [
            select
            for files, values in parts
            for select in self._selects(files, columns, keys, values)
        ]
        total = sum(f.size for files, _ in parts for f in files)
        return _relation(" UNION ALL ".join(selects), [*columns, *keys]), total

    def _selects(
        self,
        files: list[S3File],
        columns: list[tuple[str, Type]],
        keys: list[tuple[str, Type]],
        values: list[str],
    ) -> Iterable[str]:
        """One SELECT for each kind of file in a partition: files differ as schemas grow."""
        kinds: dict[tuple[tuple[str, str], ...], list[S3File]] = {}
        for file in files:
            kinds.setdefault(self.footers[file.uri, file.etag], []).append(file)
        constants = [partition_value(v, t) for v, (_, t) in zip(values, keys, strict=True)]
        for footer, group in kinds.items():
            have = {name.lower(): (name, kind) for name, kind in footer}
            texts = [
                parquet_column(*have[name], type_, group[0].uri)
                if name in have
                else f"CAST(NULL AS {type_.duckdb})"
                for name, type_ in columns
            ]
            listed = ", ".join(
                f"{text} AS {column_label(i)}" for i, text in enumerate([*texts, *constants])
            )
            uris = ", ".join(literal(file.uri) for file in group)
            yield f"SELECT {listed} FROM read_parquet([{uris}], hive_partitioning = false)"

    def files(self, location: str) -> list[S3File]:
        """The objects under a location that Hive readers see: not those in `_` or `.` segments."""
        bucket, prefix = split(location)
        prefix = prefix if prefix.endswith("/") or not prefix else prefix + "/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [
            S3File(f"s3://{bucket}/{item['Key']}", item["ETag"], item["Size"])
            for page in pages
            for item in page.get("Contents") or []
            if item["Size"] and not _hidden(item["Key"][len(prefix) :])
        ]

    def _read_ranges(self, files: list[S3File], cursor: duckdb.DuckDBPyConnection) -> None:
        """Least and greatest text of columns, by file; only what every row group tells."""
        new = {file.uri: file for file in files if (file.uri, file.etag) not in self.ranges}
        if not new:
            return
        found: dict[str, dict[str, tuple[str, str]]] = {uri: {} for uri in new}
        for uri, name, low, high in cursor.execute(
            "SELECT file_name, lower(path_in_schema), min(stats_min_value), max(stats_max_value) "
            f"FROM parquet_metadata([{', '.join(map(literal, new))}]) "
            "GROUP BY ALL HAVING count(stats_min_value) = count(*) "
            "AND count(stats_max_value) = count(*)"
        ).fetchall():
            found[uri][name] = low, high
        for uri, file in new.items():
            _remember(self.ranges, (uri, file.etag), found[uri])

    def _read_footers(self, files: list[S3File], cursor: duckdb.DuckDBPyConnection) -> None:
        new = [file for file in files if (file.uri, file.etag) not in self.footers]
        if not new:
            return
        uris = ", ".join(literal(file.uri) for file in new)
        nodes: dict[str, list[tuple[str, str | None, int]]] = {}
        for uri, name, kind, children in cursor.execute(
            "SELECT file_name, name, duckdb_type, coalesce(num_children, 0) "
            f"FROM parquet_schema([{uris}])"
        ).fetchall():
            nodes.setdefault(uri, []).append((name, kind, children))
        for file in new:
            _remember(self.footers, (file.uri, file.etag), top_level(nodes[file.uri]))


def split(location: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` address."""
    scheme, _, rest = location.partition("://")
    if scheme not in ("s3", "s3a", "s3n"):
        raise AthenaError("INVALID_TABLE_PROPERTY", f"Not an S3 location: {location!r}")
    bucket, _, key = rest.partition("/")
    return bucket, key


def _remember(memory: Any, key: Any, value: Any) -> Any:
    memory[key] = value
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
    return value


def _hidden(relative: str) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.split("/"))


def _declared(table: dict[str, Any]) -> tuple[list[tuple[str, Type]], list[tuple[str, Type]]]:
    """The catalog's columns of a Parquet table, and its partition keys."""
    descriptor = table.get("StorageDescriptor") or {}
    _only_parquet(table, descriptor)
    columns, keys = (
        [(c["Name"].lower(), parse_type(c["Type"])) for c in listed or []]
        for listed in (descriptor.get("Columns"), table.get("PartitionKeys"))
    )
    return columns, keys


def _only_parquet(table: dict[str, Any], descriptor: dict[str, Any]) -> None:
    library = str((descriptor.get("SerdeInfo") or {}).get("SerializationLibrary") or "")
    formats = f"{library} {descriptor.get('InputFormat')}".lower()
    classification = str((table.get("Parameters") or {}).get("classification") or "").lower()
    if "parquet" not in formats and classification != "parquet":
        raise refuse(f"table {table['Name']!r}, which is neither Parquet nor Iceberg")


def _iceberg_column(name: str, type_: Type) -> str:
    return f"CAST({quoted(name)} AS {type_.duckdb})"


def _relation(sql: str, columns: Iterable[tuple[str, Type]]) -> Relation:
    columns = list(columns)
    labels = tuple(column_label(i) for i in range(len(columns)))
    return Relation(sql, tuple(n for n, _ in columns), tuple(t for _, t in columns), labels)


def _empty(columns: Iterable[tuple[str, Type]]) -> Relation:
    columns = list(columns)
    nulls = ", ".join(
        f"CAST(NULL AS {t.duckdb}) AS {column_label(i)}" for i, (_, t) in enumerate(columns)
    )
    return _relation(f"SELECT {nulls} WHERE FALSE", columns)
