"""Lands captured rows as one Parquet file on disk, by DuckDB, and states the facts of that file.

Landing knows nothing of polling: any DuckDB relation with the contract's columns and `_op` will do.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import duckdb_extension_postgres_scanner

from lakehouse.contract import TableContract
from lakehouse.errors import ContractError, LandingError
from lakehouse.ledger import Batch
from lakehouse.quality.compiler import RowRule
from lakehouse.rowhash import content, row_hash
from lakehouse.sqltext import identifier, literal
from lambdas.ingest.rules import judged, raw_row, reasons, row_key
from lambdas.ingest.source import Source
from lambdas.ingest.statements import render

MEMORY_MIB: Final = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")) // 2
"""Of DuckDB: half of the function's; Python, libpq and what DuckDB does not count take the rest."""
_GROUP_ROWS: Final = 61440
_GROUP_VALUES: Final = 65 * _GROUP_ROWS
"""A group is held in memory until it is written, 16 bytes for each value and more for long ones."""
_VECTOR: Final = 2048
THREADS: Final = 1
"""The reader is one connection, so a second thread only spins while PostgreSQL works."""
_EXACT_FLOATS: Final = "DICTIONARY_SIZE_LIMIT 0"
"""DuckDB's dictionaries take -0.0 for 0.0; Spark can't read the newer encoding of floats."""
_COMPACT: Final = "PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1000"
"""Keys and times as differences; a column of many values gives its dictionary up early."""
_PLAIN: Final = "DICTIONARY_SIZE_LIMIT 1000"
_UNREADABLE: Final = "DELTA_LENGTH_BYTE_ARRAY"
"""How DuckDB then encodes many different texts. Spark 3.5 takes a wrong text's length for each one
beyond the first 4,096 of a row group (its vectorized reader, without an error)."""
_EXTENSION = next(
    Path(duckdb_extension_postgres_scanner.__file__).parent.rglob("*.duckdb_extension")
)
_DISK_SIGNS = (
    "No space left",
    "File too large",
    "Could not write",
    "Cannot open file",
    "failed to offload",
)


@dataclass(frozen=True)
class Facts:
    """What a bronze file holds: rows with `_op` D included, and the sum of its row hashes."""

    rows: int
    deletes: int
    broken: int
    """Rows with a value that can't be carried, still in the file."""
    refused: int
    """Rows that break a rule, still in the file."""
    content: int


def from_source(statement: str) -> str:
    """DuckDB relation: the rows of a statement that PostgreSQL runs."""
    return f"SELECT * FROM postgres_query('source', {literal(statement)})"


