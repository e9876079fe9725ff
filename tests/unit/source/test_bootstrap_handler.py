"""The custom resource: it always answers, always under the same id, never with the password."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from lakehouse.errors import SourceError
from lambdas.bootstrap import handler as bootstrap

_SECRET = "correct-horse-battery"


@dataclass
class Answers:
    """What was put at the response address."""

    url: str = ""
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failures: int = 0


@pytest.fixture
def answers() -> Iterator[Answers]:
    kept = Answers()

    class Bucket(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.failures -= 1
            if kept.failures < 0:
                kept.received.append((self.headers["Content-Type"], json.loads(body)))
            self.send_response(200 if kept.failures < 0 else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Bucket) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}/answer"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


@dataclass
class Context:
    function_name: str = "bootstrap"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:bootstrap"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


def _event(answers: Answers, request: str, **more: Any) -> dict[str, Any]:
    return {
        "RequestType": request,
        "ResponseURL": answers.url,
        "StackId": "arn:stack",
        "RequestId": "request-1",
        "LogicalResourceId": "DatabaseRoles",
        "ResourceProperties": {"AdminUser": "admin", "AdminPassword": _SECRET, "Revision": "1"},
        **more,
    }


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HOST", "db.internal"), ("PORT", "5432"), ("NAME", "orders")):
        monkeypatch.setenv(f"DATABASE_{name}", value)
    monkeypatch.setattr("lambdas.custom_resource.time.sleep", lambda _: None)


def _only(answers: Answers) -> dict[str, Any]:
    ((content_type, document),) = answers.received
    assert not content_type, "a presigned address was signed without a content type"
    assert len(json.dumps(document)) < 4096
    assert _SECRET not in json.dumps(document)
    return document


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_success(request_type: str, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrap, "create_roles", lambda _, *login: called.append(login))
    bootstrap.handler(_event(answers, request_type), Context())
    assert called == [("admin", _SECRET)]
    document = _only(answers)
    assert document["Status"] == "SUCCESS"
    assert (document["StackId"], document["RequestId"]) == ("arn:stack", "request-1")
    assert document["LogicalResourceId"] == "DatabaseRoles"
    assert document["PhysicalResourceId"] == "DatabaseRoles"


def test_delete_touches_nothing(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "create_roles", lambda *_: pytest.fail("connected"))
    bootstrap.handler(_event(answers, "Delete", PhysicalResourceId="as-it-was"), Context())
    document = _only(answers)
    assert document["Status"] == "SUCCESS"
    assert document["PhysicalResourceId"] == "as-it-was"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SourceError("the database said no"), "the database said no"),
        (RuntimeError(f"unforeseen, with {_SECRET}"), "RuntimeError in this function"),
        (SourceError("x" * 10_000), "x" * 1024),
    ],
)
def test_failures_are_answered(
    error: Exception,
    reason: str,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(bootstrap, "create_roles", fail)
    bootstrap.handler(_event(answers, "Create"), Context())
    document = _only(answers)
    assert (document["Status"], document["Reason"]) == ("FAILED", reason)
    assert _SECRET not in "".join(capsys.readouterr())


def test_a_missing_variable_is_answered(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_NAME")
    bootstrap.handler(_event(answers, "Create"), Context())
    document = _only(answers)
    assert document["Status"] == "FAILED"
    assert "'database_name' is missing" in document["Reason"]


def test_a_busy_response_address_is_tried_again(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "create_roles", lambda *_: None)
    answers.failures = 2
    bootstrap.handler(_event(answers, "Create"), Context())
    assert _only(answers)["Status"] == "SUCCESS"
