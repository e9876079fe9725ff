"""An ingest killed by SIGKILL before and after every step that leaves its process, and retried."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.adversary import attempt, aws, verdict
from bench.adversary.attempt import Fate, Settings
from lakehouse.ledger import Batch, State, Watermark
from lakehouse.ledger_client import Ledger
from lambdas.ingest.bronze import Bronze
from local.engines.postgres import PostgresEngine
from tests.integration.ingest.conftest import DDL, MARGIN_SECONDS, PASSWORD, SALES, USER

STEPS = [
    "ledger get_item",
    "ledger query",
    "source connect",
    "source run SELECT",  # the horizon
    "source run SELECT",  # prepared transactions
    "source run SELECT",  # the catalog
    "source run SELECT",  # rows that no window reaches
    "source run SELECT",  # who the source is
    "source run SELECT",  # may there be a change
    "source run SELECT",  # is there one
    "source run EXPLAIN",  # does a first load fit
    "ledger put_item",  # open
    "reader ATTACH",
    "reader BEGIN",
    "reader COPY",  # the rows
    "reader DESCRIBE",
    "reader SELECT",  # the file's encodings
    "reader SELECT",  # PostgreSQL's count of them
    "reader SELECT",  # that of the file
    "reader SELECT",
    "reader COPY",  # those that are set aside
    "reader COPY",  # the rows without them
    "reader SELECT",  # that file's encodings
    "reader SELECT",
    "bucket put_object",  # bronze
    "bucket put_object",  # quarantine
    "reader COMMIT",
    "reader DETACH",
    "ledger update_item",  # extracted
    "ledger transact_write_items",  # commit
]
ROWS = """
INSERT INTO sales SELECT n, 'x', 1, now() FROM generate_series(1, 40) n;
INSERT INTO sales VALUES (99, 'broken', 'NaN', now())
"""


@pytest.fixture(scope="module")
def settings(engine: PostgresEngine) -> Iterator[Settings]:
    engine.query(f"CREATE DATABASE killed OWNER {USER}")
    with aws.serving() as services:
        made = Settings(SALES, services.url, engine.port, "killed", USER, PASSWORD,
                        margin_seconds=MARGIN_SECONDS)  # fmt: skip
        session = attempt.connect(made, "test")
        session.execute_simple(DDL + ROWS)
        session.close()
        yield made


class Lake:
    """A ledger and a bucket of their own, over the one source."""

    def __init__(self, settings: Settings, suffix: str, directory: Path) -> None:
        self.settings = replace(settings, suffix=suffix)
        self.directory = directory
        s3, dynamodb = (aws.client(name, settings.url) for name in ("s3", "dynamodb"))
        aws.make_bucket_and_ledger(s3, dynamodb, suffix)
        self.ledger = Ledger(dynamodb, aws.LEDGER + suffix)
        self.bronze = Bronze(s3, aws.BUCKET + suffix)

    def attempt(self, fate: Fate) -> tuple[int, dict[str, object]]:
        report = self.directory / f"{os.urandom(4).hex()}.json"
        process = attempt.start(self.settings, fate, report)
        attempt.ended(process)
        return process.exitcode, attempt.told(report)

    def outcome(self) -> tuple[list[object], list[str], str | None, int]:
        """What an undisturbed run leaves too: no owners, no times."""
        batches: list[Batch] = self.ledger.batches("sales")
        assert all(batch.state is State.COMMITTED for batch in batches)
        watermark: Watermark = self.ledger.watermark("sales", "updated_at")
        assert (watermark.cursor_value or "") >= batches[-1].window_to
        facts = [(b.batch_id, b.kind, b.rows, b.quarantined, b.content) for b in batches]
        names = [verdict.listed(batches), sorted(verdict.objects(self.bronze))]
        assert sorted(names[0]) == names[1]
        # a day may end between two attempts
        objects = [re.sub("ingest_date=[^/]+", "day", name) for name in names[1]]
        return facts, objects, watermark.horizon, watermark.batch_id


@pytest.fixture(scope="module")
def undisturbed(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(settings, "-calm", tmp_path_factory.mktemp("calm"))
    code, told = lake.attempt(Fate())
    assert (code, told["steps"]) == (0, STEPS)
    return lake


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", range(1, len(STEPS) + 1), ids=lambda n: f"{n}-{STEPS[n - 1]}")
def test_killed_at_a_step_and_retried(
    settings: Settings, undisturbed: Lake, tmp_path: Path, step: int, moment: str
) -> None:
    killed = Lake(settings, f"-{step}-{moment}", tmp_path)
    assert killed.attempt(Fate((step, moment)))[0] == attempt.KILLED
    assert killed.attempt(Fate())[0] == 0
    assert killed.outcome() == undisturbed.outcome()
