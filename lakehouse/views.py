"""The views that the dashboard reads: one SQL file each in `lakehouse/sql/views`, named for it.

A file holds one SELECT in Athena's dialect over `${silver}` and `${gold}`. Files are read as
package resources: found in a directory, a Lambda bundle and a zip alike.
"""

import re
from collections.abc import Container
from importlib.resources import files
from string import Template

from lakehouse.errors import ConfigurationError
from lakehouse.gold import GOLD

_GOLD_TABLE = re.compile(r"\$\{gold\}\.([a-z_]+)")
_DATABASE = re.compile(r"[a-z][a-z0-9_]*")


def load_views(tables: Container[str] = GOLD) -> dict[str, str]:
    """SQL template of every view by view name, in alphabetical order.

    Only those whose gold tables are among `tables`.
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
        if all(table in tables for table in _GOLD_TABLE.findall(sql))
    }


def select_statement(name: str, silver: str, gold: str) -> str:
    """The view's SELECT over the databases `silver` and `gold`, without its title comment.

    Raises ConfigurationError for an unknown view, a database name that needs quotes, or a
    placeholder other than `${silver}` and `${gold}`.
    """
    views = load_views()
    if name not in views:
        raise ConfigurationError(f"no view {name!r}; known: {', '.join(views)}")
    for database in (silver, gold):
        if not _DATABASE.fullmatch(database):
            raise ConfigurationError(
                f"database name {database!r} is not usable in SQL; use a-z, 0-9 and _"
            )
    lines = [line for line in views[name].splitlines() if not line.startswith("--")]
    try:
        return Template("\n".join(lines)).substitute(silver=silver, gold=gold).strip()
    except (KeyError, ValueError) as unknown:
        raise ConfigurationError(
            f"view {name!r} has the placeholder {unknown}; known: silver, gold"
        ) from None


def create_statement(name: str, silver: str, gold: str) -> str:
    """The `CREATE OR REPLACE VIEW` statement that puts view `name` into the database `gold`."""
    return f"CREATE OR REPLACE VIEW {gold}.{name} AS\n{select_statement(name, silver, gold)}"
