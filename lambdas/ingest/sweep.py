"""A delete for each key that bronze holds as living and the source has not.

Due after a TRUNCATE, for which PostgreSQL fires no row trigger, after a reload, and as the audit of
a table without triggers: only bronze itself knows which keys there were.
"""

from collections.abc import Sequence

from lakehouse.ledger import Batch
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.capture import Capture
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.extraction import Extraction
from lambdas.ingest.statements import identifier, literal, render


def swept(
    extraction: Extraction, capture: Capture, bronze: Bronze, committed: Sequence[Batch]
) -> str:
    """DuckDB relation of the deletes; reads the keys of all committed objects, one at a time."""
    contract, batch = extraction.contract, extraction.batch
    keys = ", ".join(identifier(name) for name in contract.key)
    columns = ", ".join(f"{identifier(k)} {contract.types[k].duckdb}" for k in contract.key)
    extraction.run(f"CREATE TEMP TABLE known ({columns}, _op VARCHAR, PRIMARY KEY ({keys}))")
    copy = extraction.directory / "object.parquet"
    for file in (file for earlier in committed for file in earlier.files):
        bronze.get(file.key, copy)
        extraction.run(render("remember_keys", keys=keys, path=literal(str(copy))))
        copy.unlink()
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
