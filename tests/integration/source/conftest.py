"""A real PostgreSQL set up as RDS sets one up, with its front, and a fresh database per test."""

import gc
import itertools
import ssl
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pg8000.native
import pytest

from lambdas.bootstrap import database_roles
from local.engines.postgres import PostgresEngine
from local.engines.postgres_front import PostgresFront
from local.seams.rds_instances import _free_port
from tests.integration.source.messy_source import OwnDatabase

Failure = type[BaseException] | tuple[type[BaseException], ...]

MASTER, PASSWORD, TOKEN = "shop_admin", "p@ss wörd/'x", "a token that the test lets in"
_numbers = itertools.count(1)


def refusal(failure: Failure, connecting: Callable[[], object]) -> str:
    """What a refused connection says; pg8000 leaves its socket to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(failure) as refused:
            connecting()
        said = str(refused.value)
        del refused
        gc.collect()
    return said


@dataclass(frozen=True)
class Source:
    """One database of the server behind the front."""

    engine: PostgresEngine
    front: PostgresFront
    database: str

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.front.ca_file))

    def connect(self, user: str = MASTER, password: str | None = None) -> pg8000.native.Connection:
        """Through the front, as a Lambda connects."""
        return pg8000.native.Connection(
            user,
            password=password or (PASSWORD if user == MASTER else TOKEN),
            host="localhost",
            port=self.front.port,
            database=self.database,
            ssl_context=self.tls,
            timeout=30,
        )


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[PostgresEngine, PostgresFront]]:
    directory = tmp_path_factory.mktemp("source")
    engine = PostgresEngine(directory / "db", _free_port(), "shop", MASTER, PASSWORD)
    front = PostgresFront(
        engine, 0, directory / "tls", lambda _, token: None if token == TOKEN else "wrong"
    )
    try:
        engine.start()
        front.start()
        yield engine, front
    finally:
        front.stop()
        engine.destroy()


@pytest.fixture
def source(server: tuple[PostgresEngine, PostgresFront]) -> Source:
    """A new, empty database, owned by the master as on RDS."""
    engine, front = server
    engine.start()
    name = f"shop_{next(_numbers)}"
    engine.query(f"CREATE DATABASE {name} OWNER {MASTER}")
    return Source(engine, front, name)


@pytest.fixture(scope="module")
def messy(server: tuple[PostgresEngine, PostgresFront]) -> OwnDatabase:
    """A database of somebody who does not know us, with everything that a table may be."""
    engine, _ = server
    engine.start()
    name = f"messy_{next(_numbers)}"
    engine.query(f"CREATE DATABASE {name} OWNER {MASTER}")
    source = OwnDatabase(engine, name, MASTER, PASSWORD)
    source.run(Path(__file__).with_name("messy_schema.sql").read_text())
    return source


@pytest.fixture
def bootstrapped(source: Source) -> Source:
    """The same with the platform's roles."""
    connection = source.connect()
    database_roles.apply(connection)
    connection.close()
    return source


Connect = Callable[..., pg8000.native.Connection]


@pytest.fixture
def connect(bootstrapped: Source) -> Iterator[Connect]:
    """Opens connections that end with the test."""
    opened: list[pg8000.native.Connection] = []

    def open_one(user: str = MASTER, password: str | None = None) -> pg8000.native.Connection:
        opened.append(bootstrapped.connect(user, password))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where the local RDS keeps its state."""
    return tmp_path / "rds"
