"""Names that a benchmark and the processes that it measures share."""

from typing import Final

from lakehouse.contract import Deletes, TableContract

USER: Final = "owner"
PASSWORD: Final = "bench"
DATABASE: Final = "sales"
BUCKET: Final = "bronze"
LEDGER: Final = "watermarks"
_COMMON = {"amount": "numeric(12,2)", "note": "text", "updated_at": "timestamptz"}
CHUNKED: Final = {
    table: TableContract(
        table=table,
        key=tuple(key),
        cursor="updated_at",
        columns={**key, **_COMMON},
        deletes=Deletes.AUDIT,
    )
    for table, key in (
        ("by_number", {"id": "bigint"}),
        ("by_order_line", {"order_id": "bigint", "line": "smallint"}),
        ("by_uuid", {"id": "uuid"}),
    )
}
"""The tables of `make bench-chunks`: they have no triggers, and nothing deletes there."""
