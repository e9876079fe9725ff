"""SchemaCrawler's test database: books, authors, celebrities, and what else SQL allows."""

import pg8000.native

from tests.samples.packages import jar

_JAR = (
    "us.fatehi", "schemacrawler-testdb", "17.9.0",
    "640fb62638e9e9bc9dad15966ca72651502963f0064748d48adf7e80af10aa0b",
)  # fmt: skip
_ROLES = ("/02_users", "/70_grants", "/00_drop")
"""Scripts about roles of the whole cluster, which a second build would find there already."""


def build(connection: pg8000.native.Connection) -> None:
    """Makes schema `books` as the package's list of scripts for PostgreSQL says."""
    with jar(*_JAR) as archive:
        for line in archive.read("postgresql.scripts.txt").decode().split():
            delimiter, _, path = line.partition(",")
            if delimiter == "#" or any(part in path for part in _ROLES):
                continue
            script = archive.read(path.lstrip("/")).decode().replace("\r", "")
            connection.run(script.replace("\n@", "\n;") if delimiter == "@" else script)
    connection.run("RESET search_path")
