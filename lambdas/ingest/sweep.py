"""A delete for each key that bronze or the quarantine holds as living and the source has not.

Due after a TRUNCATE, for which PostgreSQL fires no row trigger, after a reload, and as the audit of
a table without triggers: only bronze itself knows which keys there were.
"""

from collections.abc import Sequence

from lakehouse.contract import TableContract
from lakehouse.ledger import Batch
from lakehouse.sqltext import identifier, literal
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.capture import Capture
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.extraction import Extraction
from lambdas.ingest.statements import render


def remember(extraction: Extraction, bronze: Bronze, committed: Sequence[Batch]) -> None:
    """Makes the table `known`: the newest `_op` of each key in all committed objects."""
    contract = extraction.contract
    keys = ", ".join(identifier(name) for name in contract.key)
    columns = ", ".join(f"{identifier(k)} {contract.types[k].duckdb}" for k in contract.key)
    extraction.run(f"CREATE TEMP TABLE known ({columns}, _op VARCHAR, PRIMARY KEY ({keys}))")
    copy = extraction.directory / "object.parquet"
    path = literal(str(copy))
    remember = render("remember_keys", keys=keys, path=path)
    remember_held = render("remember_held", values=_held_keys(contract), path=path)
    for earlier in committed:
        for file in earlier.files:
            bronze.get(file.key, copy)
            extraction.run(remember)
        for file in earlier.quarantine_files:
            bronze.get(file.key, copy)
            extraction.run(remember_held)
        copy.unlink(missing_ok=True)


def swept(
    extraction: Extraction, capture: Capture, bronze: Bronze, committed: Sequence[Batch]
) -> str:
    """DuckDB relation of the deletes; reads the keys of all committed objects, one at a time."""
    contract, batch = extraction.contract, extraction.batch
    remember(extraction, bronze, committed)
    values = []
    for name, kind in contract.types.items():
        if name in contract.key:
            values.append(f"gone.{identifier(name)}")
        elif name == contract.cursor:
            landed = Cursor(contract).landed(batch.truncated_at or "")
            values.append(f"{landed} AS {identifier(name)}")
        elif name == contract.change_column:
            values.append(f"{literal(batch.opened_at)}::TIMESTAMPTZ AS {identifier(name)}")
        else:
            values.append(f"NULL::{kind.duckdb} AS {identifier(name)}")
    return render(
        "swept_keys",
        values=", ".join(values),
        living_keys=literal(capture.living_keys()),
        same_key=" AND ".join(
            f"living.{identifier(k)} = gone.{identifier(k)}" for k in contract.key
        ),
    )


def _held_keys(contract: TableContract) -> str:
    """DuckDB expressions of the key's columns from `row_key`; NULL where one can't be carried."""
    paths = {name: literal('$."' + name.replace('"', '\\"') + '"') for name in contract.key}
    return ", ".join(
        f"TRY_CAST(row_key::JSON ->> {path} AS {contract.types[name].duckdb}) AS {identifier(name)}"
        for name, path in paths.items()
    )
