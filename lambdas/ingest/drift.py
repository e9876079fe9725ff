"""What has become of a table's columns since its contract was written; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lakehouse.columns import WRITTEN_BY_US
from lakehouse.contract import LAKE_NAME, Deletes, NewColumns, TableContract
from lakehouse.errors import ContractError
from lakehouse.types import canonical, column_type
from lakehouse.widening import carried_as, widened
from lambdas.telemetry import logger

_REMEDY = "correct the contract or the table"


@dataclass(frozen=True)
class Seen:
    """A table as it is now."""

    contract: TableContract
    """With the added columns, and each type as the source has it and the contract carries it."""
    added: Mapping[str, str]
    """All columns that were ever added, with the types to carry them from."""
    is_partitioned: bool = False
    """Partitions can be truncated, detached and dropped, which no trigger of the table tells."""

    @property
    def is_audited(self) -> bool:
        """Whether the keys are compared from time to time."""
        is_asked = self.contract.deletes is Deletes.AUDIT
        return (is_asked or self.is_partitioned) and not self.contract.is_snapshot


def as_seen(contract: TableContract, actual: Mapping[str, str], known: Mapping[str, str]) -> Seen:
    """Compares the contract with the catalog's column types, by their names in the source.

    `known` are columns added before; such keep their name in the lake.

    Raises ContractError for a column that is gone, renamed, retyped, or new and refused.
    """
    name = contract.relation
    read = {contract.in_source(column): column for column in contract.columns}
    outside = [c for c in actual if c not in read and c not in contract.left_out]
    for column in read:
        if column not in actual:
            hint = f" (outside the contract it has {', '.join(outside)})" if outside else ""
            raise ContractError(
                f"{name} has no column {column!r}, which its contract names{hint}: it was dropped "
                f"or renamed; {_REMEDY}"
            )
    carried = {
        column: _carried(name, there, contract.columns[column], actual[there], _REMEDY)
        for there, column in read.items()
    }
    added = dict(known)
    if outside and contract.new_columns is NewColumns.REFUSE:
        raise ContractError(
            f"{name} has a new column {outside[0]!r} ({actual[outside[0]]}); add it to the "
            "contract's columns or to left_out, or set new_columns"
        )
    if contract.new_columns is NewColumns.ADD:
        more = {column: _added(contract, column, actual[column], known) for column in outside}
        # as first seen: a wider type later must not change what bronze already has
        added = {c: known.get(c, declared) for c, declared in more.items()} | added
        carried |= {column: more[column] for column in sorted(more)}
        if news := sorted(set(more) - set(known)):
            logger.warning("new columns are added to bronze",
                           extra={"source_table": name, "columns": news})  # fmt: skip
    elif outside:
        logger.info("columns outside the contract are ignored",
                    extra={"source_table": name, "columns": outside})  # fmt: skip
    return Seen(replace(contract, columns=carried), added)


def _added(contract: TableContract, column: str, kind: str, known: Mapping[str, str]) -> str:
    name = contract.relation
    if column in known:
        return _carried(name, column, known[column], kind,
                        "change it back, or add it to left_out of the contract")  # fmt: skip
    taken = {c.lower() for c in (*contract.columns, *known)} | WRITTEN_BY_US
    if column.lower() in taken:
        raise ContractError(
            f"{name}: the new column {column!r} can't be added beside one of that name in bronze; "
            "rename it, or add it to left_out of the contract"
        )
    if not LAKE_NAME.fullmatch(column):
        raise ContractError(
            f"{name}: the new column {column!r} is no lower-case identifier; give it one in the "
            "contract's columns and source_names, or add it to left_out"
        )
    return carried_as(kind)


def _carried(name: str, column: str, declared: str, actual: str, remedy: str) -> str:
    """How a contract would write the column as it is now."""
    if column_type(declared).source == canonical(actual):
        return declared
    if (wider := widened(declared, actual)) is None:
        raise ContractError(
            f"{name}.{column} is {actual}, its contract says {column_type(declared).source}; "
            f"{remedy}"
        )
    logger.warning("a column was widened; rows that do not fit are set aside",
                   extra={"source_table": name, "column": column, "declared": declared,
                          "actual": actual})  # fmt: skip
    return wider
