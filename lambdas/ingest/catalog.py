"""Checks a table of the source against its contract, before anything is read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.contract import TableContract
from lakehouse.errors import ContractError
from lakehouse.sourcetable import TOMBSTONES, relation, tombstones
from lakehouse.sqltext import literal
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.drift import Seen, as_seen
from lambdas.ingest.source import Session
from lambdas.ingest.statements import render
from lambdas.telemetry import logger

_DELETE_TRIGGER, _TRUNCATE_TRIGGER = 8, 32
_STAMPS = 1 | 2 | 4 | 16
"""Bits of `tgtype`: a row trigger before INSERT and UPDATE."""
_VIEWS, _PARTITIONED = ("v", "m"), "p"
"""Values of `relkind`."""
_ENABLED = ("O", "A")
"""Values of `tgenabled`: fires for what sessions write, not only for what a replica applies."""


def text_array(names: tuple[str, ...]) -> str:
    """PostgreSQL array of text literals."""
    return f"ARRAY[{', '.join(literal(name) for name in names)}]::text[]"


@dataclass(frozen=True)
class Catalog:
    """A table as the source's catalog has it."""

    types: Mapping[str, str]
    """Each column's type by its name in the source, in the table's order, as `format_type` prints
    it."""
    required: frozenset[str]
    """The columns that are NOT NULL."""
    sort: str
    """`relkind`."""
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
    return Catalog(
        types={name: kind for _, name, kind, _ in columns},
        sort=found["relation"][0][2],
        required=frozenset(name for _, name, _, is_required in columns if is_required),
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
    name = contract.relation
    table = read_catalog(session, contract)
    if table is None:
        raise ContractError(f"the source has no table {name}; create it or remove its contract")
    seen = replace(as_seen(contract, table.types, added), is_partitioned=table.sort == _PARTITIONED)
    if contract.is_snapshot:  # what it reads is looked at itself: a view can't promise anything
        return seen
    if table.sort in _VIEWS:
        raise ContractError(
            f"{name} is a view, whose rows can't be followed by a cursor; set capture = "
            '"snapshot" in its contract, or take its tables'
        )
    if nullable := [column for column in contract.source_key if column not in table.required]:
        raise ContractError(f"{name}.{nullable[0]} is in the key but not NOT NULL; declare it so")
    if contract.has_tombstones:
        _check_tombstones(name, table, Cursor(contract).tombstone_column)
    if contract.is_strict and not any(kind & _STAMPS == _STAMPS for kind in table.triggers):
        raise ContractError(
            f"{name}: no enabled BEFORE INSERT OR UPDATE row trigger stamps "
            f"{contract.in_source(contract.cursor)}, "
            "changes would be missed; create it (docs/guarantee.md)"
        )
    return seen


def check_indexes(session: Session, contract: TableContract) -> None:
    """Raises ContractError where nothing in the source keeps the key unique."""
    if contract.is_snapshot:
        return  # it compares all keys anyway
    name, key = contract.relation, contract.source_key
    cursor = contract.in_source(contract.cursor)
    statement = render("indexes", relation=literal(relation(contract)))
    indexes = session.run(statement) or []
    unique = [set(columns[:size]) for is_unique, size, columns in indexes if is_unique]
    if not any(columns <= set(key) for columns in unique):
        raise ContractError(
            f"{name} has no unique index within the key ({', '.join(key)}); "
            "create one or correct the contract"
        )
    if not any(columns[0] == cursor for *_, columns in indexes):
        logger.warning("no index begins with the cursor, so each poll reads the whole table",
                       extra={"source_table": name, "cursor": cursor})  # fmt: skip


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
