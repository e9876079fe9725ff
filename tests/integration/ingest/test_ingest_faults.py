"""What breaks around an ingest: each fault is a named error, and the next run is correct."""

import datetime as clocks
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.adversary import aws
from bench.adversary.aws import Answer, BreakError
from lakehouse.environment import DatabaseEnvironment
from lakehouse.errors import (
    LakehouseError,
    LandingError,
    LedgerBusyError,
    LedgerError,
    SourceError,
    SourceUnavailableError,
)
from lambdas import database
from lambdas.ingest import planning
from lambdas.ingest.extraction import Extraction
from tests.integration.ingest.conftest import PASSWORD, USER, Shop
from tests.integration.source.conftest import refusal

Wait = Callable[[], None]
Fault = Callable[[], Answer]
ROWS = "INSERT INTO sales SELECT n, 'b' || n, n, clock_timestamp() FROM generate_series(1, 50) n"
APPLICATION = "lakehouse-ingest/sales"


def s3_error(status: int, code: str) -> Fault:
    body = f"<Error><Code>{code}</Code><Message>as asked for</Message></Error>"
    return lambda: (status, {"content-type": "application/xml"}, body.encode())


def dynamodb_error(code: str) -> Fault:
    body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "as asked for"}}'
    return lambda: (400, {"content-type": "application/x-amz-json-1.0"}, body.encode())


def broken() -> Answer:
    raise BreakError


@dataclass
class Faulty:
    """A shop over served S3 and DynamoDB, whose faults go by operation and pass after a while."""

    shop: Shop
    services: aws.Aws
    struck: list[str] = field(default_factory=list)

    def strike(self, operation: str, fault: Fault, times: int) -> None:
        def answer(asked: str) -> Answer | None:
            if asked.split()[0] != operation or len(self.struck) >= times:
                return None
            self.struck.append(asked)
            return fault()

        self.services.fault = answer


@pytest.fixture
def faulty(shop: Shop, wait: Wait) -> Iterator[Faulty]:
    with aws.listening() as services:
        shop.bronze = replace(shop.bronze, client=services.client("s3"))
        shop.ledger = replace(shop.ledger, client=services.client("dynamodb"))
        shop.run_script(ROWS)
        wait()
        yield Faulty(shop, services)


def is_correct(shop: Shop) -> bool:
    """After the next run: bronze is the source, and no object is outside the ledger."""
    shop.ingest()
    batches = shop.ledger.batches("sales")
    listed = [f.key for b in batches for f in (*b.files, *b.quarantine_files)]
    living = shop.living()
    return bool(living) and living == shop.truth() and shop.objects() == sorted(listed)


@pytest.mark.parametrize(
    ("operation", "fault", "error", "words"),
    [
        ("PutObject", s3_error(500, "InternalError"), LandingError, ["PutObject", "InternalError"]),
        ("PutObject", s3_error(503, "SlowDown"), LandingError, ["PutObject s3://", "SlowDown"]),
        ("PutObject", broken, LandingError, ["PutObject s3://", "Connection"]),
        ("GetItem", dynamodb_error("ProvisionedThroughputExceededException"), LedgerError,
         ["sales watermark", "ProvisionedThroughputExceeded"]),
        ("Query", dynamodb_error("ThrottlingException"), LedgerError, ["sales", "Throttling"]),
        ("PutItem", dynamodb_error("ThrottlingException"), LedgerError,
         ["sales batch 000000000001", "Throttling"]),
        ("UpdateItem", dynamodb_error("ConditionalCheckFailedException"), LedgerBusyError,
         ["sales batch 000000000001", "another ingest", "run it again"]),
        ("TransactWriteItems", dynamodb_error("ThrottlingException"), LedgerError,
         ["sales batch 000000000001", "Throttling"]),
        ("TransactWriteItems", broken, LedgerError, ["sales batch 000000000001", "onnection"]),
    ],
)  # fmt: skip
def test_a_fault_of_aws_that_persists(
    faulty: Faulty, operation: str, fault: Fault, error: type[LakehouseError], words: list[str]
) -> None:
    faulty.strike(operation, fault, times=1000)
    with pytest.raises(error) as raised:
        faulty.shop.ingest()
    assert type(raised.value) is error
    assert [word for word in words if word not in str(raised.value)] == []
    assert faulty.struck
    faulty.services.fault = lambda _: None
    assert is_correct(faulty.shop)


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("PutObject", s3_error(500, "InternalError")),
        ("PutObject", s3_error(503, "SlowDown")),
        ("PutItem", dynamodb_error("ThrottlingException")),
        ("TransactWriteItems", dynamodb_error("ProvisionedThroughputExceededException")),
        ("UpdateItem", broken),
    ],
)
def test_a_fault_of_aws_that_passes_is_not_noticed(
    faulty: Faulty, operation: str, fault: Fault
) -> None:
    faulty.strike(operation, fault, times=1)
    assert [result.rows for result in faulty.shop.ingest()] == [50]
    assert len(faulty.struck) == 1
    assert is_correct(faulty.shop)


