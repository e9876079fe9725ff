"""Live views: what silver will say once the batches that wait in bronze are merged.

One per contract, made from it. The statement is a template, into which the bounds of what waits are
written, so that Athena prunes bronze to the waiting files. Up to `PENDING`
the template is the view over silver alone, which is what holds after a merge.

A view is right whichever of the waiting batches silver already has: each key with a waiting row is
answered from bronze alone. So it may be read while a merge is at work.
"""

from collections.abc import Container, Iterable, Mapping

from lakehouse.columns import BATCH_ID, INGEST_DATE, INGESTED_AT, IS_CURRENT, OP, ROW_HASH
from lakehouse.contract import History, TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.ledger import Batch, State, Watermark, batch_name
from lakehouse.types import ColumnType
from lakehouse.views import create_view, load_views

PENDING = "/* waiting in bronze */"
"""Begins the part of a template that is left out when nothing waits."""
AFTER_BATCH, UPTO_BATCH = "<after_batch>", "<upto_batch>"
"""Batches wait above the first and up to the second: an object of a batch that was never committed
may lie above it."""
FIRST_DAY, LAST_DAY = "<first_day>", "<last_day>"
"""Partitions of the waiting batches, both inclusive."""
ADDED_IN_SILVER, ADDED_IN_BRONZE = "<added_in_silver>", "<added_in_bronze>"
"""Columns that the source gained and the contract does not name, each after a comma."""

_PREFIXES = ("dim_", "fact_")


def live_view_name(table: str) -> str:
    """`fact_sales` -> `v_live_sales`."""
    for prefix in _PREFIXES:
        table = table.removeprefix(prefix)
    return f"v_live_{table}"


def live_views(
    contracts: Mapping[str, TableContract], bronze: str, silver: str, gold: str
) -> dict[str, str]:
    """Table to the template of its view in database `gold`.

    Raises ConfigurationError when two views would have one name.
    """
    names = {table: live_view_name(table) for table in contracts}
    for table, name in names.items():
        others = [other for other, same in names.items() if same == name and other != table]
        if others or name in load_views():
            raise ConfigurationError(
                f"the live view of {table!r} would be {name!r}, as that of "
                f"{others[0] if others else 'lakehouse/sql/views'!r} is; rename the table"
            )
    return {
        table: create_view(names[table], live_query(contract, bronze, silver), gold)
        for table, contract in contracts.items()
    }


def live_query(contract: TableContract, bronze: str, silver: str) -> str:
    """The view's SELECT as a template: the contract's columns, then batch, time and hash."""
    columns = ", ".join(_column(name, kind) for name, kind in contract.types.items())
    metadata = (
        f'"{BATCH_ID}", CAST("{INGESTED_AT}" AS timestamp(3)) AS "{INGESTED_AT}", "{ROW_HASH}"'
    )
    keys = ", ".join(f'"{name}"' for name in contract.key)
    same = " AND ".join(f'b."{name}" = s."{name}"' for name in contract.key)
    living = f's."{IS_CURRENT}"' if contract.history is History.SCD2 else "true"
    # a snapshot has each key once
    newer = f', "{contract.cursor}" DESC' if contract.cursor else ""
    is_waiting = (
        f"\"{INGEST_DATE}\" BETWEEN '{FIRST_DAY}' AND '{LAST_DAY}'"
        f" AND \"{BATCH_ID}\" > '{AFTER_BATCH}' AND \"{BATCH_ID}\" <= '{UPTO_BATCH}'"
    )
    return f"""\
SELECT {columns}{ADDED_IN_SILVER}, {metadata}
FROM {silver}."{contract.table}" AS s
WHERE {living}
{PENDING}
AND NOT EXISTS (
    SELECT 1 FROM {bronze}."{contract.table}" AS b
    WHERE {is_waiting} AND {same}
)
UNION ALL
SELECT {columns}{ADDED_IN_BRONZE}, {metadata}
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY {keys}
            ORDER BY "{BATCH_ID}" DESC, "{OP}" = 'D'{newer}, "{ROW_HASH}"
        ) AS "_recency"
    FROM {bronze}."{contract.table}"
    WHERE {is_waiting}
) AS waiting
WHERE "_recency" = 1 AND "{OP}" <> 'D'"""


def statement(template: str, values: Mapping[str, str], kind: str) -> str:
    """The statement of a view: its template with `values`; if `settled`, over silver alone."""
    text = template.partition(PENDING)[0] if kind == "settled" else template
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def waiting(
    contract: TableContract, watermark: Watermark, pending: Iterable[Batch]
) -> dict[str, str] | None:
    """Placeholder to text while batches wait; None where none does, or silver has no table yet.

    `contract` has the columns that bronze has, `watermark` says which of them are in silver too.
    """
    batches = [batch for batch in pending if batch.state is State.COMMITTED and batch.files]
    if not batches or not watermark.merged_batch_id:
        return None
    days = [batch.ingest_date for batch in batches]
    return {
        AFTER_BATCH: batch_name(watermark.merged_batch_id),
        UPTO_BATCH: batch_name(max(batch.batch_id for batch in batches)),
        FIRST_DAY: min(days),
        LAST_DAY: max(days),
        ADDED_IN_SILVER: _added(contract, watermark, watermark.merged_columns),
        ADDED_IN_BRONZE: _added(contract, watermark, contract.columns),
    }


def settled(contract: TableContract, watermark: Watermark) -> dict[str, str]:
    """Placeholder to text after a merge, when silver has every column that bronze has."""
    return {ADDED_IN_SILVER: _added(contract, watermark, contract.columns)}


def _added(contract: TableContract, watermark: Watermark, present: Container[str]) -> str:
    """The added columns, each after a comma; NULL where they are not `present`."""
    added = {n: kind for n, kind in contract.types.items() if n in watermark.added_columns}
    return "".join(
        f", {_column(name, kind)}"
        if name in present
        else f', CAST(NULL AS {kind.trino}) AS "{name}"'
        for name, kind in added.items()
    )


def _column(name: str, kind: ColumnType) -> str:
    if "timestamp" not in kind.trino:
        return f'"{name}"'
    # Athena keeps milliseconds of Parquet's times, and a view keeps no zone: one type for both.
    return f'CAST("{name}" AS {kind.trino}) AS "{name}"'
