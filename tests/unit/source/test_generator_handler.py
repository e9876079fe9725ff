"""The generator Lambda's handler: environment, connection, metrics; no personal data in a log."""

import importlib
import sys
import traceback
from types import ModuleType
from typing import Any

import pg8000.exceptions
import pytest

from lakehouse.environment import GeneratorEnvironment
from lakehouse.errors import ConfigurationError, SourceError, SourceUnavailableError
from lambdas.generator.shop import Written

_NAME = "lambdas.generator.handler"
_ENVIRONMENT = GeneratorEnvironment(
    database_host="db.internal",
    database_port=5432,
    database_name="orders",
    database_user="lakehouse_generator",
    new_users=1,
    new_sales=2,
    status_changes=3,
    changed_addresses=4,
    changed_prices=5,
    products=6,
    seed=0,
)
_WRITTEN = Written(
    created_schema=True,
    new_users=1,
    changed_addresses=4,
    changed_prices=5,
    status_changes=3,
    new_sales=2,
)


class Context:
    function_name = "generator"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:generator"
    aws_request_id = "00000000-0000-0000-0000-000000000000"


class Connection:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name, value in _ENVIRONMENT.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, _NAME, raising=False)
    return importlib.import_module(_NAME)


def test_a_refused_row_is_not_quoted(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"C": "23514", "M": "violates check", "D": "Failing row contains (7, Ada Quill)."}

    def refuse(*_: object) -> Written:
        raise pg8000.exceptions.DatabaseError(fields)

    monkeypatch.setattr(module, "connect", lambda *_: Connection())
    monkeypatch.setattr(module, "generate", refuse)
    with pytest.raises(SourceError, match="violates check") as caught:
        module.handler({}, Context())
    told = "".join(traceback.format_exception(caught.value)) + capsys.readouterr().out
    assert "Quill" not in told


def test_rows_are_counted_and_returned(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = Connection()
    monkeypatch.setattr(module, "connect", lambda *_: connection)
    monkeypatch.setattr(module, "generate", lambda *_: _WRITTEN)
    result: dict[str, Any] = module.handler({}, Context())
    assert result == {**_WRITTEN.model_dump(), "rows": 15}
    assert connection.closed
    assert '"GeneratedNewSales":[2.0]' in capsys.readouterr().out


def test_a_failure_closes_the_connection(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection()

    def fail(*_: object) -> Written:
        raise SourceUnavailableError("gone")

    monkeypatch.setattr(module, "connect", lambda *_: connection)
    monkeypatch.setattr(module, "generate", fail)
    with pytest.raises(SourceUnavailableError):
        module.handler({}, Context())
    assert connection.closed


def test_a_missing_variable_is_named_at_cold_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _ENVIRONMENT.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NEW_SALES")
    monkeypatch.delitem(sys.modules, _NAME, raising=False)
    with pytest.raises(ConfigurationError, match="'new_sales' is missing"):
        importlib.import_module(_NAME)