@dataclass(frozen=True)
class Extraction:
    """One batch's files in `directory`, written over a DuckDB connection to the source."""

    database: duckdb.DuckDBPyConnection
    source: Source
    contract: TableContract
    batch: Batch
    directory: Path
    rules: Sequence[RowRule] = ()
    hashed: TableContract | None = None
    """Whose columns `_row_hash` is made from, where `contract` has more: those that were added."""

    @property
    def bronze_file(self) -> Path:
        """The rows of the batch."""
        return self.directory / "bronze.parquet"

    @property
    def quarantine_file(self) -> Path:
        """The rows that were set aside."""
        return self.directory / "quarantine.parquet"

    def land(self, captured: str) -> Facts:
        """Writes the relation `captured` to `bronze_file`; rows to set aside are still in it."""
        self.run(
            render(
                "land",
                columns=", ".join(identifier(name) for name in self.contract.columns),
                row_hash=row_hash(self.hashed or self.contract, "duckdb"),
                op=judged(self.rules),
                captured=captured,
                path=literal(str(self.bronze_file)),
                encoding=self.encoding,
                **self._marks,
            )
        )
        self._check_types()
        self._make_readable()
        return self._describe()

    def set_aside(self, captured: str | None) -> Facts:
        """Moves the rows to set aside to `quarantine_file`.

        `captured` is the raw form of those with `_op` `!`, None where there are none.
        """
        refused = render(
            "refused",
            row_key=row_key(self.contract),
            raw_row=raw_row(self.contract),
            reasons=reasons(self.rules),
            path=literal(str(self.bronze_file)),
        )
        aside = f"{refused} UNION ALL {captured}" if captured else refused
        table, path = literal(self.contract.table), literal(str(self.quarantine_file))
        self.run(render("quarantine", table=table, captured=aside, path=path, **self._marks))
        self._rewrite("WHERE _op NOT IN ('!', '?')")
        self._make_readable()
        return self._describe()

    def _rewrite(self, chosen: str = "") -> None:
        kept = self.directory / "kept.parquet"
        paths = {"path": literal(str(self.bronze_file)), "kept": literal(str(kept))}
        owner, encoding = self._marks["owner"], self.encoding
        self.run(render("keep", **paths, chosen=chosen, owner=owner, encoding=encoding))
        kept.replace(self.bronze_file)

    def _make_readable(self) -> None:
        """Writes the file again where it has texts that Spark would mix up; remembers the table."""
        path = literal(str(self.bronze_file))
        encodings = (
            f"SELECT DISTINCT encodings FROM parquet_metadata({path}) "
            "WHERE num_values > coalesce(stats_null_count, 0)"
        )
        if any(_UNREADABLE in (found or "") for (found,) in self.run(encodings)):
            _of_many_texts.add(self.contract.table)
            self._rewrite()

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a DuckDB statement; names the source or the disk when it fails."""
        try:
            return self.database.execute(statement).fetchall()
        except duckdb.Error as failed:
            raise self._failure(failed) from None

    def _failure(self, failed: duckdb.Error) -> Exception:
        message = str(failed)
        if "Failed to prepare query" in message:  # the statement, then what the server said of it
            return self.source.failure(message.rpartition('": ')[2].splitlines()[0])
        if isinstance(
            failed, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException
        ):
            return failed  # a defect of ours; names columns, never values
        if any(sign in message for sign in _DISK_SIGNS):
            return LandingError(
                f"{self.contract.table} batch {self.batch.name}: the function's disk can't hold "
                f"the batch: {message.splitlines()[0]}; raise its storage or lower chunk_rows"
            )
        if isinstance(failed, duckdb.OutOfMemoryException):
            return LandingError(
                f"{self.contract.table} batch {self.batch.name} needs more than {MEMORY_MIB} MiB; "
                "raise the stage's functions.ingest_memory_mib or lower chunk_rows"
            )
        return self.source.failure(_server_message(message))

    @property
    def _marks(self) -> dict[str, str]:
        return {
            "batch": literal(self.batch.name),
            "ingested_at": literal(self.batch.opened_at),
            "owner": literal(self.batch.owner),
        }

    @property
    def encoding(self) -> str:
        """How Parquet is to hold the values exactly, in groups that fit into memory."""
        fitting = _GROUP_VALUES // len(self.contract.columns) // _VECTOR * _VECTOR
        group = f", ROW_GROUP_SIZE {max(_VECTOR, min(_GROUP_ROWS, fitting))}"
        kinds = {kind.duckdb.removesuffix("[]") for kind in self.contract.types.values()}
        if kinds & {"FLOAT", "DOUBLE"}:
            return _EXACT_FLOATS + group
        return (_PLAIN if self.contract.table in _of_many_texts else _COMPACT) + group

    def _describe(self) -> Facts:
        path = literal(str(self.bronze_file))
        [facts] = self.run(render("describe", content=content("_row_hash", "duckdb"), path=path))
        return Facts(*(int(fact) for fact in facts))

    def _check_types(self) -> None:
        """A changed type would change values: what was written must be what the contract says."""
        path = literal(str(self.bronze_file))
        written = self.run(f"DESCRIBE SELECT * FROM read_parquet({path})")
        for (name, kind, *_), expected in zip(written, self.contract.types.values(), strict=False):
            if kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") != expected.duckdb:
                raise ContractError(
                    f"{self.contract.table}.{name} arrived as {kind} instead of {expected.duckdb}; "
                    "nothing was landed"
                )


def _server_message(message: str) -> str:
    """The message without the statement and without the connection string, which holds a secret."""
    if "Unable to connect" in message:
        return "Unable to connect: " + message.splitlines()[0].rpartition('": ')[2]
    for mark in ("ERROR:", "FATAL:", "server closed"):
        if mark in message:
            return message[message.index(mark) :].splitlines()[0]
    return "the reader failed; its message is withheld, since it may hold values"


@contextmanager
def reading(
    source: Source,
    contract: TableContract,
    batch: Batch,
    directory: Path,
    rules: Sequence[RowRule] = (),
    hashed: TableContract | None = None,
) -> Iterator[Extraction]:
    """An extraction over one connection and one snapshot of the source, taken at its first read."""
    try:
        instance = _warm.pop()
    except IndexError:
        instance = _instance()
    try:
        with instance.cursor() as database:
            extraction = Extraction(database, source, contract, batch, directory, rules, hashed)
            extraction.run(f"ATTACH {literal(source.dsn())} AS source (TYPE postgres, READ_ONLY)")
            try:
                extraction.run("BEGIN TRANSACTION")
                yield extraction
                extraction.run("COMMIT")
            except BaseException:
                # DuckDB ends the process if it closes over a transaction whose server is gone
                with suppress(duckdb.Error):
                    database.execute("ROLLBACK")
                raise
            extraction.run("DETACH source")  # closes the connection
    except BaseException:
        instance.close()  # one that has failed may be unusable, and `source` is attached to it
        raise
    _warm.append(instance)


_of_many_texts: set[str] = set()
"""Tables whose texts a warm function has had to write again: it writes them plainly at once."""

_warm: list[duckdb.DuckDBPyConnection] = []
"""DuckDB with the reader loaded, for the next invocation of a warm function."""


def _instance() -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{MEMORY_MIB}MiB",
        "threads": THREADS,
        "temp_directory": str(Path(tempfile.gettempdir()) / "ingest-spilled"),
        "preserve_insertion_order": False,
        # It takes a file that was replaced within a second for the former one, and holds memory.
        "enable_external_file_cache": False,
        # The reader is loaded from its package, whose hash was checked when the function was built.
        # To check DuckDB's signature of 42 MB too takes longer than a delta of a thousand rows.
        "allow_unsigned_extensions": True,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    instance = duckdb.connect(config=settings)
    instance.execute(f"LOAD {literal(str(_EXTENSION))}")
    return instance
