"""The source's identity as the ledger keeps it."""

from typing import Any

import pytest

from lakehouse.contract import load_contracts
from lambdas.ingest.identity import Identity, take_identity


class Answer:
    """A session whose database says one row."""

    def __init__(self, *row: Any) -> None:
        self.row = list(row)

    def run(self, sql: str) -> list[list[Any]]:
        assert "pg_current_wal_insert_lsn()" in sql
        return [self.row]

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("position", "written"),
    [("0/0", 0), ("0/FFFFFFFF", 2**32 - 1), ("1/0", 2**32), ("1A/2B", 0x1A * 2**32 + 0x2B)],
)
def test_the_position_in_the_log_counts_bytes(position: str, written: int) -> None:
    session = Answer(7_400_000_000_000_000_001, 2, 16_400, position)
    identity = take_identity(session, load_contracts()["fact_sales"], 16_384)
    assert identity == Identity("7400000000000000001", 2, 16_384, 16_400, written)
