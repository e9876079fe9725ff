"""Sign-in by the code flow against a real, small provider: what is let through and what is not."""

import asyncio
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dashboard.signin import CodeFlow, Provider, signed_in

sys.path.insert(0, str(Path(__file__).parent))
from identity_provider import CLIENT, IdentityProvider, running

from tests.asgi import Answer, Browser, run

BASE = "http://shop.test"


@pytest.fixture(scope="module")
def shared() -> Iterator[IdentityProvider]:
    with running() as provider:
        provider.callbacks.add(f"{BASE}/oauth2/callback")
        yield provider


@pytest.fixture
def provider(shared: IdentityProvider) -> Iterator[IdentityProvider]:
    yield shared
    shared.changed, shared.tamper = {}, None


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"for {signed_in(scope)}".encode()})


class Reader(Browser):
    """A browser that follows the provider's form by hand."""

    async def ask(self, method: str, path: str, body: Any = b"", **headers: str) -> Answer:
        return await super().ask(method, path, body, host="shop.test", **headers)

    async def page(self, path: str = "/") -> Answer:
        return await self.ask("GET", path, accept="text/html")

    async def lead(self, path: str = "/") -> str:
        answer = await self.page(path)
        assert answer.status == 302, answer
        return answer.headers["location"]

    async def sign_in(self, path: str = "/", name: str = "anna") -> Answer:
        return await self.page(await filled_in(await self.lead(path), name))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


async def filled_in(form: str, name: str = "anna") -> str:
    """The way back that the provider answers its form with."""

    def post() -> str:
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(form, f"name={name}".encode(), timeout=10)
        except urllib.error.HTTPError as answer:
            return str(answer.headers["location"])
        raise AssertionError("no redirect")

    location = await asyncio.to_thread(post)
    assert location.startswith(BASE)
    return location.removeprefix(BASE)


def reader(provider: IdentityProvider, **kept: str) -> Reader:
    return Reader(CodeFlow(app, Provider(provider.issuer, lambda: CLIENT)), dict(kept))


def test_who_signs_in_comes_back_to_the_page_that_was_asked_for(provider: IdentityProvider) -> None:
    async def scenario() -> None:
        anna = reader(provider)
        back = await anna.sign_in("/health?city=Bern&period=7d")
        assert (back.status, back.headers["location"]) == (303, "/health?city=Bern&period=7d")
        assert (await anna.page()).body == b"for anna"
        cookies = anna.cookies
        assert "lakehouse-session" in cookies
        assert (await anna.ask("GET", "/oauth2/sign-out")).status == 200
        assert (await anna.page()).status == 302

    run(scenario())


def test_nothing_is_seen_without_sign_in(provider: IdentityProvider) -> None:
    async def scenario() -> None:
        stranger = reader(provider)
        for method, path in (
            ("GET", "/_transport/receive?after=0&seconds=0"),
            ("POST", "/_transport/open"),
            ("POST", "/_transport/send"),
            ("GET", "/_stcore/health"),
            ("GET", "/_stcore/host-config"),
            ("GET", "/static/js/index.js"),
            ("GET", "/media/x"),
            ("POST", "/"),
        ):
            answer = await stranger.ask(method, path)
            assert (answer.status, answer.body) == (401, b"sign in first")
        assert (await stranger.page("/anything")).status == 302

    run(scenario())


def test_a_websocket_needs_a_sign_in_and_ends_with_it(provider: IdentityProvider) -> None:
    async def socket(one: Reader) -> list[dict[str, Any]]:
        cookie = "; ".join(f"{name}={value}" for name, value in one.cookies.items())
        headers = [(b"host", b"shop.test"), (b"cookie", cookie.encode())]
        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": headers}
        scope |= {"scheme": "ws", "query_string": b"", "server": ("shop.test", 80)}
        events, sent = [{"type": "websocket.connect"}], []

        async def receive() -> dict[str, Any]:
            return events.pop(0) if events else await asyncio.Event().wait()  # type: ignore

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await asyncio.wait_for(one.app(scope, receive, send), 10)
        return sent

    async def scenario() -> None:
        assert [e["type"] for e in await socket(reader(provider))] == ["websocket.close"]
        provider.changed = {"exp": int(time.time()) + 2}
        anna = reader(provider)
        await anna.sign_in()
        assert [e["type"] for e in await socket(anna)] == ["websocket.accept", "websocket.close"]
        assert (await anna.page()).status == 302

    run(scenario())


FOREIGN = rsa.generate_private_key(65537, 2048)


