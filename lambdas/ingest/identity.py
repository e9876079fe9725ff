"""Is this the source that the watermark was made from? If not, the watermark would lie."""

from dataclasses import dataclass, replace

from lakehouse.contract import TableContract
from lakehouse.errors import SourceChangedError
from lakehouse.ledger import Watermark
from lakehouse.sourcetable import relation
from lakehouse.sqltext import literal
from lambdas.ingest.source import Session
from lambdas.ingest.statements import render


@dataclass(frozen=True)
class Identity:
    """What tells one source from another; `wal_position` counts the bytes of its log."""

    system_identifier: str
    timeline: int
    database_oid: int
    table_oid: int
    wal_position: int

    def remembered_in(self, watermark: Watermark, address: str) -> Watermark:
        """The watermark that knows this source; raises SourceChangedError if it knows another."""
        if watermark.system_identifier is not None and (reason := self._differs(watermark)):
            table = watermark.source_table
            raise SourceChangedError(
                f"{table}: {address} is not what the watermark was made from: {reason}. If it "
                f"holds all that the old one held: make ledger TABLE={table} ACTION=adopt. If "
                "rows may be gone or older, as after a restore, or if in doubt: "
                f"make ledger TABLE={table} ACTION=reload"
            )
        return replace(
            watermark,
            system_identifier=self.system_identifier,
            timeline=self.timeline,
            database_oid=self.database_oid,
            table_oid=self.table_oid,
            wal_position=self.wal_position,
        )

    def _differs(self, known: Watermark) -> str | None:
        """The first reason why it is another source; the coarsest says most."""
        if self.system_identifier != known.system_identifier:
            return f"another cluster ({self.system_identifier}, not {known.system_identifier})"
        if self.timeline != known.timeline:
            return (
                f"restored to a point in time, or promoted from a replica (timeline "
                f"{self.timeline}, not {known.timeline})"
            )
        if self.database_oid != known.database_oid:
            return f"another database (oid {self.database_oid}, not {known.database_oid})"
        if self.table_oid != known.table_oid:
            return f"the table was created anew (oid {self.table_oid}, not {known.table_oid})"
        if self.wal_position < (known.wal_position or 0):
            return (
                f"restored from a backup (its log has {self.wal_position} bytes, it had "
                f"{known.wal_position})"
            )
        return None


def take_identity(session: Session, contract: TableContract, database_oid: int) -> Identity:
    """Asks the source who it is; the table must exist (`database_oid`: of the session)."""
    statement = render("identity", relation=literal(relation(contract)))
    system, timeline, table, position = (session.run(statement) or [])[0]
    upper, lower = (int(digits, 16) for digits in position.split("/"))
    return Identity(str(system), timeline, database_oid, table, upper << 32 | lower)
