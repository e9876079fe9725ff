"""Statements that read or change only the catalog."""

import fnmatch
from collections.abc import Callable, Iterable
from typing import Any, Final

from local.engines.athena.catalog import CATALOG, Catalog, is_view
from local.engines.athena.errors import AthenaError
from local.engines.athena.result import Column, QueryResult
from local.engines.athena.statements import Statement

Utility = Callable[[Catalog, Statement, str], QueryResult]


def _listing(
    statement: Statement, columns: Iterable[str], rows: list[tuple[str | None, ...]]
) -> QueryResult:
    return QueryResult(
        [Column(name, "string", 0, 0) for name in columns], rows, statement.type, statement.kind
    )


def _done(statement: Statement) -> QueryResult:
    return QueryResult([], [], statement.type, statement.kind)


def _like(names: list[str], pattern: str) -> list[tuple[str | None, ...]]:
    """Hive's patterns: `*` and `|`."""
    wanted = pattern.lower().replace("%", "*").split("|") if pattern else ["*"]
    return [(name,) for name in names if any(fnmatch.fnmatchcase(name, one) for one in wanted)]


def _show_tables(catalog: Catalog, statement: Statement, schema: str) -> QueryResult:
    return _listing(statement, ["tab_name"], _like(catalog.tables(schema), statement.pattern))


def _show_views(catalog: Catalog, statement: Statement, schema: str) -> QueryResult:
    return _listing(statement, ["views"], _like(catalog.tables(schema, True), statement.pattern))


def _show_databases(catalog: Catalog, statement: Statement, _schema: str) -> QueryResult:
    return _listing(statement, ["database_name"], _like(catalog.databases(), statement.pattern))


def _describe(catalog: Catalog, statement: Statement, schema: str) -> QueryResult:
    table = catalog.need(schema, statement.name, None)
    columns = table["StorageDescriptor"].get("Columns") or []
    keys = table.get("PartitionKeys") or []
    rows = [_padded(column) for column in [*columns, *keys]]
    if keys:
        title = {"Name": "# col_name", "Type": "data_type", "Comment": "comment"}
        rows += [("", None, None), ("# Partition Information", None, None), _padded(title)]
        rows += [_padded(key) for key in keys]
    return _listing(statement, ["col_name", "data_type", "comment"], rows)


def _padded(column: dict[str, Any]) -> tuple[str | None, ...]:
    texts = (column["Name"], column["Type"], column.get("Comment") or "")
    return tuple(text.ljust(20) for text in texts)


def _create_database(catalog: Catalog, statement: Statement, _schema: str) -> QueryResult:
    if catalog.database(statement.name) is not None:
        if statement.if_exists:
            return _done(statement)
        raise AthenaError("ALREADY_EXISTS", f"Schema '{CATALOG}.{statement.name}' already exists")
    database = {"Name": statement.name}
    if statement.location:
        database["LocationUri"] = statement.location
    catalog.call(catalog.glue.create_database, DatabaseInput=database)
    return _done(statement)


def _drop_database(catalog: Catalog, statement: Statement, _schema: str) -> QueryResult:
    if catalog.database(statement.name) is None:
        if statement.if_exists:
            return _done(statement)
        raise AthenaError("SCHEMA_NOT_FOUND", f"Schema '{statement.name}' does not exist")
    if not statement.replace and catalog.tables(statement.name):
        raise AthenaError(
            "SCHEMA_NOT_EMPTY", f"Schema '{statement.name}' is not empty; say CASCADE"
        )
    catalog.call(catalog.glue.delete_database, Name=statement.name)
    return _done(statement)


def _drop(catalog: Catalog, statement: Statement, schema: str) -> QueryResult:
    table = catalog.table(schema, statement.name)
    kind = "View" if statement.kind == "DROP_VIEW" else "Table"
    full = f"{CATALOG}.{schema}.{statement.name}"
    if table is None:
        if statement.if_exists:
            return _done(statement)
        raise AthenaError(f"{kind.upper()}_NOT_FOUND", f"{kind} '{full}' does not exist")
    if is_view(table) != (kind == "View"):
        other = "View" if kind == "Table" else "Table"
        raise AthenaError(
            "SYNTAX_ERROR",
            f"{kind} '{full}' does not exist, but a {other.lower()} with that name exists; "
            f"DROP {other.upper()} removes it",
        )
    catalog.call(catalog.glue.delete_table, DatabaseName=schema, Name=statement.name)
    return _done(statement)


UTILITIES: Final[dict[str, Utility]] = {
    "SHOW_TABLES": _show_tables, "SHOW_VIEWS": _show_views, "SHOW_DATABASES": _show_databases,
    "DESCRIBE_TABLE": _describe, "CREATE_DATABASE": _create_database,
    "DROP_DATABASE": _drop_database, "DROP_TABLE": _drop, "DROP_VIEW": _drop,
}  # fmt: skip