def flipped(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    head, _, mark = provider.token(claims).split(".")
    return ".".join([head, provider.token(claims | {"sub": "root"}).split(".")[1], mark])


def by_public_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """HS256 with the public key as its secret: what a careless verifier takes for RS256."""
    pem = provider.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return jwt.encode(claims, pem, "HS256", headers={"kid": "first"})


TAMPERED = {
    "another body": flipped,
    "another key": lambda _p, c: jwt.encode(c, FOREIGN, "RS256", headers={"kid": "first"}),
    "an unknown key": lambda _p, c: jwt.encode(c, FOREIGN, "RS256", headers={"kid": "second"}),
    "no signature": lambda _p, c: jwt.encode(c, None, "none", headers={"kid": "first"}),
    "the public key as secret": by_public_key,
    "no token": lambda _p, _c: "not.a.token",
    "nothing": lambda _p, _c: None,
}
WRONG_CLAIMS = {
    "expired": {"exp": int(time.time()) - 120},
    "another audience": {"aud": "another-client"},
    "another audience too": {"aud": [CLIENT, "another-client"]},
    "another issuer": {"iss": "http://127.0.0.1:1"},
    "another nonce": {"nonce": "of-another-sign-in"},
    "not yet": {"iat": int(time.time()) + 3600},
    "an access token": {"token_use": "access"},
    "for another party": {"azp": "another-client"},
}


@pytest.mark.parametrize("how", [*TAMPERED, *WRONG_CLAIMS])
def test_a_token_that_is_wrong_signs_nobody_in(provider: IdentityProvider, how: str) -> None:
    async def scenario() -> None:
        if how in TAMPERED:
            provider.tamper = lambda claims: TAMPERED[how](provider, claims)
        else:
            provider.changed = WRONG_CLAIMS[how]
        anna = reader(provider)
        assert (await anna.sign_in()).status == 403
        assert (await anna.page()).status == 302
        provider.tamper, provider.changed = None, {}
        assert (await anna.sign_in()).status == 303

    run(scenario())


def test_a_way_back_belongs_to_the_browser_that_set_out_and_goes_once(
    provider: IdentityProvider,
) -> None:
    async def scenario() -> None:
        anna = reader(provider)
        back = await filled_in(await anna.lead())
        stranger = Reader(anna.app)
        assert (await stranger.page(back)).status == 400
        assert (await stranger.page()).status == 302
        other = Reader(anna.app)
        await other.lead()
        assert (await other.page(back)).status == 400  # begun by another: no login of its own
        kept = dict(anna.cookies)
        assert (await anna.page(back)).status == 303
        assert (await anna.page(back)).status == 400
        replayed = Reader(anna.app, kept)
        assert (await replayed.page(back)).status == 403  # the provider takes a code once
        assert (await anna.page("/oauth2/callback")).status == 400

    run(scenario())


def test_a_forged_session_is_none(provider: IdentityProvider) -> None:
    async def scenario() -> None:
        anna = reader(provider)
        await anna.sign_in()
        session = anna.cookies["lakehouse-session"]
        for forged in (session[:-2], session + "x", "e30.x", "", "." * 9):
            assert (await Reader(anna.app, {"lakehouse-session": forged}).page()).status == 302
        swapped = Reader(anna.app)
        await swapped.lead()
        under_way = swapped.cookies["lakehouse-under-way"]
        assert (await Reader(anna.app, {"lakehouse-session": under_way}).page()).status == 302
        elsewhere = reader(provider, **anna.cookies)  # another process, another key
        assert (await elsewhere.page()).status == 302

    run(scenario())


@pytest.mark.parametrize("path", ["//evil.test/", "/\\evil.test", "//evil.test?next=/"])
def test_nobody_is_led_elsewhere(provider: IdentityProvider, path: str) -> None:
    async def scenario() -> None:
        anna = reader(provider)
        back = await anna.sign_in(path)
        location = back.headers["location"]
        assert (back.status, "\\" in location) == (303, False)
        assert urllib.parse.urlsplit(urllib.parse.urljoin(BASE, location)).netloc == "shop.test"

    run(scenario())


def test_the_provider_is_told_an_own_address_and_a_challenge(provider: IdentityProvider) -> None:
    async def scenario() -> None:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(await reader(provider).lead()).query)
        assert query["redirect_uri"] == [f"{BASE}/oauth2/callback"]
        assert query["code_challenge_method"] == ["S256"]
        assert len(query["code_challenge"][0]) == 43
        safe = reader(provider)
        safe.scheme = "https"
        answer = await safe.page()
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-lakehouse-under-way=")
        assert all(flag in cookie for flag in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"))

    run(scenario())


def test_a_provider_that_does_not_answer_is_said() -> None:
    async def scenario() -> None:
        gone = Reader(CodeFlow(app, Provider("http://127.0.0.1:9", lambda: CLIENT)))
        answer = await gone.page()
        assert (answer.status, b"Try again" in answer.body) == (503, True)

    run(scenario())
