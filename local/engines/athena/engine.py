"""The engine: one DuckDB instance, a cursor for each query, a Glue client and an S3 client."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import duckdb
from pyiceberg.catalog.glue import GlueCatalog

from lakehouse.sqltext import literal
from local.engines.athena import inserting, macros, render, writing
from local.engines.athena.catalog import Catalog
from local.engines.athena.errors import MARK, AthenaError
from local.engines.athena.parsing import parse, substitute
from local.engines.athena.result import Column, QueryResult
from local.engines.athena.scope import Relation
from local.engines.athena.statements import Statement, classify
from local.engines.athena.storage import S3Settings, Storage
from local.engines.athena.utility import UTILITIES
from local.engines.athena.views import Resolver

_UNGROUPED: Final = "a column must be an aggregate expression or appear in GROUP BY clause"
_EXTENSIONS: Final = ("httpfs", "avro", "iceberg")


@dataclass
class Job:
    """One execution: where it may write, and the handle that stops it."""

    query_id: str = "query"
    output: str = ""
    """`s3://` prefix of the query's results."""
    enforced: bool = False
    """The workgroup insists on `output`."""
    stopped: threading.Event = field(default_factory=threading.Event)
    cursor: duckdb.DuckDBPyConnection | None = None

    def stop(self) -> None:
        """Cancels the query, running or not yet."""
        self.stopped.set()
        if self.cursor is not None:
            self.cursor.interrupt()

    def check(self) -> None:
        """Raises AthenaError if the query was stopped."""
        if self.stopped.is_set():
            raise AthenaError("USER_CANCELED", "Query was canceled")


class Engine:
    """Runs Athena SQL over the Glue and S3 that the clients reach. Safe for several threads."""

    def __init__(self, glue: Any, s3: Any, settings: S3Settings) -> None:
        self.catalog = Catalog(glue)
        self.s3 = s3
        self.storage = Storage(self.catalog, s3)
        self._duckdb = _open(settings)
        self._settings = settings
        self._lock = threading.Lock()

    def execute(
        self,
        sql: str,
        database: str = "default",
        *,
        parameters: Sequence[str] = (),
        job: Job | None = None,
    ) -> QueryResult:
        """Runs one statement; raises AthenaError, whose `reason(sql)` is Athena's text."""
        job = job or Job()
        statement = classify(sql)
        with self._lock:
            cursor = job.cursor = self._duckdb.cursor()
        try:
            job.check()
            return self._dispatch(statement, database.lower(), list(parameters), job, cursor)
        except duckdb.Error as fault:
            job.check()
            raise _translated(fault) from fault
        finally:
            job.cursor = None
            cursor.close()

    def close(self) -> None:
        """Releases the DuckDB instance."""
        self._duckdb.close()

    def _dispatch(
        self,
        statement: Statement,
        database: str,
        parameters: list[str],
        job: Job,
        cursor: duckdb.DuckDBPyConnection,
    ) -> QueryResult:
        if utility := UTILITIES.get(statement.kind):
            return utility(self.catalog, statement, statement.schema or database)
        rows = statement.kind != "CREATE_VIEW"
        resolver = Resolver(self.catalog, self.storage, cursor, rows=rows)
        tree = parse(statement.query)
        relation = resolver.compile(substitute(tree, parameters), database)
        job.check()
        if statement.kind == "SELECT":
            return self._select(relation, resolver.scanned, cursor)
        if statement.kind == "INSERT":
            schema, scanned = statement.schema or database, resolver.scanned
            return inserting.insert(
                self.catalog, self._iceberg(), cursor, statement, schema, relation, scanned
            )
        writer = writing.Writer(
            self.catalog, self.s3, cursor, job.query_id, job.output, job.enforced
        )
        return writer.run(statement, statement.schema or database, relation, resolver.scanned)

    def _iceberg(self) -> GlueCatalog:
        settings = self._settings
        return GlueCatalog(
            "athena",
            **{
                "glue.endpoint": settings.endpoint,
                "s3.endpoint": settings.endpoint,
                "client.region": settings.region,
                "client.access-key-id": settings.access_key_id,
                "client.secret-access-key": settings.secret_access_key,
                **(
                    {"client.session-token": settings.session_token}
                    if settings.session_token
                    else {}
                ),
            },
        )

    def _select(
        self, relation: Relation, scanned: int, cursor: duckdb.DuckDBPyConnection
    ) -> QueryResult:
        rows = cursor.execute(render.projection(relation)).fetchall()
        columns = [
            Column.of(name or f"_col{i}", type_)
            for i, (name, type_) in enumerate(zip(relation.names, relation.types, strict=True))
        ]
        return QueryResult(columns, render.texts(rows, relation.types), scanned_bytes=scanned)


def _open(settings: S3Settings) -> duckdb.DuckDBPyConnection:
    """A DuckDB that loads its extensions from their packages and reads S3 by the settings."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # An object that was replaced under its name must never answer as the former one.
            "enable_external_file_cache": "false",
            "threads": str(min(4, os.cpu_count() or 1)),
        }
    )
    for name in _EXTENSIONS:
        package = Path(str(import_module(f"duckdb_extension_{name}").__file__)).parent
        (binary,) = package.glob(f"extensions/*/{name}.duckdb_extension")
        connection.execute(f"LOAD {literal(str(binary))}")
    scheme, _, address = settings.endpoint.partition("://")
    connection.execute(
        f"CREATE SECRET s3 (TYPE s3, KEY_ID {literal(settings.access_key_id)}, "
        f"SECRET {literal(settings.secret_access_key)}, "
        f"SESSION_TOKEN {literal(settings.session_token or '')}, ENDPOINT {literal(address)}, "
        f"REGION {literal(settings.region)}, URL_STYLE 'path', USE_SSL {scheme == 'https'})"
    )
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    macros.prepare(connection)
    return connection


def _translated(fault: duckdb.Error) -> AthenaError:
    """DuckDB's error in Athena's words; what is ours is marked, what is not says so."""
    text = str(fault)
    if MARK in text:
        code, _, message = text.partition(MARK)[2].partition(": ")
        return AthenaError(code, message.splitlines()[0])
    first = text.splitlines()[0]
    message = first.partition(": ")[2] or first
    if isinstance(fault, duckdb.OutOfRangeException):
        return AthenaError("NUMERIC_VALUE_OUT_OF_RANGE", message)
    if "More than one row returned by a subquery" in message:
        return AthenaError("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")
    if (
        isinstance(fault, duckdb.ConversionException)
        and "for the destination type" in message
        and "nan" not in message
    ):
        return AthenaError("NUMERIC_VALUE_OUT_OF_RANGE", message)
    if isinstance(fault, duckdb.ConversionException):
        return AthenaError("INVALID_CAST_ARGUMENT", message)
    if isinstance(fault, duckdb.BinderException) and "GROUP BY" in text:
        return AthenaError(
            "EXPRESSION_NOT_AGGREGATE",
            _UNGROUPED,
        )
    if isinstance(fault, duckdb.HTTPException | duckdb.IOException):
        return AthenaError("HIVE_CANNOT_OPEN_SPLIT", message)
    return AthenaError("GENERIC_INTERNAL_ERROR", f"{message} (the local Athena's DuckDB)")
