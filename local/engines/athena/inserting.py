"""INSERT INTO an Iceberg table: the query's rows as one more snapshot, by PyIceberg.

Trino converts what fits; here each value must have its column's type already (varchar of any
length), so that nothing is converted in another way than there.
"""

from typing import Any

import duckdb
from pyiceberg.catalog.glue import GlueCatalog

from local.engines.athena.catalog import Catalog, is_iceberg
from local.engines.athena.errors import AthenaError, refuse
from local.engines.athena.iceberg import iceberg_type
from local.engines.athena.result import Column, QueryResult
from local.engines.athena.scope import Relation, quoted
from local.engines.athena.statements import Statement
from local.engines.athena.types import BIGINT, Type


def insert(
    catalog: Catalog,
    iceberg: GlueCatalog,
    cursor: duckdb.DuckDBPyConnection,
    statement: Statement,
    schema: str,
    relation: Relation,
    scanned: int,
) -> QueryResult:
    """Appends the rows of the compiled query."""
    found = catalog.need(schema, statement.name, None)
    if not is_iceberg(found):
        raise refuse("INSERT INTO a table that is not Iceberg")
    table = iceberg.load_table((schema, statement.name))
    fields = table.schema().fields
    wanted = [iceberg_type(str(field.field_type)) for field in fields]
    _check(relation.types, wanted)
    listed = ", ".join(
        f"CAST({label} AS {kind.duckdb}) AS {quoted(field.name)}"
        for label, kind, field in zip(relation.labels, wanted, fields, strict=True)
    )
    rows: Any = cursor.execute(f"SELECT {listed} FROM ({relation.sql}) AS result").to_arrow_table()
    table.append(rows.cast(table.schema().as_arrow()))
    columns = [Column.of("rows", BIGINT)]
    return QueryResult(columns, [], "DML", "INSERT", scanned, len(rows), [], "")


def _check(given: list[Type], wanted: list[Type]) -> None:
    same = [_same(mine, theirs) for mine, theirs in zip(given, wanted, strict=False)]
    if len(given) != len(wanted) or not all(same):
        table = ", ".join(map(str, wanted))
        query = ", ".join(map(str, given))
        raise AthenaError(
            "TYPE_MISMATCH",
            f"Insert query has mismatched column types: Table: [{table}], Query: [{query}]",
        )


def _same(given: Type, wanted: Type) -> bool:
    if given.name == "unknown" or given.name == wanted.name == "varchar":
        return True
    if given.name == wanted.name == "timestamp with time zone":
        return given.size == wanted.size
    return given == wanted
