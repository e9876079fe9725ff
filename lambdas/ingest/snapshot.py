"""Tables without a cursor: all rows in one snapshot, compared with what was read of them last.

What was read last is the table's state: an object of keys and hashes beside bronze, written with
each batch. A batch writes into one of two places by turns, so that the state of the last committed
batch is there whatever becomes of this one. An idle poll asks PostgreSQL for one fingerprint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.contract import TableContract
from lakehouse.errors import ContractError, ReconciliationError
from lakehouse.ledger import Batch
from lakehouse.rowhash import content, row_hash
from lakehouse.sqltext import identifier, literal
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.capture import Capture
from lambdas.ingest.extraction import Extraction, from_source
from lambdas.ingest.fingerprint import fingerprint_of, fingerprint_query
from lambdas.ingest.ranges import range_of
from lambdas.ingest.statements import render
from lambdas.ingest.sweep import remember


@dataclass(frozen=True)
class Taken:
    """The table as it was read."""

    differences: str
    """DuckDB relation: the contract's columns and `_op` of what is new, other or gone."""
    fingerprint: str
    state: Path
    """Keys and hashes of all rows, as an object."""
    rows: int
    """Of the state."""


def take(
    extraction: Extraction, capture: Capture, bronze: Bronze, committed: Sequence[Batch]
) -> Taken:
    """Reads the table whole and compares; `committed` are its batches in order.

    Raises ContractError where the key is none, ReconciliationError where PostgreSQL, asked in the
    same snapshot, counts or hashes other rows than were read.
    """
    contract, batch = extraction.contract, extraction.batch
    whole, state = (extraction.directory / f"{name}.parquet" for name in ("whole", "state"))
    path = literal(str(whole))
    captured = capture.rows(range_of(batch))
    extraction.run(
        render(
            "whole",
            row_hash=row_hash(contract, "duckdb"),
            captured=from_source(captured),
            path=path,
            encoding=extraction.encoding,
        )
    )
    rows = _check(extraction, captured, path)
    [fingerprint] = extraction.run(from_source(fingerprint_query(contract)))
    _hold(extraction, bronze, committed)
    keys = ", ".join(identifier(name) for name in contract.key)
    extraction.run(
        f"COPY (SELECT {keys}, _state FROM read_parquet({path})) "
        f"TO {literal(str(state))} (FORMAT parquet, COMPRESSION zstd)"
    )
    same = " AND ".join(f"held.{identifier(k)} = whole.{identifier(k)}" for k in contract.key)
    differences = render(
        "differences",
        columns=", ".join(f"whole.{identifier(name)}" for name in contract.columns),
        gone=", ".join(_gone(contract, batch)),
        path=path,
        same_key=same,
    )
    return Taken(differences, fingerprint_of(fingerprint), state, rows)


def _check(extraction: Extraction, captured: str, path: str) -> int:
    contract = extraction.contract
    names = [identifier(name) for name in contract.key]
    [(rows, total, nulls, others)] = extraction.run(
        render(
            "whole_facts",
            path=path,
            keys=", ".join(names),
            is_null=" OR ".join(f"{name} IS NULL" for name in names),
        )
    )
    if nulls or others:
        fault = "is NULL in" if nulls else "is that of another in"
        raise ContractError(
            f"{contract.relation}: the key ({', '.join(contract.source_key)}) {fault} "
            f"{nulls or others} rows; name columns in the contract that tell its rows apart"
        )
    hashed = f"CASE WHEN _op <> '!' THEN {row_hash(contract, 'postgres')} END"
    witness = render("witness", content=content(hashed, "postgres"), captured=captured)
    [said] = extraction.run(from_source(witness))
    if (int(said[0]), int(said[1])) != (rows, int(total)):
        raise ReconciliationError(
            f"{contract.table} batch {extraction.batch.name}: the {rows} rows that were read are "
            f"not the {said[0]} that PostgreSQL hashes; nothing was committed, and the next run "
            "reads the table again. If that fails too, the reader carries a value wrongly"
        )
    return int(rows)


def _hold(extraction: Extraction, bronze: Bronze, committed: Sequence[Batch]) -> None:
    """The table `held`: what was read last; after a reload the keys of bronze, and no hashes."""
    contract, batch = extraction.contract, extraction.batch
    before = committed[-1] if committed else None
    if before and before.state_files and batch.restart_from is None:
        copy = extraction.directory / "held.parquet"
        bronze.get(before.state_files[0].key, copy)
        relation = f"read_parquet({literal(str(copy))})"
        extraction.run(f"CREATE TEMP TABLE held AS SELECT *, true AS _is_held FROM {relation}")
        return
    remember(extraction, bronze, committed)
    keys = ", ".join(identifier(name) for name in contract.key)
    extraction.run(
        f"CREATE TEMP TABLE held AS SELECT {keys}, NULL::BIGINT AS _state, true AS _is_held "
        "FROM known WHERE _op <> 'D'"
    )


def _gone(contract: TableContract, batch: Batch) -> list[str]:
    """The columns of a deleted row: its key, and when that was seen."""
    values = []
    for name, kind in contract.types.items():
        if name in contract.key:
            values.append(f"held.{identifier(name)}")
        elif name == contract.changed_at:
            values.append(f"{literal(batch.opened_at)}::TIMESTAMPTZ")
        else:
            values.append(f"NULL::{kind.duckdb}")
    return values
