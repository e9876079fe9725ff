"""What a comparison of two layers found, in words that name table, batch, keys and the remedy.

Pure, standard library only: the Glue job and the audit speak alike. Keys are JSON objects of the
key columns; no other column is ever named, since it may be personal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lakehouse.ledger import Batch, batch_name

SAMPLE: Final = 5
"""Keys named by one message."""


@dataclass(frozen=True)
class Outcome:
    """The rows of one table's batches, layer by layer: a row of gold's table `reconciliation`.

    `bronze_keys` = `silver_keys` + `deleted_keys` + `quarantined_keys`: each key of the batches is
    counted once, by its newest version.
    """

    source_table: str
    first_batch_id: str
    last_batch_id: str
    source_rows: int | None = None
    """As PostgreSQL counted them; None where it was not asked."""
    bronze_rows: int = 0
    bronze_keys: int = 0
    silver_keys: int = 0
    deleted_keys: int = 0
    quarantined_keys: int = 0
    detail: str | None = None
    """What does not agree; None: reconciled."""

    @property
    def is_reconciled(self) -> bool:
        """Whether nothing was found."""
        return self.detail is None


def span(batches: Sequence[Batch]) -> str:
    """`batch 7`, or `batches 5 to 7`, by their names."""
    first, last = batches[0].name, batches[-1].name
    return f"batch {first}" if first == last else f"batches {first} to {last}"


def named(keys: Sequence[str], count: int | None = None) -> str:
    """The first keys, and how many there are in all."""
    total = len(keys) if count is None else count
    more = f" and {total - SAMPLE} more" if total > SAMPLE else ""
    return f"{total} key(s): {', '.join(keys[:SAMPLE])}{more}"


def reland(table: str, batch_id: int) -> str:
    """What mends a batch whose objects are not what was landed."""
    return (
        f"restore the object, or read the batch from the source again: "
        f"make repair TABLE={table} BATCH={batch_id}"
    )


def remerge(table: str) -> str:
    """What mends silver."""
    return f"make repair TABLE={table} makes it again from bronze"


def recompute() -> str:
    """What mends gold."""
    return "make repair TABLE=gold computes gold again from silver"


def skipped(table: str, reconciled: int, merged: int) -> str:
    """Batches that count as merged and were never reconciled."""
    first, last = batch_name(reconciled + 1), batch_name(merged)
    which = f"batch {first} was" if first == last else f"batches {first} to {last} were"
    return (
        f"{table}: {which} skipped: silver is marked as merged up to {last}, but reconciled only "
        f"up to {batch_name(reconciled)}; {remerge(table)}"
    )
