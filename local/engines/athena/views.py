"""Tables and views by name: a view is compiled with its own schema and its declared types."""

from itertools import count
from typing import Any

import duckdb
from sqlglot import exp

from local.engines.athena import casts
from local.engines.athena.catalog import CATALOG, Catalog, View, is_view, read_view
from local.engines.athena.errors import AthenaError, position, refuse
from local.engines.athena.parsing import parse
from local.engines.athena.pruning import bounds
from local.engines.athena.queries import Compiler
from local.engines.athena.scope import Relation, column_label
from local.engines.athena.storage import Storage
from local.engines.athena.types import coerces


class Resolver:
    """Compiles one query and all views below it. `scanned` grows by each table it reads.

    With `rows` off, it reads none: only types and names are wanted.
    """

    def __init__(
        self,
        catalog: Catalog,
        storage: Storage,
        cursor: duckdb.DuckDBPyConnection,
        *,
        rows: bool = True,
    ) -> None:
        self.catalog, self.storage, self.cursor, self.rows = catalog, storage, cursor, rows
        self.scanned = 0
        self._numbers = count(1)
        self._open: list[str] = []

    def compile(self, tree: Any, schema: str) -> Relation:
        """The query's relation, names without a schema being `schema`'s."""
        return Compiler(lambda node: self._read(node, schema), self._numbers).query(tree)

    def _read(self, node: exp.Table, schema: str) -> Relation:
        if node.catalog and node.catalog.lower() != CATALOG:
            raise AthenaError(
                "CATALOG_NOT_FOUND", f"Catalog '{node.catalog}' does not exist", position(node)
            )
        schema, name = (node.db or schema).lower(), node.name.lower()
        if schema == "information_schema":
            raise refuse("information_schema", node)
        table = self.catalog.need(schema, name, position(node))
        if is_view(table):
            return self._view(read_view(table), f"{CATALOG}.{schema}.{name}", node)
        if not self.rows:
            return self.storage.shape(table)
        relation, size = self.storage.relation(table, self.cursor, bounds(node))
        self.scanned += size
        return relation

    def _view(self, view: View, name: str, node: exp.Table) -> Relation:
        if name in self._open:
            raise AthenaError("INVALID_VIEW", "View is recursive", position(node))
        self._open.append(name)
        try:
            relation = self.compile(parse(view.sql), view.schema)
        except AthenaError as fault:
            if fault.message.startswith("the local Athena") or fault.code == "INVALID_VIEW":
                raise AthenaError(fault.code, fault.message, position(node)) from fault
            raise AthenaError("INVALID_VIEW", f"Failed analyzing stored view '{name}': "
                              f"{fault.reason(view.sql)}", position(node)) from fault  # fmt: skip
        finally:
            self._open.pop()
        self._check(view, relation, name, node)
        columns = ", ".join(
            f"{casts.coerce(label, have, declared)} AS {column_label(i)}"
            for i, (label, have, (_, declared)) in enumerate(
                zip(relation.labels, relation.types, view.columns, strict=True)
            )
        )
        sql = f"SELECT {columns} FROM ({relation.sql}) AS v{next(self._numbers)}"
        names, types = zip(*view.columns, strict=True)
        return Relation(sql, names, types, relation.labels)

    def _check(self, view: View, relation: Relation, name: str, node: exp.Table) -> None:
        """A view whose tables have changed below it is stale until it is replaced."""
        fault = ""
        if len(view.columns) != len(relation.types):
            fault = (f"stored view column count ({len(view.columns)}) does not match column count "
                     f"derived from the view query analysis ({len(relation.types)})")  # fmt: skip
        for i, (column, declared) in enumerate(view.columns[: len(relation.types)]):
            actual, type_ = relation.names[i], relation.types[i]
            if not fault and (actual or "").lower() != column.lower():
                fault = f"column [{actual}] of type {type_} projected from query view at position {i} has a different name from column [{column}] of type {declared} stored in view definition"  # noqa: E501
            if not fault and not coerces(type_, declared):
                fault = f"column [{actual}] of type {type_} projected from query view at position {i} cannot be coerced to column [{column}] of type {declared} stored in view definition"  # noqa: E501
        if fault:
            raise AthenaError(
                "VIEW_IS_STALE",
                f"View '{name}' is stale or in invalid state: {fault}",
                position(node),
            )
