"""The Glue catalog as Athena sees it: databases, tables and Presto views."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from local.engines.athena.errors import AthenaError, refuse
from local.engines.athena.types import Type
from local.engines.athena.typetext import parse_type

CATALOG: Final = "awsdatacatalog"
_VIEW: Final = ("/* Presto View: ", " */")


@dataclass(frozen=True)
class View:
    """A stored view: its SQL, the names it was resolved with, its declared columns."""

    sql: str
    catalog: str
    schema: str
    columns: tuple[tuple[str, Type], ...]


def missing(fault: ClientError) -> bool:
    """Whether Glue says that the thing does not exist."""
    return str(fault.response["Error"]["Code"]) == "EntityNotFoundException"


class Catalog:
    """Reads and writes one Glue catalog through a boto3 client. Nothing is kept between calls."""

    def __init__(self, glue: Any) -> None:
        self.glue = glue

    def table(self, schema: str, name: str) -> dict[str, Any] | None:
        """The Glue table, None if there is none."""
        try:
            found: dict[str, Any] = self.glue.get_table(DatabaseName=schema, Name=name)["Table"]
            return found
        except ClientError as fault:
            if missing(fault):
                return None
            raise

    def database(self, name: str) -> dict[str, Any] | None:
        """The Glue database, None if there is none."""
        try:
            found: dict[str, Any] = self.glue.get_database(Name=name)["Database"]
            return found
        except ClientError as fault:
            if missing(fault):
                return None
            raise

    def need(self, schema: str, name: str, at: int | None) -> dict[str, Any]:
        """The Glue table; raises AthenaError TABLE_NOT_FOUND or SCHEMA_NOT_FOUND."""
        if "$" in name:
            raise refuse(f"the metadata table {name!r}")
        found = self.table(schema, name)
        if found is None:
            self.need_database(schema, at)
            raise AthenaError(
                "TABLE_NOT_FOUND", f"Table '{CATALOG}.{schema}.{name}' does not exist", at
            )
        return found

    def need_database(self, name: str, at: int | None) -> dict[str, Any]:
        """The Glue database; raises AthenaError SCHEMA_NOT_FOUND."""
        found = self.database(name)
        if found is None:
            raise AthenaError("SCHEMA_NOT_FOUND", f"Schema '{name}' does not exist", at)
        return found

    def tables(self, schema: str, views_only: bool = False) -> list[str]:
        """Names of a database's tables and views, sorted."""
        self.need_database(schema, None)
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=schema)
        found = [table for page in pages for table in page["TableList"]]
        return sorted(t["Name"] for t in found if not views_only or is_view(t))

    def databases(self) -> list[str]:
        """Names of the databases, sorted."""
        pages = self.glue.get_paginator("get_databases").paginate()
        return sorted(item["Name"] for page in pages for item in page["DatabaseList"])

    def partitions(self, table: dict[str, Any]) -> list[dict[str, Any]]:
        """The registered partitions of a table."""
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=table["DatabaseName"], TableName=table["Name"]
        )
        return [item for page in pages for item in page["Partitions"]]

    def put(self, schema: str, table: dict[str, Any], replace: bool) -> None:
        """Creates a table or view, or replaces a view; raises AthenaError if it is there."""
        name = table["Name"]
        existing = self.table(schema, name)
        if existing is None:
            self.need_database(schema, None)
            self.glue.create_table(DatabaseName=schema, TableInput=table)
        elif replace and is_view(existing):
            self.glue.update_table(DatabaseName=schema, TableInput=table)
        else:
            kind = "View" if is_view(existing) else "Table"
            raise AthenaError(
                "ALREADY_EXISTS", f"{kind} '{CATALOG}.{schema}.{name}' already exists"
            )

    def call(self, operation: Callable[..., Any], **arguments: Any) -> None:
        """Calls Glue; its refusal becomes the query's failure."""
        try:
            operation(**arguments)
        except ClientError as fault:
            error = fault.response["Error"]
            raise AthenaError(
                "GENERIC_USER_ERROR", f"{error['Code']}: {error['Message']}"
            ) from fault


def is_view(table: dict[str, Any]) -> bool:
    """Whether a Glue table is a view."""
    return str(table.get("TableType")) == "VIRTUAL_VIEW"


def is_iceberg(table: dict[str, Any]) -> bool:
    """Whether a Glue table is an Iceberg table."""
    return "metadata_location" in (table.get("Parameters") or {})


def read_view(table: dict[str, Any]) -> View:
    """Decodes a view; raises AthenaError for one that is not Presto's."""
    text = str(table.get("ViewOriginalText") or "").strip()
    presto = (table.get("Parameters") or {}).get("presto_view") == "true"
    if not presto or not text.startswith(_VIEW[0]) or not text.endswith(_VIEW[1]):
        raise refuse(f"the Hive view {table['Name']!r}")
    stored = json.loads(base64.b64decode(text[len(_VIEW[0]) : -len(_VIEW[1])]))
    columns = tuple((c["name"], parse_type(c["type"])) for c in stored["columns"])
    return View(stored["originalSql"], stored.get("catalog") or CATALOG, stored["schema"], columns)


def view_input(name: str, view: View) -> dict[str, Any]:
    """The Glue TableInput of a view; raises AthenaError for a type that a view can't have."""
    stored = {
        "originalSql": view.sql,
        "catalog": view.catalog,
        "schema": view.schema,
        "columns": [{"name": column, "type": str(type_)} for column, type_ in view.columns],
    }
    encoded = base64.b64encode(json.dumps(stored).encode()).decode()
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"comment": "Presto View", "presto_view": "true"},
        "ViewOriginalText": encoded.join(_VIEW),
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": hive_columns(view.columns),
            "Location": "",
            "SerdeInfo": {},
        },
    }


def hive_columns(columns: tuple[tuple[str, Type], ...]) -> list[dict[str, str]]:
    """Glue columns; raises AthenaError NOT_SUPPORTED for what Hive has no type for."""
    result = []
    for name, type_ in columns:
        try:
            result.append({"Name": name, "Type": type_.hive})
        except AthenaError as fault:
            raise AthenaError(
                fault.code, f"Invalid column type for column {name}: {fault.message}"
            ) from None
    return result
