"""PostgreSQL's own word on a batch: it counts and hashes the range that DuckDB has landed.

Asked in the transaction that read the rows, so both speak of one snapshot. What is compared is the
file on disk, before anything is set aside or uploaded. Of a load PostgreSQL only counts: hashing
millions of rows would take it longer than reading them.
"""

from dataclasses import dataclass

from lakehouse.errors import ReconciliationError
from lakehouse.ledger import Kind
from lakehouse.rowhash import content, row_hash
from lakehouse.sqltext import literal
from lambdas.ingest.capture import Capture
from lambdas.ingest.extraction import Extraction, from_source
from lambdas.ingest.ranges import range_of
from lambdas.ingest.statements import render


@dataclass(frozen=True)
class Witness:
    """`rows` counts tombstones too; `content` is None where only rows were counted.

    Both are None of a sweep, which is no range of the source.
    """

    rows: int | None
    content: int | None


def take_witness(extraction: Extraction, capture: Capture) -> Witness:
    """Compares the landed file with PostgreSQL's figures and returns these.

    Raises ReconciliationError: terminal, and nothing of the batch is committed.
    """
    is_counted_only = capture.kind is Kind.LOAD
    hashed = extraction.hashed or extraction.contract
    # what can't be carried has no hash that two engines could agree on
    carried = f"CASE WHEN _op <> '!' THEN {row_hash(hashed, 'postgres')} END"
    statement = render(
        "witness",
        content="NULL" if is_counted_only else content(carried, "postgres"),
        captured=capture.rows(range_of(extraction.batch)),
    )
    [said] = extraction.run(from_source(statement))
    path = literal(str(extraction.bronze_file))
    [landed] = extraction.run(render("landed_content", path=path))
    witness = Witness(int(said[0]), None if is_counted_only else int(said[1]))
    if witness.rows != landed[0]:
        what = f"PostgreSQL counts {witness.rows} rows, {landed[0]} were landed"
    elif witness.content not in (None, int(landed[1])):
        what = f"the {witness.rows} rows that were landed are not those that PostgreSQL hashes"
    else:
        return witness
    table, batch = extraction.contract.table, extraction.batch.name
    raise ReconciliationError(
        f"{table} batch {batch}: {what}; nothing was committed, and the next run reads the batch "
        "again. If that fails too, the reader carries a value wrongly: "
        f"make ledger TABLE={table} shows the window"
    )
