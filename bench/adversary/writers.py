"""Writers that do what applications do, and worse. Each write carries a number of its own.

They write to the product's `fact_sales` as `lakehouse/sql/source` makes it, with its triggers:
`product_id` is the number of the write, `user_id` the writer. A log of the harness, filled by a
trigger in the same transaction, says which writes were committed.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import pg8000.exceptions
import pg8000.native

from lakehouse import tombstones

SCHEMA: Final = """
ALTER TABLE fact_sales ADD COLUMN changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX ON fact_sales (changed_xid, sale_id);
CREATE TRIGGER lakehouse_stamped BEFORE INSERT OR UPDATE ON fact_sales
    FOR EACH ROW EXECUTE FUNCTION lakehouse_stamp_change();
CREATE SEQUENCE write_number;
CREATE TABLE written (number bigint PRIMARY KEY);
CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO written VALUES (NEW.product_id);
    RETURN NULL;
END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON fact_sales
    FOR EACH ROW EXECUTE FUNCTION note_write();
"""
_UPSERT: Final = """
INSERT INTO fact_sales (sale_id, user_id, product_id, quantity, unit_price, total_amount, status,
                        created_at, updated_at)
SELECT key, :writer, nextval('write_number'), 1, key, key, 'PENDING', now(), {stamp}
FROM unnest(CAST(:keys AS bigint[])) AS key
ON CONFLICT (sale_id) DO UPDATE SET
    user_id = excluded.user_id, product_id = excluded.product_id, updated_at = excluded.updated_at
"""
_FORGETFUL: Final = """
UPDATE fact_sales SET product_id = nextval('write_number') WHERE sale_id = ANY (:keys)
"""
_STAMPS: Final = (
    "now()",  # the transaction's start: ties within it
    "clock_timestamp()",
    "date_trunc('second', clock_timestamp())",  # ties between transactions
    "clock_timestamp() + interval '2 seconds'",  # a writer whose clock is ahead
    "now() - interval '90 seconds'",  # and one whose clock is behind
    "timestamptz '2001-01-01 00:00:00+00'",
)
DELETE: Final = "DELETE FROM fact_sales WHERE sale_id = ANY (CAST(:keys AS bigint[]))"
_BORDERS: Final = (9_990, 99_990, 999_990)
"""Keys around these change their number of digits."""


@dataclass
class Writer:
    """One session's work until `until` (monotonic seconds). `done` counts what it did."""

    number: int
    seed: int
    until: float
    longest: float
    """Seconds that a transaction may last."""
    keys: int
    connect: Callable[[str], pg8000.native.Connection]
    done: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Writes until the time is over; its last transaction ends in time."""
        self.dice = random.Random(self.seed)
        self.session = self.connect(f"writer {self.number}")
        try:
            # Nobody waits long for the rows of a long transaction.
            self.session.run("SET lock_timeout = '300ms'")
            while time.monotonic() < self.until:
                self._transaction()
                time.sleep(self.dice.expovariate(20))
        finally:
            self.session.close()

    def _transaction(self) -> None:
        prepared = f"writer-{self.number}"
        try:
            self.session.run("BEGIN")
            for _ in range(self.dice.randint(1, 5)):
                self._savepoint()
            if self.dice.random() < 0.1:
                self._linger()
                self._savepoint()
            ending = self.dice.random()
            if ending < 0.12:
                self.session.run("ROLLBACK")
                self.done["rolled back"] += 1
            elif ending < 0.2:
                self.session.run(f"PREPARE TRANSACTION '{prepared}'")
                time.sleep(self.dice.uniform(0, 1.0))
                verb = "ROLLBACK" if self.dice.random() < 0.2 else "COMMIT"
                self.session.run(f"{verb} PREPARED '{prepared}'")
                self.done["prepared"] += 1
            else:
                self.session.run("COMMIT")
                self.done["committed"] += 1
        except pg8000.exceptions.DatabaseError:  # a deadlock or a lock's timeout: give way
            self.session.run("ROLLBACK")
            self.done["gave way"] += 1

    def _linger(self) -> None:
        left = self.until - time.monotonic()
        time.sleep(max(0.0, min(self.dice.uniform(0, self.longest), left)))
        self.done["long"] += 1

    def _savepoint(self) -> None:
        self.session.run("SAVEPOINT here")
        self._change()
        if self.dice.random() < 0.12:
            self.session.run("ROLLBACK TO SAVEPOINT here")
            self.done["savepoints undone"] += 1

    def _change(self) -> None:
        chance = self.dice.random()
        keys = self._some_keys()
        if chance < 0.12:
            self._run("deletes", DELETE, keys)
        elif chance < 0.2:
            self._run("deletes", DELETE, keys)
            self._upsert("reinserts", keys)
        elif chance < 0.26:
            self._run("unstamped updates", _FORGETFUL, keys)
        elif chance < 0.29:
            first = self.dice.choice(_BORDERS)
            self._upsert("bursts", list(range(first, first + self.dice.randint(20, 400))))
        else:
            self._upsert("upserts", keys)

    def _some_keys(self) -> list[int]:
        few = self.dice.randint(1, 4)
        return sorted(self.dice.sample(range(self.keys), few))

    def _upsert(self, what: str, keys: list[int]) -> None:
        text = _UPSERT.format(stamp=self.dice.choice(_STAMPS))
        self.session.run(text, keys=keys, writer=self.number)
        self.done[what] += 1

    def _run(self, what: str, text: str, keys: list[int]) -> None:
        self.session.run(text, keys=keys)
        self.done[what] += 1


def make_source(session: pg8000.native.Connection, rows: int) -> None:
    """The product's schema, the harness's log, and rows from before the first load."""
    session.execute_simple(tombstones.shop())
    session.execute_simple(SCHEMA)
    session.run(_UPSERT.format(stamp="now()"), keys=list(range(rows)), writer=0)


def truncate(session: pg8000.native.Connection, seconds: float) -> bool:
    """Truncates between the transactions of others; False if they leave no gap in `seconds`."""
    session.run(f"SET lock_timeout = '{seconds:.0f}s'")
    try:
        session.run("TRUNCATE fact_sales")
    except pg8000.exceptions.DatabaseError:
        return False
    return True
