"""The transport without a network: nothing lost, nothing twice, nobody in another's session."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.transport import HttpTransport, Limits
from dashboard.transport.frames import Frame, Kind, MalformedError, decode, encode
from tests.asgi import Browser, Socket, open_session, run

PAGE = b"<!doctype html><html><head><title>x</title></head></html>"


class Echo:
    """An ASGI app: says back what it hears, and remembers it."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.gone: list[int] = []
        self.reading = asyncio.Event()
        self.reading.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = [(b"content-type", b"text/html"), (b"etag", b'"1"')]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": PAGE})
            return
        self.scopes.append(scope)
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/closed":
            await send({"type": "websocket.close", "code": 1008})
            return
        protocols = scope["subprotocols"]
        protocol = protocols[0] if protocols else None
        await send({"type": "websocket.accept", "subprotocol": protocol})
        while True:
            await self.reading.wait()
            event = await receive()
            if event["type"] == "websocket.disconnect":
                self.gone.append(event["code"])
                return
            text = event.get("text") or ""
            self.heard.append(text)
            if text == "fail":
                raise RuntimeError("as it was told")
            if text == "bye":
                await send({"type": "websocket.close", "code": 4000, "reason": "enough"})
                return
            for _ in range(int(text.removeprefix("times ")) if text.startswith("times ") else 1):
                await send({"type": "websocket.send", "text": text})


Scenario = Callable[[Echo, HttpTransport], Coroutine[Any, Any, None]]


def play(scenario: Scenario, **limits: Any) -> None:
    async def all_of_it() -> None:
        echo = Echo()
        transport = HttpTransport(
            echo, ["/socket", "/closed"], limits=Limits(**{"open_seconds": 0.2, **limits})
        )
        await scenario(echo, transport)
        await transport.sessions.close()

    run(all_of_it())


def test_a_message_goes_there_and_back() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport), "/socket", "streamlit", "token")
        assert await socket.send(1, "one", "two") == 2
        await asyncio.sleep(0.01)
        assert await socket.texts(0) == ["one", "two"]
        assert await socket.texts(1) == ["two"]
        (scope,) = echo.scopes
        assert scope["type"] == "websocket"
        assert scope["subprotocols"] == ["streamlit", "token"]
        assert (b"sec-websocket-protocol", b"streamlit, token") in scope["headers"]
        assert "method" not in scope

    play(scenario)


def test_what_was_not_acknowledged_comes_again() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        await socket.send(1, "times 3")
        await asyncio.sleep(0.01)
        lost = await socket.receive(0)
        assert await socket.receive(0) == lost  # the answer was lost on its way
        assert [number for number, _, _ in await socket.receive(1)] == [2, 3]
        assert await socket.receive(3, 0) == []

    play(scenario)


def test_a_repeated_post_is_heard_once() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        assert await socket.send(1, "one", "two") == 2
        assert await socket.send(1, "one", "two") == 2
        assert await socket.send(2, "two", "three") == 3
        await asyncio.sleep(0.01)
        assert echo.heard == ["one", "two", "three"]

    play(scenario)


def test_a_post_that_leaves_a_gap_is_refused_and_the_session_goes_on() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        ahead = await socket.post(encode(2, [Frame(Kind.TEXT, b"two")]))
        assert (ahead.status, ahead.body) == (409, b"expected 1")
        assert await socket.send(1, "one") == 1
        assert await socket.send(2, "two") == 2
        await asyncio.sleep(0.01)
        assert echo.heard == ["one", "two"]

    play(scenario)


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 4)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_is_repeated_or_out_of_order_each_message_is_heard_once_in_order(
    posts: list[tuple[int, int]],
) -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        for first, count in posts:
            texts = [Frame(Kind.TEXT, str(n).encode()) for n in range(first, first + count)]
            answer = await socket.post(encode(first, texts))
            assert answer.status in (200, 409)
        await asyncio.sleep(0)
        received = await socket.send(1, "1")
        await socket.send(received + 1, "last")
        await asyncio.sleep(0.005)
        assert echo.heard == [*map(str, range(1, received + 1)), "last"]

    play(scenario)


def test_a_newer_poll_takes_the_place_of_an_older_one() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        older = asyncio.create_task(socket.receive(0, 20))
        await asyncio.sleep(0.01)
        newer = asyncio.create_task(socket.receive(0, 20))
        assert await older == []
        await socket.send(1, "one")
        assert [payload for _, _, payload in await newer] == [b"one"]

    play(scenario)


