"""Checks a table of the source against its contract, before anything is read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.contract import Deletes, TableContract
from lakehouse.errors import ContractError
from lakehouse.sqltext import literal
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.drift import Seen, as_seen
from lambdas.ingest.source import Session
from lambdas.ingest.statements import identifier, render
from lambdas.telemetry import logger

TOMBSTONES = "lakehouse_tombstones"
"""What the source's triggers fill: source_table, row_key (NULL: TRUNCATE), deleted_at."""
_DELETE_TRIGGER, _TRUNCATE_TRIGGER = 8, 32
_STAMPS = 1 | 2 | 4 | 16
"""Bits of `tgtype`: a row trigger before INSERT and UPDATE."""
_ENABLED = ("O", "A")
"""Values of `tgenabled`: fires for what sessions write, not only for what a replica applies."""


def relation(contract: TableContract) -> str:
    """The table's quoted name."""
    return f"{identifier(contract.schema)}.{identifier(contract.table)}"


def tombstones(contract: TableContract) -> str:
    """The quoted name of the tombstones beside the table."""
    return f"{identifier(contract.schema)}.{identifier(TOMBSTONES)}"


def text_array(names: tuple[str, ...]) -> str:
    """PostgreSQL array of text literals."""
    return f"ARRAY[{', '.join(literal(name) for name in names)}]::text[]"


@dataclass(frozen=True)
class Catalog:
    """A table as the source's catalog has it."""

    types: Mapping[str, str]
    """Each column's type, in the table's order, as `format_type` prints it."""
    required: frozenset[str]
    """The columns that are NOT NULL."""
    indexes: Sequence[tuple[str | None, ...]]
    """Names of each index's columns, those of its key first; None for an expression."""
    unique: Sequence[frozenset[str | None]]
    """Key columns of each unique index."""
    triggers: Sequence[int]
    """`tgtype` of each enabled trigger."""
    tombstones: frozenset[str]
    """Columns of the table of tombstones; none where there is no such table."""


def read_catalog(session: Session, contract: TableContract) -> Catalog | None:
    """What the catalog says of the contract's table; None where there is no table."""
    found: dict[str, list[list[Any]]] = defaultdict(list)
    statement = render(
        "catalog",
        relation=literal(relation(contract)),
        tombstones=literal(tombstones(contract)),
    )
    for fact, *values in session.run(statement) or []:
        found[fact].append(values)
    columns = sorted(
        (number, name, kind, is_required)
        for is_ours, number, name, kind, is_required, is_dropped in found["column"]
        if is_ours and number > 0 and not is_dropped
    )
    if not columns:
        return None
    names = {number: name for number, name, *_ in columns}
    indexes = [
        (tuple(names.get(int(column)) for column in numbers.split()), size, is_unique)
        for is_valid, size, numbers, condition, is_unique, _ in found["index"]
        if is_valid and condition is None
    ]
    return Catalog(
        types={name: kind for _, name, kind, _ in columns},
        required=frozenset(name for _, name, _, is_required in columns if is_required),
        indexes=[columns for columns, *_ in indexes],
        unique=[frozenset(columns[:size]) for columns, size, is_unique in indexes if is_unique],
        triggers=[
            kind
            for _, kind, enabled, _, is_internal, _ in found["trigger"]
            if enabled in _ENABLED and not is_internal
        ],
        tombstones=frozenset(
            name
            for is_ours, number, name, _, _, is_dropped in found["column"]
            if not is_ours and number > 0 and not is_dropped
        ),
    )


def check_source(session: Session, contract: TableContract, added: Mapping[str, str]) -> Seen:
    """The table as it is now; raises ContractError naming table and column where that can't be.

    `added` are the columns beyond the contract that bronze has from earlier batches.
    """
    name = f"{contract.schema}.{contract.table}"
    table = read_catalog(session, contract)
    if table is None:
        raise ContractError(f"the source has no table {name}; create it or remove its contract")
    seen = as_seen(contract, table.types, added)
    if nullable := [column for column in contract.key if column not in table.required]:
        raise ContractError(f"{name}.{nullable[0]} is in the key but not NOT NULL; declare it so")
    if not any(columns <= set(contract.key) for columns in table.unique):
        raise ContractError(
            f"{name} has no unique index within the key ({', '.join(contract.key)}); "
            "create one or correct the contract"
        )
    if contract.deletes is Deletes.TOMBSTONE:
        _check_tombstones(name, table, Cursor(contract).tombstone_column)
    if contract.is_strict and not any(kind & _STAMPS == _STAMPS for kind in table.triggers):
        raise ContractError(
            f"{name}: no enabled BEFORE INSERT OR UPDATE row trigger stamps {contract.cursor}, "
            "changes would be missed; create it (docs/guarantee.md)"
        )
    _check_reachable(session, seen.contract, name)
    if not any(columns[0] == contract.cursor for columns in table.indexes):
        logger.warning("no index begins with the cursor, so each poll reads the whole table",
                       extra={"source_table": name, "cursor": contract.cursor})  # fmt: skip
    return seen


def _check_tombstones(name: str, table: Catalog, place: str) -> None:
    remedy = 'create it (docs/guarantee.md) or set deletes = "audit" in the contract'
    if not table.tombstones:
        raise ContractError(f"{name}: no table {TOMBSTONES}, deletes would be missed; {remedy}")
    if place not in table.tombstones:
        raise ContractError(f"{TOMBSTONES} has no column {place!r}; {remedy}")
    for bit, event in ((_DELETE_TRIGGER, "DELETE"), (_TRUNCATE_TRIGGER, "TRUNCATE")):
        if not any(kind & bit for kind in table.triggers):
            raise ContractError(
                f"{name}: no enabled {event} trigger, {event}s would be missed; {remedy}"
            )


def _check_reachable(session: Session, contract: TableContract, name: str) -> None:
    conditions = (
        f"EXISTS (SELECT FROM {relation(contract)} WHERE {condition})"
        for condition in Cursor(contract).unreachable()
    )
    if (session.run(render("unreachable", conditions=" OR ".join(conditions))) or [[False]])[0][0]:
        what = "another cluster's" if contract.is_strict else "infinite or before year 1"
        raise ContractError(
            f"{name} has rows whose {contract.cursor} is NULL or {what}, which no window reaches; "
            f"set {contract.cursor} in those rows and declare it NOT NULL"
        )
