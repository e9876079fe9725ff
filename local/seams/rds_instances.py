"""The running PostgreSQL instances of the local RDS, one server and one front each."""

import json
import logging
import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pg8000.native

from lakehouse.errors import LocalError
from local.engines.certificates import server_certificate
from local.engines.postgres import PostgresEngine
from local.engines.postgres_commands import stop_server
from local.engines.postgres_front import PostgresFront

logger = logging.getLogger(__name__)

HOST: Final = "localhost"
"""Address of every endpoint; the front's certificate is for this name."""
Record = dict[str, Any]
"""An instance as the emulator keeps it (`ministack.services.rds._instances`)."""
Judge = Callable[[Record, str, str], str | None]
"""Judges (instance, user, token): None lets in, a text says why not."""


class Load(NamedTuple):
    """What an instance's server holds and who is at it."""

    data_bytes: int
    sessions: int


_LOAD: Final = """
    SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database)::bigint
        + (SELECT sum(size) FROM pg_ls_waldir())::bigint,
        (SELECT count(*) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
"""


class _Running(NamedTuple):
    engine: PostgresEngine
    front: PostgresFront


class Instances:
    """Starts and stops the servers; all state lies in `directory`.

    `<db id>.json` tells other programs of an instance: `dsn`, `front_port`, `backend_port`,
    `ca_file`, `pid` (null while it is stopped).
    """

    def __init__(self, directory: Path, judge: Judge) -> None:
        self._directory = directory.resolve()
        self._judge = judge
        self._running: dict[str, _Running] = {}
        self._lock = threading.RLock()
        self.ca_file = server_certificate(self._directory).ca

    def create(self, instance: Record) -> None:
        """Starts an instance, with the data and on the ports that it had before, if any.

        Puts the front's address into the record. Raises LocalError when it does not come up.
        """
        name = instance["DBInstanceIdentifier"]
        with self._lock:
            earlier = self._read(name)
            engine = PostgresEngine(
                self._directory / name,
                earlier.get("backend_port") or _free_port(),
                instance["DBName"],
                instance["MasterUsername"],
                instance["_MasterUserPassword"],
            )
            stop_server(engine.directory)

            def verify(user: str, token: str) -> str | None:
                return self._judge(instance, user, token)

            port = earlier.get("front_port") or _free_port()
            front = PostgresFront(engine, port, self._directory, verify)
            self._running[name] = _Running(engine, front)
            try:
                self._up(name)
            except LocalError:
                del self._running[name]
                raise
            instance["Endpoint"] |= {"Address": HOST, "Port": front.port}
            instance["DBInstanceStatus"] = "available"

    def start(self, instance: Record) -> None:
        """Starts a stopped (or died) instance on the ports it had."""
        with self._lock:
            self._up(self._known(instance))

    def stop(self, instance: Record) -> None:
        """Stops server and front; the data stays."""
        with self._lock:
            name = self._known(instance)
            running = self._running[name]
            running.front.stop()
            running.engine.stop()
            self._write(name)

    def restart(self, instance: Record) -> None:
        """Ends every session and starts again."""
        with self._lock:
            self.stop(instance)
            self.start(instance)

    def delete(self, instance: Record) -> None:
        """Removes the instance with its data; harmless when it is gone."""
        name = instance["DBInstanceIdentifier"]
        with self._lock:
            running = self._running.pop(name, None)
            if running is not None:
                running.front.stop()
                running.engine.destroy()
            self._file(name).unlink(missing_ok=True)

    def delete_all(self) -> None:
        """Removes every instance of this process."""
        with self._lock:
            for name in list(self._running):
                self.delete({"DBInstanceIdentifier": name})

    def stop_all(self) -> None:
        """Stops every instance of this process; the data stays."""
        with self._lock:
            for name in list(self._running):
                try:
                    self.stop({"DBInstanceIdentifier": name})
                except LocalError:
                    logger.exception("instance %s did not stop", name)

    def set_password(self, instance: Record, password: str) -> None:
        """Changes the master user's password, also in the DSN that is told."""
        with self._lock:
            name = self._known(instance)
            old = self._running[name]
            engine = replace(old.engine, master_password=password)
            # A stopped server gets the password when it starts.
            if engine.is_running():
                user = pg8000.native.identifier(engine.master_user)
                engine.query(f"ALTER ROLE {user} PASSWORD {pg8000.native.literal(password)}")
            self._running[name] = _Running(engine, old.front)
            self._write(name)

    def loads(self) -> dict[str, Load]:
        """Of every instance whose server runs; one that goes away meanwhile is left out."""
        found = {}
        with self._lock:
            engines = {name: running.engine for name, running in self._running.items()}
        for name, engine in engines.items():
            with suppress(pg8000.Error, OSError):
                [[data, sessions]] = engine.query(_LOAD)
                found[name] = Load(int(str(data)), int(str(sessions)))
        return found

    def _known(self, instance: Record) -> str:
        name: str = instance["DBInstanceIdentifier"]
        if name not in self._running:
            raise LocalError(f"DB instance {name!r} has no server; delete it and deploy again")
        return name

    def _up(self, name: str) -> None:
        engine, front = self._running[name]
        try:
            engine.start()
            front.start()
        except OSError as taken:
            engine.stop()
            raise LocalError(f"DB instance {name!r}: port {front.port}: {taken}") from taken
        self._write(name)

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(self._file(name).read_text())
            return document
        except (OSError, ValueError):
            return {}

    def _write(self, name: str) -> None:
        engine, front = self._running[name]
        document = {
            "dsn": engine.dsn,
            "front_port": front.port,
            "backend_port": engine.port,
            "ca_file": str(front.ca_file),
            "pid": engine.pid,
        }
        file = self._file(name)
        unfinished = file.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(document, indent=2) + "\n")
        unfinished.replace(file)


def stop_leftovers(state_directory: Path, *, delete: bool = False) -> int:
    """Stops the servers that a killed emulator left behind; returns how many it stopped.

    With `delete` the whole folder goes too.
    """
    stopped = 0
    for data in sorted(state_directory.glob("*/data/PG_VERSION")):
        directory = data.parent.parent
        stopped += (directory / "data" / "postmaster.pid").exists()
        stop_server(directory)
    if delete:
        shutil.rmtree(state_directory, ignore_errors=True)
    return stopped


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