@contextmanager
def held_at_the_rows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, then: Callable[[int], None]
) -> Iterator[None]:
    """The statement that reads the rows waits for a lock; `then` gets its backend's pid."""
    run = Extraction.run
    watcher = shop.connect()
    holder = shop.connect()

    def strike() -> None:
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = :name AND"
            " datname = current_database() AND wait_event_type = 'Lock'"
        )
        deadline = time.monotonic() + 30
        while not (found := watcher.run(waiting, name=APPLICATION)):
            assert time.monotonic() < deadline, "the reader never waited"
            time.sleep(0.01)
        then(found[0][0])

    def held(self: Extraction, statement: str) -> Any:
        if not statement.startswith("COPY"):
            return run(self, statement)
        holder.run("BEGIN")
        holder.run("LOCK TABLE sales IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=strike)
        thread.start()
        try:
            return run(self, statement)
        finally:
            thread.join()
            holder.run("ROLLBACK")

    with monkeypatch.context() as patched:
        patched.setattr(Extraction, "run", held)
        yield


def test_the_backend_is_terminated_in_mid_extraction(
    shop: Shop, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run_script(ROWS)
    wait()
    killer = shop.connect()

    def kill(pid: int) -> None:
        killer.run("SELECT pg_terminate_backend(:pid)", pid=pid)

    with (
        held_at_the_rows(shop, monkeypatch, kill),
        pytest.raises(
            SourceUnavailableError, match=r"broke the connection: .*(terminat|server closed)"
        ) as gone,
    ):
        shop.ingest()
    assert gone.value.transient
    assert shop.objects() == []
    assert is_correct(shop)


def test_a_statement_that_waits_too_long_is_stopped(
    shop: Shop, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run_script(ROWS)
    wait()
    source = shop.source(options="-c statement_timeout=200")
    with (
        held_at_the_rows(shop, monkeypatch, lambda _: None),
        pytest.raises(SourceError, match="statement timeout; raise statement_timeout_seconds"),
    ):
        shop.ingest(source=source)
    assert shop.objects() == []
    assert is_correct(shop)


def test_the_database_is_gone_between_the_session_and_the_reader(shop: Shop, wait: Wait) -> None:
    shop.run_script(ROWS)
    wait()
    with pytest.raises(SourceUnavailableError, match="broke the connection: Unable to connect"):
        shop.ingest(source=shop.source(port=1))
    assert is_correct(shop)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "expired"}, "does not let the ingest in: .*password authentication failed"),
        ({"sslmode": "verify-full", "sslrootcert": "system"}, "does not support SSL"),
        ({"sslmode": "require"}, "does not let the ingest in: .*does not support SSL"),
    ],
    ids=["token", "authority", "tls"],
)
def test_the_reader_is_not_let_in(
    shop: Shop, wait: Wait, change: dict[str, str], words: str
) -> None:
    shop.run_script(ROWS)
    wait()
    with pytest.raises(SourceError, match=words) as refused:
        shop.ingest(source=shop.source(**change))
    assert not refused.value.transient
    assert PASSWORD not in str(refused.value)
    assert "expired" not in str(refused.value)
    assert is_correct(shop)


