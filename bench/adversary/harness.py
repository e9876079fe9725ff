"""Runs writers, ingests and the control side by side, and judges what became of the rows."""

import random
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pg8000.native

from bench.adversary import attempt, aws, verdict, writers
from bench.adversary.attempt import Fate, Settings
from bench.adversary.verdict import Verdict
from lakehouse.contract import TableContract, load_contracts
from lakehouse.ledger_client import Ledger
from lambdas.ingest.bronze import Bronze
from local.engines.postgres import PostgresEngine

WRITERS: Final = 10
LONGEST_SECONDS: Final = 15.0
_KEYS: Final = 12_000
_SETTLE_SECONDS: Final = 3.5
"""After the last write: the stamp that is furthest ahead, the margin, and slack."""
_EXPECTED: Final = ("LedgerBusyError",)
"""What an attempt may end in here: another one was faster."""


def variants() -> dict[str, TableContract]:
    """The two cursors over the same table."""
    plain = load_contracts()["fact_sales"]
    strict = replace(
        plain,
        cursor="changed_xid",
        changed_at="updated_at",
        columns={**plain.columns, "changed_xid": "xid8"},
    )
    return {"updated_at": plain, "xid8": strict}


class Control:
    """The method that people use: `updated_at > last`. It must lose rows here."""

    def __init__(self, session: pg8000.native.Connection) -> None:
        self.session, self.seen = session, {}  # type: ignore[var-annotated]
        self.last = "-infinity"

    def poll(self) -> None:
        """Takes what is newer than the newest that it has seen."""
        rows = self.session.run(
            "SELECT sale_id, product_id, updated_at::text FROM fact_sales "
            f"WHERE updated_at > '{self.last}' ORDER BY updated_at"
        )
        for key, number, stamp in rows or []:
            self.seen[key], self.last = number, stamp

    def faults(self) -> dict[str, int]:
        """What it lost, holds in an old version, or holds though it was deleted."""
        rows = self.session.run("SELECT sale_id, product_id FROM fact_sales") or []
        truth = dict(map(tuple, rows))
        both = set(truth) & set(self.seen)
        return {
            "lost": len(set(truth) - set(self.seen)),
            "stale": sum(truth[key] != self.seen[key] for key in both),
            "missed_deletes": len(set(self.seen) - set(truth)),
        }


@dataclass
class Report:
    """What a run of the harness found; `seed` starts the same dice again."""

    seed: int
    seconds: float
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    control: dict[str, int] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    """Attempts that ended in an error which nothing here explains."""

    def problems(self) -> list[str]:
        """Why the run counts as broken; empty when the promise held and could have failed."""
        found = [f"{k}: {v.explain()}" for k, v in self.verdicts.items() if not v.is_exact]
        found += self.errors
        if not self.control["lost"]:
            found.append("the control lost nothing, so this run could not have seen a loss")
        if not self.writes["truncated in the storm"]:
            found.append("no TRUNCATE found a gap")
        found += [f"no attempt {what}" for what in ("ended", "killed") if not self.attempts[what]]
        if not all(v.retried for v in self.verdicts.values()):
            found.append("no batch was taken up by a second attempt")
        return found


