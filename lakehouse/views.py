"""The views that the dashboard reads: one SQL file each in `lakehouse/sql/views`, named for it.

A file holds one SELECT in Athena's dialect over `${silver}` and `${gold}`. Files are read as
package resources: found in a directory, a Lambda bundle and a zip alike.
"""

from collections.abc import Container
from importlib.resources import files

from lakehouse.errors import ConfigurationError
from lakehouse.layered import filled, read_tables


def load_views(tables: Container[str] | None = None) -> dict[str, str]:
    """SQL template of every view by view name, in alphabetical order.

    Only those that read no others than `tables`, if these are given.
    """
    directory = files("lakehouse") / "sql" / "views"
    found = {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in sorted(directory.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    }
    return {
        name: sql
        for name, sql in found.items()
        if tables is None or all(table in tables for _, table in read_tables(sql))
    }


def select_statement(name: str, silver: str, gold: str) -> str:
    """The view's SELECT over the databases `silver` and `gold`, without its title comment.

    Raises ConfigurationError for an unknown view, a database name that needs quotes, or a
    placeholder other than `${silver}` and `${gold}`.
    """
    views = load_views()
    if name not in views:
        raise ConfigurationError(f"no view {name!r}; known: {', '.join(views)}")
    return filled(views[name], silver, gold, f"view {name!r}")


def create_statement(name: str, silver: str, gold: str) -> str:
    """The statement that puts view `name` into the database `gold`."""
    return create_view(name, select_statement(name, silver, gold), gold)


def create_view(name: str, select: str, gold: str) -> str:
    """The `CREATE OR REPLACE VIEW` statement of a SELECT."""
    return f"CREATE OR REPLACE VIEW {gold}.{name} AS\n{select}"
