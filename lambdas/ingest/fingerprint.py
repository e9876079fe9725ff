"""Whether a table without a cursor has changed: the source's clock, and one text for all rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from lakehouse.contract import TableContract
from lakehouse.errors import ContractError, SourceUnsafeError
from lakehouse.ledger import instant
from lakehouse.sourcetable import named_rows
from lakehouse.sqltext import identifier, literal
from lambdas.ingest.horizon import Horizon
from lambdas.ingest.source import FAITHFUL, Session
from lambdas.ingest.statements import render

MOST_ROWS: Final = 1_000_000
"""A larger table is not read whole in each run."""


def take_clock(session: Session, address: str) -> Horizon:
    """The source's time, before the table is read; raises SourceUnsafeError of a wrong server."""
    now, is_replica, encoding, oid = (session.run(render("clock")) or [])[0]
    if is_replica:
        raise SourceUnsafeError(
            f"{address} is a replica, which lags behind; point database_host at the primary"
        )
    if encoding != "UTF8":
        raise SourceUnsafeError(
            f"{address} is not encoded in UTF8, so text could change; use a UTF8 database"
        )
    assert isinstance(now, datetime)
    return Horizon(instant(now), None, 0.0, None, oid)


def take_fingerprint(session: Session, contract: TableContract) -> str:
    """The table's fingerprint now, as the reading connection would make it."""
    settings = ", ".join(
        f"set_config({literal(name)}, {literal(value)}, false)" for name, value in FAITHFUL.items()
    )
    session.run(f"SELECT {settings}")
    return fingerprint_of((session.run(fingerprint_query(contract)) or [])[0])


def check_size(contract: TableContract, rows: float, width: float, most_bytes: int) -> None:
    """Raises ContractError where the table is too large to be read whole."""
    if rows > MOST_ROWS or rows * width > most_bytes:
        raise ContractError(
            f"{contract.relation} has about {rows:,.0f} rows of {width:.0f} bytes, too much to be "
            f"read whole in each run (at most {MOST_ROWS:,} rows, {most_bytes // 2**20} MiB); let "
            "a trigger keep a cursor (make prepare-source) and name it in the contract"
        )


def fingerprint_query(contract: TableContract) -> str:
    """The statement that PostgreSQL is asked."""
    columns = ", ".join(f"source.{identifier(name)}" for name in contract.columns)
    return render("fingerprint", columns=columns, relation=named_rows(contract))


def fingerprint_of(answer: Sequence[object]) -> str:
    """The row of its answer as one text."""
    count, total = answer
    return f"{count}:{total or 0}"


def rows_of(fingerprint: str) -> int:
    """How many rows the table had."""
    return int(fingerprint.partition(":")[0])
