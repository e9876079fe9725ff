"""Rows that move on between two attempts, and two ingests at once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lakehouse.errors import LakehouseError, LedgerBusyError
from lakehouse.ledger_client import Ledger
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.run import Ingest
from tests.integration.ingest.conftest import Shop

Wait = Callable[[], None]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product may catch it."""


class Client:
    """A client whose writes are counted together with its sisters' and hooked by number."""

    def __init__(self, client: Any, counter: list[str], hook: Callable[[int, str], None]) -> None:
        self._client, self._counter, self._hook = client, counter, hook

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if not name.startswith(("put", "update", "transact")):
            return call

        def counted(**request: Any) -> Any:
            self._counter.append(name)
            number = len(self._counter)
            self._hook(number, "before")
            answer = call(**request)
            self._hook(number, "after")
            return answer

        return counted


def hooked(
    shop: Shop, hook: Callable[[int, str], None], **changes: Any
) -> tuple[Ingest, list[str]]:
    counter: list[str] = []
    ledger = Ledger(Client(shop.ledger.client, counter, hook), shop.ledger.name)
    bronze = Bronze(Client(shop.bronze.client, counter, hook), shop.bronze.bucket)
    return shop.attempt(ledger=ledger, bronze=bronze, **changes), counter


def change(shop: Shop) -> None:
    shop.run_script(
        "INSERT INTO sales SELECT n, 'x', 1, now() FROM generate_series(1, 40) n;"
        "INSERT INTO sales VALUES (99, 'broken', 'NaN', now())"
    )


def test_rows_that_move_on_between_the_attempts_are_delivered_later(shop: Shop, wait: Wait) -> None:
    change(shop)
    wait()

    def kill(number: int, when: str) -> None:
        if (number, when) == (2, "after"):
            raise Killed

    attempt, _ = hooked(shop, kill)
    with pytest.raises(Killed):
        attempt.run()
    shop.run_script("UPDATE sales SET amount = 2, updated_at = clock_timestamp()")
    shop.ingest()
    assert [(b.rows, len(b.files)) for b in shop.ledger.batches("sales")] == [(0, 1)]
    wait()
    shop.ingest()
    assert shop.living() == shop.truth()


def test_of_two_at_once_one_works_and_the_other_ends_cleanly(shop: Shop, wait: Wait) -> None:
    change(shop)
    wait()

    def second_opens_first(number: int, when: str) -> None:
        if (number, when) == (1, "before"):
            shop.ingest()

    attempt, _ = hooked(shop, second_opens_first)
    with pytest.raises(LedgerBusyError, match="run it again"):
        attempt.run()
    assert len(shop.ledger.batches("sales")) == 1
    assert [row[0] for row in shop.living()] == list(range(1, 41))


@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_an_attempt_that_was_overtaken_cannot_write_any_more(
    shop: Shop, wait: Wait, step: int
) -> None:
    """The first one stalls before a write, a second one takes the batch over and commits it."""
    change(shop)
    wait()

    def overtaken(number: int, when: str) -> None:
        if (number, when) == (step, "before"):
            shop.run_script("UPDATE sales SET updated_at = clock_timestamp() WHERE sale_id > 20")
            shop.ingest()

    attempt, _ = hooked(shop, overtaken)
    with pytest.raises(LedgerBusyError):
        attempt.run()
    [batch] = shop.ledger.batches("sales")
    assert len(shop.read("sale_id")) == batch.rows
    wait()
    shop.ingest()
    assert [row[0] for row in shop.living()] == list(range(1, 41))


def test_a_refusal_of_dynamodb_is_named(shop: Shop) -> None:
    ledger = replace(shop.ledger, name="absent-table")
    with pytest.raises(LakehouseError, match=r"absent-table.*ResourceNotFound"):
        shop.ingest(ledger=ledger)
