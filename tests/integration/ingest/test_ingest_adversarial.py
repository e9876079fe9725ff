"""Writers that do their worst while the ingest polls, is killed and runs again: nothing is lost."""

import random
import threading
import time

import pg8000.exceptions
import pytest

from lakehouse.errors import LedgerBusyError
from lambdas.ingest import horizon
from tests.integration.ingest.conftest import Shop
from tests.integration.ingest.test_ingest_kill_points import Killed, hooked

SECONDS, WRITERS, KEYS = 12.0, 6, 400
LONGEST_SECONDS = 3.0


def write(shop: Shop, seed: int, until: float) -> None:
    """Transactions up to three seconds long: upserts, deletes, savepoints, rollbacks, PREPARE."""
    chance = random.Random(seed)
    session = shop.connect(application_name=f"writer {seed}")
    while time.monotonic() < until:
        stamp = chance.choice(["now()", "clock_timestamp()"])
        try:
            session.run("BEGIN")
            for key in sorted(chance.sample(range(KEYS), chance.randint(1, 6))):
                session.run("SAVEPOINT here")
                if chance.random() < 0.25:
                    session.run(f"DELETE FROM sales WHERE sale_id = {key}")
                else:
                    amount = chance.randint(0, 10**9) / 100
                    session.run(
                        f"INSERT INTO sales VALUES ({key}, 'writer {seed}', {amount}, {stamp}) "
                        "ON CONFLICT (sale_id) DO UPDATE SET buyer = excluded.buyer, "
                        f"amount = excluded.amount, updated_at = {stamp}"
                    )
                if chance.random() < 0.1:
                    session.run("ROLLBACK TO SAVEPOINT here")
            if chance.random() < 0.15:
                time.sleep(chance.uniform(0, LONGEST_SECONDS))
            ending = chance.random()
            if ending < 0.1:
                session.run("ROLLBACK")
            elif ending < 0.15:
                session.run(f"PREPARE TRANSACTION 'w{seed}'")
                time.sleep(chance.uniform(0, 0.5))
                session.run(f"COMMIT PREPARED 'w{seed}'")
            else:
                session.run("COMMIT")
            if chance.random() < 0.01:
                session.run("TRUNCATE sales")
        except pg8000.exceptions.DatabaseError:  # a deadlock: one of them has to give way
            session.run("ROLLBACK")


class Control:
    """The method that people use: `updated_at > last`."""

    def __init__(self, shop: Shop) -> None:
        self.session, self.last, self.seen = shop.connect(), "-infinity", {}

    def poll(self) -> None:
        rows = self.session.run(
            "SELECT sale_id, amount, updated_at::text FROM sales "
            f"WHERE updated_at > '{self.last}' ORDER BY updated_at"
        )
        for key, amount, stamp in rows or []:
            self.seen[key], self.last = amount, stamp


@pytest.mark.parametrize("seed", [20_26])
def test_nothing_is_lost_stale_or_left_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(horizon, "MINIMUM_MARGIN_SECONDS", 1.0)
    chance, control = random.Random(seed), Control(shop)
    until = time.monotonic() + SECONDS
    writers = [threading.Thread(target=write, args=(shop, seed + n, until)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    killed = 0
    while any(writer.is_alive() for writer in writers):
        control.poll()
        fatal = chance.randint(1, 12), chance.choice(["before", "after"])

        def kill(number: int, moment: str, fatal: tuple[int, str] = fatal) -> None:
            if (number, moment) == fatal:
                raise Killed

        attempt, _ = hooked(shop, kill, chunk_rows=chance.choice([7, 50, 1_000]))
        try:
            attempt.run()
        except Killed:
            killed += 1
        except LedgerBusyError:
            pass
    time.sleep(1.1)
    control.poll()
    while any(result.batch_id for result in shop.ingest(chunk_rows=100)):
        pass

    truth = shop.truth()
    assert shop.living() == truth  # lost 0, stale 0, ghost 0, deletes missed 0
    listed = [f.key for b in shop.ledger.batches("sales") for f in (*b.files, *b.quarantine_files)]
    assert shop.objects() == sorted(listed)
    assert killed > 0
    amounts = dict(shop.connect().run("SELECT sale_id, amount FROM sales") or [])
    wrong = [k for k in {*amounts, *control.seen} if amounts.get(k) != control.seen.get(k)]
    assert wrong, "the harness must be able to see a loss"
