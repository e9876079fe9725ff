"""Headers and health around an app that knows nothing of them."""

import asyncio
from typing import Any

import pytest

from dashboard.server.headers import SecurityHeaders, security_headers
from dashboard.server.health import Health
from tests.asgi import Browser, run


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def policy() -> dict[str, list[str]]:
    parts = security_headers()["content-security-policy"].split("; ")
    return {name: what for name, *what in (part.split() for part in parts)}


def test_every_answer_carries_the_headers() -> None:
    wrapped = SecurityHeaders(app, security_headers())
    answer = run(Browser(wrapped).ask("GET", "/"))
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in answer.headers
    answer = run(Browser(wrapped, scheme="https").ask("GET", "/"))
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_the_policy_allows_no_foreign_place_and_no_evaluated_code() -> None:
    rules = policy()
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert rules["connect-src"] == ["'self'"]
    scripts = rules["script-src"]
    assert scripts[0] == "'self'"
    assert len(scripts) > 1
    assert all(one.startswith("'sha256-") for one in scripts[1:])
    for what in rules.values():
        assert not {"*", "http:", "https:", "'unsafe-eval'"} & set(what)


def test_live_is_streamlits_own_health() -> None:
    answer = run(Browser(Health(app, lambda: None, alive=app)).ask("GET", "/health/live"))
    assert answer.body == b"/_stcore/health"


def test_ready_is_asked_once_in_a_while_and_tells_one_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = []

    def probe() -> None:
        asked.append(1)
        raise ConnectionError("secret place")

    async def many() -> None:
        browser = Browser(Health(app, probe, alive=app))
        answers = await asyncio.gather(*(browser.ask("GET", "/health/ready") for _ in range(9)))
        assert {(one.status, one.body) for one in answers} == {(503, b'{"status":"unready"}')}

    run(many())
    assert len(asked) == 1
    assert "secret place" in caplog.text
