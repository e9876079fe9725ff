"""Checks a table of the source against its contract, before anything is read."""

from collections.abc import Mapping

from lakehouse.contract import Deletes, TableContract
from lakehouse.errors import ContractError
from lambdas.ingest.cursor import Cursor
from lambdas.ingest.drift import Seen, as_seen
from lambdas.ingest.source import Session
from lambdas.ingest.statements import identifier, literal, render
from lambdas.telemetry import logger

TOMBSTONES = "lakehouse_tombstones"
"""What the source's triggers fill: source_table, row_key (NULL: TRUNCATE), deleted_at."""
_DELETE_TRIGGER, _TRUNCATE_TRIGGER = 8, 32


def relation(contract: TableContract) -> str:
    """The table's quoted name."""
    return f"{identifier(contract.schema)}.{identifier(contract.table)}"


def tombstones(contract: TableContract) -> str:
    """The quoted name of the tombstones beside the table."""
    return f"{identifier(contract.schema)}.{identifier(TOMBSTONES)}"


def text_array(names: tuple[str, ...]) -> str:
    """PostgreSQL array of text literals."""
    return f"ARRAY[{', '.join(literal(name) for name in names)}]::text[]"


def check_source(session: Session, contract: TableContract, added: Mapping[str, str]) -> Seen:
    """The table as it is now; raises ContractError naming table and column where that can't be.

    `added` are the columns beyond the contract that bronze has from earlier batches.
    """
    name = f"{contract.schema}.{contract.table}"
    rows = session.run(
        render(
            "catalog",
            relation=literal(relation(contract)),
            tombstones=literal(tombstones(contract)),
            key_names=text_array(contract.key),
            cursor_name=literal(contract.cursor),
        )
    )
    if not rows:
        raise ContractError(f"the source has no table {name}; create it or remove its contract")
    columns, is_key_unique, is_cursor_indexed, triggers, stamps, buried = rows[0]
    types = {column: kind for column, kind, _ in columns or []}
    required = {column for column, _, is_required in columns or [] if is_required}
    seen = as_seen(contract, types, added)
    if nullable := [column for column in contract.key if column not in required]:
        raise ContractError(f"{name}.{nullable[0]} is in the key but not NOT NULL; declare it so")
    if not is_key_unique:
        raise ContractError(
            f"{name} has no unique index within the key ({', '.join(contract.key)}); "
            "create one or correct the contract"
        )
    if contract.deletes is Deletes.TOMBSTONE:
        _check_tombstones(name, triggers, buried, Cursor(contract).tombstone_column)
    if contract.is_strict and not stamps:
        raise ContractError(
            f"{name}: no enabled BEFORE INSERT OR UPDATE row trigger stamps {contract.cursor}, "
            "changes would be missed; create it (docs/guarantee.md)"
        )
    _check_reachable(session, seen.contract, name)
    if not is_cursor_indexed:
        logger.warning("no index begins with the cursor, so each poll reads the whole table",
                       extra={"source_table": name, "cursor": contract.cursor})  # fmt: skip
    return seen


def _check_tombstones(name: str, triggers: int, columns: list[str], place: str) -> None:
    remedy = 'create it (docs/guarantee.md) or set deletes = "audit" in the contract'
    if not columns:
        raise ContractError(f"{name}: no table {TOMBSTONES}, deletes would be missed; {remedy}")
    if place not in columns:
        raise ContractError(f"{TOMBSTONES} has no column {place!r}; {remedy}")
    for bit, event in ((_DELETE_TRIGGER, "DELETE"), (_TRUNCATE_TRIGGER, "TRUNCATE")):
        if not triggers & bit:
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
