"""One ingest in a process of its own, which kills itself with SIGKILL at a chosen step.

The steps are all calls that leave the process: to the ledger, to the bucket, to the source by
either of its two connections. A process is forked from a server that has loaded everything, so that
an attempt costs milliseconds.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pg8000.native

from bench.adversary import aws
from lakehouse.contract import TableContract
from lakehouse.errors import LakehouseError
from lakehouse.ledger_client import Ledger
from lambdas.ingest import extraction, horizon
from lambdas.ingest.bronze import Bronze
from lambdas.ingest.budget import Budget
from lambdas.ingest.run import Ingest
from lambdas.ingest.source import Source, conninfo, session_options

os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["bench.adversary.attempt"])
for _service in ("s3", "dynamodb"):
    aws.client(_service, "http://127.0.0.1:1")  # loads the models before the forks
KILLED: Final = -signal.SIGKILL
"""Exit code of a killed attempt."""
REFUSED: Final = 3
"""Exit code of an attempt that ended in a named error."""

Hook = Callable[[int, str, str], None]
"""Called with a step's number, its name and `before` or `after`."""


@dataclass(frozen=True)
class Settings:
    """What an attempt needs to know. `suffix` chooses one of several buckets and ledgers."""

    contract: TableContract
    url: str
    port: int
    database: str
    user: str
    password: str
    suffix: str = ""
    chunk_rows: int = 100_000
    margin_seconds: float = 1.0


@dataclass(frozen=True)
class Fate:
    """Where the process dies: at a step, or at each with a chance."""

    step: tuple[int | str, str] | None = None
    """Number or name of the step, and `before` or `after`."""
    chance: float = 0.0
    seed: int = 0

    def hook(self) -> Hook:
        """The hook that kills."""
        dice = random.Random(self.seed)

        def strike(number: int, name: str, moment: str) -> None:
            if self.step in ((number, moment), (name, moment)) or dice.random() < self.chance:
                os.kill(os.getpid(), signal.SIGKILL)

        return strike


class _Counted:
    """An object whose calls are steps."""

    def __init__(self, target: Any, kind: str, names: tuple[str, ...], steps: "Steps") -> None:
        self._target, self._kind, self._names, self._steps = target, kind, names, steps

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._target, name)
        if self._names and name not in self._names:
            return call

        def counted(*positional: Any, **named: Any) -> Any:
            words = str(positional[0]).split()[:2] if self._kind == "source" and positional else []
            return self._steps.take(" ".join([self._kind, name, *words[:1]]), call,
                                    *positional, **named)  # fmt: skip

        return counted


@dataclass
class Steps:
    """Counts the steps of one attempt; `taken` holds their names."""

    hook: Hook
    taken: list[str]

    def take(self, name: str, call: Callable[..., Any], *positional: Any, **named: Any) -> Any:
        """Runs one step between its two moments."""
        self.taken.append(name)
        number = len(self.taken)
        self.hook(number, name, "before")
        answer = call(*positional, **named)
        self.hook(number, name, "after")
        return answer


def connect(settings: Settings, application: str) -> pg8000.native.Connection:
    """A session with the source."""
    return pg8000.native.Connection(
        settings.user, password=settings.password, host="127.0.0.1", port=settings.port,
        database=settings.database, application_name=application,
    )  # fmt: skip


def ingest(settings: Settings, hook: Hook, run_id: str = "run") -> tuple[Ingest, list[str]]:
    """An invocation over counted clients, and the list that its steps will fill."""
    steps = Steps(hook, [])
    application = f"lakehouse-ingest/{settings.contract.table}"
    dsn = conninfo(
        host="127.0.0.1", port=settings.port, dbname=settings.database, user=settings.user,
        password=settings.password, application_name=application, options=session_options(60),
    )  # fmt: skip

    def session() -> Any:
        opened = steps.take("source connect", connect, settings, application)
        return _Counted(opened, "source", ("run",), steps)

    made = Ingest(
        contract=settings.contract,
        source=Source(f"database {settings.database!r} at 127.0.0.1", session, lambda: dsn),
        ledger=Ledger(
            _Counted(aws.client("dynamodb", settings.url), "ledger", (), steps),
            aws.LEDGER + settings.suffix,
        ),
        bronze=Bronze(
            _Counted(aws.client("s3", settings.url), "bucket", (), steps),
            aws.BUCKET + settings.suffix,
        ),
        run_id=run_id,
        budget=Budget(settings.chunk_rows, seconds=60, bytes=2**40),
        margin_seconds=settings.margin_seconds,
    )
    run = extraction.Extraction.run

    def counted(self: extraction.Extraction, statement: str) -> Any:
        return steps.take(f"reader {statement.split()[0]}", run, self, statement)

    extraction.Extraction.run = counted  # type: ignore[method-assign]
    return made, steps.taken


def _main(settings: Settings, fate: Fate, report: str) -> None:
    tempfile.tempdir = str(Path(report).parent)  # a killed attempt can't tidy up
    if settings.margin_seconds < horizon.MINIMUM_MARGIN_SECONDS:
        horizon.MINIMUM_MARGIN_SECONDS = settings.margin_seconds
    made, taken = ingest(settings, fate.hook(), f"pid-{os.getpid()}")
    try:
        result = made.run().model_dump(mode="json")
    except LakehouseError as refused:
        _tell(report, {"error": f"{type(refused).__name__}: {refused}"})
        os._exit(REFUSED)
    _tell(report, {"result": result, "steps": taken})


def _tell(report: str, found: dict[str, Any]) -> None:
    """Writes the report whole or not at all: the attempt may be shot while it writes."""
    unfinished = Path(f"{report}.unfinished")
    unfinished.write_text(json.dumps(found))
    unfinished.rename(report)


_one_looks = threading.Lock()
"""`multiprocessing` looks after all children whenever one starts, and an exit code can be read only
once: of two threads that look at the same time, the second would take the child for lost."""


def start(settings: Settings, fate: Fate, report: Path) -> Any:
    """Starts an attempt; a `multiprocessing` process. `report` will hold what it ended with."""
    process = _PROCESSES.Process(target=_main, args=(settings, fate, str(report)))
    # A child runs its parent's main script again, whatever that is by now; it needs nothing of it.
    with _one_looks:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            process.start()
        finally:
            sys.modules["__main__"] = main
    return process


def ended(process: Any, seconds: float | None = None) -> bool:
    """Waits for an attempt's end, at most so long; False if it still runs."""
    if not wait([process.sentinel], seconds):
        return False
    with _one_looks:
        process.join()
    return True


def told(report: Path) -> dict[str, Any]:
    """What an attempt reported: `result` and `steps`, or `error`; nothing if it was killed."""
    if not report.is_file():
        return {}
    found: dict[str, Any] = json.loads(report.read_text())
    return found