@dataclass
class Harness:
    """One run over a PostgreSQL that is up and an empty database in it."""

    settings: Settings
    aws_: aws.Aws
    seed: int
    seconds: float
    directory: Path

    def run(self) -> Report:
        """Load, storm, calm, verdict."""
        report = Report(self.seed, self.seconds)
        session = attempt.connect(self.settings, "harness")
        writers.make_source(session, _KEYS // 2)
        control = Control(attempt.connect(self.settings, "control"))
        until = time.monotonic() + self.seconds
        crew = [
            writers.Writer(
                number, self.seed * 1000 + number, until, min(LONGEST_SECONDS, self.seconds / 3),
                _KEYS, lambda name: attempt.connect(self.settings, name),
            )
            for number in range(1, WRITERS + 1)
        ]  # fmt: skip
        threads = [threading.Thread(target=writer.run) for writer in crew]
        lanes = [
            threading.Thread(target=self._lane, args=(name, contract, lane, until, report))
            for name, contract in variants().items()
            for lane in range(2)
        ]
        for thread in (*threads, *lanes):
            thread.start()
        truncate_at = until - self.seconds * 0.7
        patience = LONGEST_SECONDS + 5
        while any(thread.is_alive() for thread in threads):
            control.poll()
            if time.monotonic() > truncate_at and not report.writes["truncated in the storm"]:
                # In time: the rows that the control loses come back after it, or nobody sees them.
                hurry = time.monotonic() > until - self.seconds * 0.5
                done = writers.truncate(session, patience if hurry else 1)
                report.writes["truncated in the storm"] += done
            time.sleep(0.3)
        for thread in (*threads, *lanes):
            thread.join()
        for writer in crew:
            report.writes += writer.done
        time.sleep(_SETTLE_SECONDS)
        control.poll()
        report.control = control.faults()
        for name, contract in variants().items():
            self._drain(name, contract, report)
            report.verdicts[name] = verdict.compare(session, contract, *self._lake(name))
        control.session.close()
        session.close()
        return report

    def _settings(self, name: str, contract: TableContract, chunk_rows: int) -> Settings:
        return replace(
            self.settings, contract=contract, suffix=_suffix(name), chunk_rows=chunk_rows
        )

    def _lake(self, name: str) -> tuple[Ledger, Bronze]:
        suffix = _suffix(name)
        return (
            Ledger(self.aws_.client("dynamodb"), aws.LEDGER + suffix),
            Bronze(self.aws_.client("s3"), aws.BUCKET + suffix),
        )

    def _lane(
        self, name: str, contract: TableContract, lane: int, until: float, report: Report
    ) -> None:
        """Invokes again and again; half of the attempts carry death in them, some are shot."""
        dice = random.Random(f"{self.seed} {name} {lane}")
        number = 0
        while time.monotonic() < until:
            number += 1
            chunk = dice.choice([11, 150, 2_000, 50_000])
            chance = dice.choice([0.0, 0.03])
            path = self.directory / f"{name}-{lane}-{number}.json"
            fate = Fate(chance=chance, seed=dice.getrandbits(32))
            patience = dice.uniform(0.05, 0.6) if dice.random() < 0.25 else 60
            if (lane, number) == (0, 1):  # whatever the dice say, one batch is taken up again
                fate, patience = Fate(("reader COPY", "after")), 60
            process = attempt.start(self._settings(name, contract, chunk), fate, path)
            if not attempt.ended(process, patience):
                process.kill()
                attempt.ended(process)
            self._count(process.exitcode, path, report)
            process.close()
            time.sleep(dice.uniform(0, 0.2))

    def _count(self, code: int, path: Path, report: Report) -> dict[str, Any]:
        told = attempt.told(path)
        if code == attempt.KILLED:
            report.attempts["killed"] += 1
        elif code == 0:
            report.attempts["ended"] += 1
        elif str(told.get("error", "")).startswith(_EXPECTED):
            report.attempts["overtaken"] += 1
        else:
            report.errors.append(str(told.get("error", f"an attempt ended with code {code}")))
        return told

    def _drain(self, name: str, contract: TableContract, report: Report) -> None:
        """Undisturbed invocations until nothing is new."""
        for number in range(10_000):
            path = self.directory / f"{name}-drain-{number}.json"
            process = attempt.start(self._settings(name, contract, 5_000), Fate(), path)
            attempt.ended(process)
            told = self._count(process.exitcode, path, report)
            process.close()
            result = told.get("result")
            if result is None or (result["batch_id"] is None and not result["has_more"]):
                return
        raise AssertionError(f"{name}: the ingest never comes to an end")


def run(engine: PostgresEngine, database: str, seed: int, seconds: float) -> Report:
    """A whole run in an existing empty database of a running engine."""
    with aws.serving() as services, tempfile.TemporaryDirectory() as directory:
        for name in variants():
            aws.make_bucket_and_ledger(
                services.client("s3"), services.client("dynamodb"), _suffix(name)
            )
        settings = Settings(
            variants()["updated_at"], services.url, engine.port, database,
            engine.master_user, engine.master_password,
        )  # fmt: skip
        return Harness(settings, services, seed, seconds, Path(directory)).run()


def _suffix(name: str) -> str:
    return "-" + name.replace("_", "-")
