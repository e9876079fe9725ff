"""A database on the tests' server, reached by a DSN as a person reaches their own."""

import re
import subprocess
from dataclasses import dataclass
from urllib.parse import quote

import pg8000.native

from local.engines.postgres import PostgresEngine
from local.engines.postgres_commands import BINARIES


@dataclass(frozen=True)
class OwnDatabase:
    engine: PostgresEngine
    database: str
    user: str
    password: str

    @property
    def dsn(self) -> str:
        password = quote(self.password, safe="")
        return f"postgresql://{self.user}:{password}@127.0.0.1:{self.engine.port}/{self.database}"

    def connect(self) -> pg8000.native.Connection:
        return pg8000.native.Connection(
            self.user, password=self.password, host="127.0.0.1", port=self.engine.port,
            database=self.database,
        )  # fmt: skip

    def run(self, sql: str) -> list[list[object]]:
        connection = self.connect()
        try:
            return connection.run(sql) or []
        finally:
            connection.close()

    def dump(self) -> str:
        """Schema and roles, as pg_dump prints them."""
        schema = self._dump("pg_dump", "--schema-only", self.dsn)
        return schema + self._dump(
            "pg_dumpall", "--roles-only", "--no-role-passwords", "-d", self.dsn
        )

    def _dump(self, *command: str) -> str:
        result = subprocess.run(
            [BINARIES / command[0], *command[1:]], capture_output=True, text=True, check=True
        )
        return re.sub(r"(?m)^\\(un)?restrict .*$", "", result.stdout)
