"""A real PostgreSQL behind the emulated RDS instance, set up the way RDS sets one up.

The server listens on 127.0.0.1 with SCRAM for every role, and on a unix socket in a folder that
only its own system user may enter; there the front (`local.engines.postgres_front`) logs in for
roles that it has already authenticated by IAM token. The cluster's superuser `rdsadmin` never gets
in over TCP, as on RDS.
"""

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pg8000.exceptions
import pg8000.native

from lakehouse.errors import LocalError
from local.engines.postgres_commands import (
    START_SECONDS,
    give,
    run,
    running_pid,
    socket_directory,
    stop_server,
)

SUPERUSER: Final = "rdsadmin"
"""Owner of the cluster, as on RDS: unreachable for clients."""
_SETTINGS: Final = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
max_connections = 100
max_prepared_transactions = 20
track_activities = on
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
# The data can be made again by `make up`: speed is worth more than surviving a power cut.
fsync = off
full_page_writes = off
synchronous_commit = off
max_wal_size = '256MB'
jit = off
"""
_ACCESS: Final = f"""\
local all all                       trust
host  all {SUPERUSER} 127.0.0.1/32  reject
host  all all         127.0.0.1/32  scram-sha-256
"""
_RDS_ROLES: Final = """
DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['rds_iam', 'rds_superuser', 'rds_password'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
    END LOOP;
END $$;
GRANT pg_monitor, pg_read_all_stats, pg_signal_backend, pg_checkpoint
    TO rds_superuser WITH ADMIN OPTION;
"""


@dataclass(frozen=True)
class PostgresEngine:
    """One PostgreSQL cluster in `directory` (data, log); nothing runs before `start`."""

    directory: Path
    port: int
    database: str
    master_user: str
    master_password: str

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.directory / "postgres.log"

    @property
    def socket(self) -> Path:
        """The unix socket on which every role is trusted; only the front may reach it."""
        return socket_directory(self.directory) / f".s.PGSQL.{self.port}"

    @property
    def dsn(self) -> str:
        """URL of the master user over plain TCP, password included."""
        user, password = quote(self.master_user, safe=""), quote(self.master_password, safe="")
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{quote(self.database)}"

    @property
    def pid(self) -> int | None:
        """Process id of the running server, or None."""
        return running_pid(self.directory)

    def is_running(self) -> bool:
        """Whether the server process is alive."""
        return self.pid is not None

    def start(self) -> None:
        """Creates the cluster where there is none and starts it; harmless when it runs already.

        Raises LocalError with the server's last words when it does not come up.
        """
        if self.is_running():
            return
        self._initialize()
        sockets = self.socket.parent
        # A fresh folder: one that somebody else prepared would let them in without a password.
        shutil.rmtree(sockets, ignore_errors=True)
        sockets.mkdir(mode=0o700)
        give(sockets)
        self._write("postgresql.auto.conf", _SETTINGS.format(port=self.port, sockets=sockets))
        run("pg_ctl", "-D", self.data, "-l", self.log, "-t", START_SECONDS, "-w", "start",
             reach=self.directory, log=self.log)  # fmt: skip
        self._prepare()

    def stop(self) -> None:
        """Ends every session and stops the server; harmless when it does not run."""
        stop_server(self.directory)

    def restart(self) -> None:
        """Stops and starts again, on the same port."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """Stops the server and deletes its data and log."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def query(self, statement: str, **parameters: object) -> list[list[object]]:
        """Runs one statement as the superuser in the instance's database."""
        connection = self._connect(self.database)
        try:
            rows: list[list[object]] | None = connection.run(statement, **parameters)
            return rows or []
        finally:
            connection.close()

    def _connect(self, database: str) -> pg8000.native.Connection:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.settimeout(START_SECONDS)
            server.connect(str(self.socket))
            return pg8000.native.Connection(SUPERUSER, database=database, sock=server)
        except (OSError, pg8000.exceptions.Error) as refused:
            # pg8000 leaves the socket of a failed login open.
            server.close()
            raise LocalError(f"PostgreSQL in {self.directory} does not answer: {refused}") from None

    def _initialize(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        self.log.touch()
        give(self.data)
        give(self.log)
        run("initdb", "-D", self.data, "-U", SUPERUSER, "--auth=reject", "--encoding=UTF8",
             "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
             "--no-instructions", reach=self.directory, log=self.log)  # fmt: skip
        self._write("pg_hba.conf", _ACCESS)

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        give(path)

    def _prepare(self) -> None:
        """Roles and database as RDS makes them; each step looks first, since `start` repeats."""
        admin = self._connect("postgres")
        try:
            admin.run(_RDS_ROLES)
            user, database = (
                pg8000.native.identifier(name) for name in (self.master_user, self.database)
            )
            verb = "ALTER" if _exists(admin, "pg_roles", "rolname", self.master_user) else "CREATE"
            password = pg8000.native.literal(self.master_password)
            admin.run(f"{verb} ROLE {user} LOGIN CREATEDB CREATEROLE PASSWORD {password}")
            admin.run(f"GRANT rds_superuser TO {user}")
            # ADMIN alone: the master grants rds_iam to others and keeps its own password login.
            admin.run(f"GRANT rds_iam, rds_password TO {user} WITH ADMIN TRUE, INHERIT FALSE")
            if not _exists(admin, "pg_database", "datname", self.database):
                admin.run(f"CREATE DATABASE {database} OWNER {user}")
        finally:
            admin.close()


def _exists(connection: pg8000.native.Connection, catalog: str, column: str, name: str) -> bool:
    return bool(connection.run(f"SELECT 1 FROM {catalog} WHERE {column} = :name", name=name))
