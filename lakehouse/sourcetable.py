"""A contract's table as SQL that PostgreSQL runs: its name, and its rows by the lake's names."""

from lakehouse.contract import TableContract
from lakehouse.sqltext import identifier

TOMBSTONES = "lakehouse_tombstones"
"""What the source's triggers fill: source_table, row_key (NULL: TRUNCATE), deleted_at."""


def relation(contract: TableContract) -> str:
    """The table's quoted name."""
    return f"{identifier(contract.schema)}.{identifier(contract.source_name)}"


def named_rows(contract: TableContract) -> str:
    """The table with the lake's names of its columns, for a FROM; it needs an alias.

    A subquery of columns alone is pulled up by the planner: it uses the same indexes.
    """
    if not contract.source_names:
        return relation(contract)
    columns = (
        f"{identifier(contract.in_source(name))} AS {identifier(name)}" for name in contract.columns
    )
    return f"(SELECT {', '.join(columns)} FROM {relation(contract)})"


def tombstones(contract: TableContract) -> str:
    """The quoted name of the tombstones beside the table."""
    return f"{identifier(contract.schema)}.{identifier(TOMBSTONES)}"