def test_a_full_queue_takes_what_has_room_and_loses_nothing() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        echo.reading.clear()
        await asyncio.sleep(0.01)
        texts = [str(number) for number in range(10)]
        taken = await socket.send(1, *texts)
        assert taken == 4
        await asyncio.sleep(0.01)
        taken = await socket.send(taken + 1, *texts[taken:])
        assert taken == 5  # the first one is in the app's hands
        assert await socket.send(taken + 1, *texts[taken:]) == 5
        echo.reading.set()
        while taken < 10:
            await asyncio.sleep(0.01)
            taken = await socket.send(taken + 1, *texts[taken:])
        await asyncio.sleep(0.01)
        assert echo.heard == texts

    play(scenario, incoming_messages=4)


def test_an_app_that_says_too_much_waits_for_its_reader() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        await socket.send(1, "times 100", "next")
        await asyncio.sleep(0.01)
        assert echo.heard == ["times 100"]
        seen = 0
        while "next" not in echo.heard:
            frames = await socket.receive(seen)
            assert sum(len(payload) for _, _, payload in frames) <= 50
            seen = frames[-1][0]
        assert seen >= 95

    play(scenario, outgoing_bytes=50, response_bytes=20)


def test_the_apps_end_is_told_with_its_code_and_then_the_session_is_gone() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        await socket.send(1, "bye")
        assert await socket.receive(0) == [(1, Kind.CLOSE, b"\x0f\xa0enough")]
        assert await socket.receive(1) == []
        assert (await socket.get(1)).status == 404
        assert len(transport.sessions) == 0

    play(scenario)


def test_an_apps_failure_ends_its_session_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        failing, other = [await Socket.open(Browser(transport)) for _ in range(2)]
        await failing.send(1, "fail")
        assert await failing.receive(0) == [(1, Kind.CLOSE, b"\x03\xf3")]
        await other.send(1, "one")
        assert await other.texts(0) == ["one"]

    play(scenario)
    assert "as it was told" in caplog.text


def test_leaving_tells_the_app() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        assert (await socket.post(b"", "close")).status == 204
        await asyncio.sleep(0.01)
        assert echo.gone == [1001]
        assert (await socket.get(0)).status == 404

    play(scenario)


def test_a_session_that_nobody_asks_for_expires() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        kept, left = [await Socket.open(Browser(transport)) for _ in range(2)]
        for _ in range(4):
            await asyncio.sleep(0.05)
            await kept.receive(0, 0)
        assert echo.gone == [1006]
        assert (await left.get(0)).status == 404
        await kept.send(1, "one")
        assert await kept.texts(0) == ["one"]

    play(scenario, expiry_seconds=0.12)


def test_a_session_belongs_to_its_browser() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        mine = await Socket.open(Browser(transport))
        await mine.send(1, "secret")
        theirs = Browser(transport)
        await Socket.open(theirs)
        for thief in (theirs, Browser(transport), Browser(transport, {"transport_browser": ""})):
            replayed = Socket(thief, mine.session)
            for answer in (
                await replayed.get(0),
                await replayed.post(encode(2, [Frame(Kind.TEXT, b"forged")])),
                await replayed.post(b"", "close"),
            ):
                assert (answer.status, answer.body) == (404, b"")
        forged = Socket(mine.browser, mine.session[:-1] + "x")
        assert (await forged.get(0)).status == 404
        assert await mine.texts(0) == ["secret"]
        assert echo.heard == ["secret"]

    play(scenario)


def test_a_session_belongs_to_who_is_signed_in() -> None:
    async def all_of_it() -> None:
        owner = "anna"
        transport = HttpTransport(Echo(), ["/socket"], owner=lambda _scope: owner)
        socket = await Socket.open(Browser(transport))
        assert (await socket.get(0)).status == 200
        owner = "ben"
        assert (await socket.get(0)).status == 404
        await transport.sessions.close()

    run(all_of_it())


def test_many_sessions_hear_their_own_messages_only() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        async def one(name: int) -> None:
            socket = await Socket.open(Browser(transport))
            seen: list[str] = []
            for number in range(1, 11):
                await socket.send(number, f"{name}-{number}")
                while len(seen) < number:
                    seen += await socket.texts(len(seen))
            assert seen == [f"{name}-{number}" for number in range(1, 11)]

        await asyncio.gather(*(one(name) for name in range(50)))

    play(scenario)


def test_sessions_are_limited_for_each_browser_and_in_all() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        greedy = Browser(transport)
        sockets = [await Socket.open(greedy) for _ in range(3)]
        assert (await open_session(greedy)).status == 429
        others = [await Socket.open(Browser(transport)) for _ in range(2)]
        assert (await open_session(Browser(transport))).status == 429
        await sockets[0].post(b"", "close")
        await Socket.open(greedy)
        assert (await others[0].get(0)).status == 200

    play(scenario, sessions=5, sessions_of_one_owner=3)