@pytest.mark.parametrize("password", ["expired", None], ids=["token", "tls"])
def test_the_session_is_not_let_in(
    shop: Shop, wait: Wait, monkeypatch: pytest.MonkeyPatch, password: str | None
) -> None:
    shop.run_script(ROWS)
    wait()
    target = DatabaseEnvironment(
        database_host="127.0.0.1", database_port=shop.engine.port, database_name=shop.database,
        database_user=USER,
    )  # fmt: skip
    monkeypatch.setattr(database, "auth_token", lambda _: password or PASSWORD)
    monkeypatch.setattr(database, "ca_file", lambda: None)
    connection = database.pg8000.native.Connection
    if password:  # a server that takes plain connections
        plain = {"ssl_context": None}
        monkeypatch.setattr(
            database.pg8000.native,
            "Connection",
            lambda *given, **named: connection(*given, **named | plain),
        )
    source = replace(shop.source(), connect=lambda: database.connect(target, APPLICATION, 30))
    said = refusal(SourceError, lambda: shop.ingest(source=source))
    assert f"refused '{USER}'" in said
    assert ("password authentication failed" if password else "SSL") in said
    assert shop.ledger.batches("sales") == []
    monkeypatch.setattr(database.pg8000.native, "Connection", connection)
    assert is_correct(shop)


def test_the_functions_clock_is_ten_minutes_off(
    shop: Shop, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, shift = time.time, clocks.timedelta(minutes=10)

    class Ahead(clocks.datetime):
        @classmethod
        def now(cls, tz: clocks.tzinfo | None = None) -> clocks.datetime:  # type: ignore[override]
            return clocks.datetime.now(tz) + shift

    [[before]] = shop.connect().run("SELECT now()") or []
    shop.run_script(ROWS)
    wait()
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: seconds() + shift.total_seconds())
        for name, module in list(sys.modules.items()):
            is_ours = name.startswith(("lambdas.", "lakehouse."))
            if is_ours and getattr(module, "datetime", None) is clocks.datetime:
                patched.setattr(module, "datetime", Ahead)
        assert planning.datetime is Ahead
        shop.ingest()
    [[after]] = shop.connect().run("SELECT now()") or []
    [batch] = shop.ledger.batches("sales")
    watermark = shop.ledger.watermark("sales", "updated_at")
    told = [batch.opened_at, batch.committed_at, batch.horizon, watermark.updated_at]
    for moment in told:
        assert abs(clocks.datetime.fromisoformat(str(moment)) - after) < shift / 2
    for (moment,) in shop.read("DISTINCT epoch_us(_ingested_at)"):
        assert before.timestamp() <= moment / 1e6 <= after.timestamp()
    assert batch.ingest_date in (before.date().isoformat(), after.date().isoformat())
    shop.run_script("UPDATE sales SET amount = 0, updated_at = clock_timestamp()")
    wait()
    assert is_correct(shop)


def test_the_disk_is_full(
    shop: Shop, wait: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    shop.run_script(
        "INSERT INTO sales SELECT n, md5(n::text) || md5((-n)::text), n, clock_timestamp()"
        " FROM generate_series(1, 20000) n"
    )
    wait()
    with closing(Limit(100_000)), pytest.raises(LandingError) as full:
        shop.ingest()
    assert "disk can't hold" in str(full.value)
    assert "raise its storage or lower chunk_rows" in str(full.value)
    assert shop.objects() == []
    assert list(disk.glob("ingest-????????")) == []
    assert is_correct(shop)


class Limit:
    """No file of this process may grow beyond so many bytes, until closed."""

    def __init__(self, size: int) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        # Python ignores SIGXFSZ, so that a write fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, self.before[1]))

    def close(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)