def test_a_message_that_is_too_large_ends_its_session() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket, other = [await Socket.open(Browser(transport)) for _ in range(2)]
        # What it says of its length counts for nothing: the parts are counted as they come.
        assert (await socket.post([b"\0" * 600] * 4)).status == 413
        assert await socket.receive(0) == [(1, Kind.CLOSE, b"\x03\xf1too large")]
        await asyncio.sleep(0.01)
        assert echo.gone == [1009]
        assert (await other.get(0)).status == 200
        assert (await other.browser.ask("POST", "/_transport/open", b"x" * 20_000)).status == 413

    play(scenario, message_bytes=2000)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_batch_or_refused(body: bytes) -> None:
    try:
        first, frames = decode(body)
    except MalformedError:
        return
    assert encode(first, frames) == body


@given(
    st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)),
    st.sampled_from(["open", "send", "receive", "close", "client.js", "", "../x"]),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
    st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_fuzzed_requests_are_refused_and_the_server_lives(
    body: bytes, name: str, method: str, value: str
) -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        for session in (socket.session, value):
            answer = await socket.browser.ask(
                method,
                f"/_transport/{name}?after={value}&seconds={value}",
                body,
                content_type="application/octet-stream",
                x_transport_session=session,
            )
            assert answer.status < 500
        fresh = await Socket.open(Browser(transport))
        await fresh.send(1, "one")
        assert await fresh.texts(0) == ["one"]

    play(scenario)


@pytest.mark.parametrize(
    "wanted",
    [
        {"path": "/elsewhere", "query": "", "protocols": []},
        {"path": "/socket", "query": "", "protocols": "streamlit"},
        {"path": "/socket", "query": "", "protocols": ["a\r\nx-evil: 1"]},
        {"path": "/socket", "query": "", "protocols": ["a, b"]},
        {"path": "/socket", "query": 1, "protocols": []},
        {"path": ["/socket"], "query": "", "protocols": []},
        ["/socket"],
    ],
)
def test_only_the_apps_own_sockets_can_be_opened(wanted: Any) -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        body = json.dumps(wanted).encode()
        assert (await Browser(transport).ask("POST", "/_transport/open", body)).status == 400
        assert echo.scopes == []

    play(scenario)


def test_what_the_app_refuses_is_refused() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        assert (await open_session(Browser(transport), "/closed")).status == 403
        assert len(transport.sessions) == 0

    play(scenario)


def test_wrong_numbers_and_types_are_refused() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        socket = await Socket.open(Browser(transport))
        for after, seconds in [("x", 0), (-1, 0), (0, "nan"), (0, "inf"), (0, -1), ("", "")]:
            assert (await socket.get(after, seconds)).status == 400
        assert (await socket.get(7)).status == 409  # never sent
        plain = await socket.browser.ask(
            "POST", "/_transport/send", b"", x_transport_session=socket.session
        )
        assert plain.status == 415  # a form of another site could send this
        assert (await socket.get(0)).status == 200

    play(scenario)


def test_the_browsers_cookie_is_kept_from_scripts_and_other_sites() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        answer = await open_session(Browser(transport, scheme="https"))
        cookie = answer.headers["set-cookie"].lower()
        assert all(flag in cookie for flag in ("httponly", "secure", "samesite=strict", "path=/"))
        assert echo.scopes[0]["scheme"] == "wss"

    play(scenario)


def test_pages_begin_with_the_stand_in() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        answer = await Browser(transport).ask("GET", "/", accept="text/html,*/*")
        assert answer.body.startswith(b'<!doctype html><html><head><script src="./_transport/')
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert "etag" not in answer.headers
        script = await Browser(transport).ask("GET", "/_transport/client.js")
        assert b"HttpSocket" in script.body
        again = await Browser(transport).ask(
            "GET", "/_transport/client.js", if_none_match=script.headers["etag"]
        )
        assert again.status == 304
        plain = HttpTransport(echo, ["/socket"], replace=False)
        assert (await Browser(plain).ask("GET", "/", accept="text/html")).body == PAGE

    play(scenario)


def test_the_processs_end_tells_every_app() -> None:
    async def scenario(echo: Echo, transport: HttpTransport) -> None:
        for _ in range(3):
            await Socket.open(Browser(transport))
        await transport.sessions.close()
        assert echo.gone == [1001] * 3

    play(scenario)
