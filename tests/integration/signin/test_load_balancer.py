"""The word of a load balancer: believed when the right one signed it, for the right client, now."""

import base64
import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from dashboard.signin import LoadBalancerSignIn, signed_in
from dashboard.signin.load_balancer import HEADER, regional_keys
from tests.asgi import Browser, run

KEY_ID = "12345678-1234-1234-1234-123456789abc"
SIGNER = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/dashboard/1"
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool"
CLIENT = "dashboard-client"
KEY, FOREIGN = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"for {signed_in(scope)}".encode()})


class Keys(http.server.BaseHTTPRequestHandler):
    """As the region's load balancers publish theirs."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = self.path == f"/{KEY_ID}"
        self.send_response(200 if found else 404)
        self.end_headers()
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, kind)
        self.wfile.write(pem if found else b"")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def token(key: Any = KEY, payload: dict[str, Any] | None = None, **header: Any) -> str:
    """As a load balancer makes it: with the padding that a JWT has not by its standard."""
    exp = int(time.time()) + 120
    head = {"alg": "ES256", "kid": KEY_ID, "signer": SIGNER, "iss": ISSUER, "client": CLIENT}
    head = head | {"typ": "JWT", "exp": exp} | header
    body = {"sub": "anna", "exp": exp, "iss": ISSUER} if payload is None else payload
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (head, body)]
    signed = b".".join(parts)
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    mark = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return (signed + b"." + mark).decode()


def ask(address: str, *tokens: str, path: str = "/") -> tuple[int, bytes]:
    wrapped = LoadBalancerSignIn(
        app, regional_keys(address), signer=SIGNER, issuer=ISSUER, client=CLIENT
    )

    async def with_header(scope: Any, receive: Any, send: Any) -> None:
        headers = [*scope["headers"], *((HEADER.encode(), one.encode()) for one in tokens)]
        await wrapped({**scope, "headers": headers}, receive, send)

    answer = run(Browser(with_header).ask("GET", path, accept="text/html"))
    return answer.status, answer.body


def test_who_it_signed_in_is_let_through(address: str) -> None:
    assert ask(address, token()) == (200, b"for anna")


def other_body(made: str) -> str:
    head, _, mark = made.split(".")
    return ".".join([head, token(payload={"sub": "root"}).split(".")[1], mark])


NOW = int(time.time())


@pytest.mark.parametrize(
    "made",
    [
        token(FOREIGN),
        other_body(token()),
        token(signer=SIGNER.replace("/1", "/2")),
        token(signer=None),
        token(iss="https://elsewhere.test"),
        token(client="another-client"),
        token(exp=NOW - 120),
        token(exp=str(NOW + 120)),
        token(exp=None),
        token(payload={"sub": "anna", "exp": NOW - 120}),
        token(payload={"exp": NOW + 120}),
        token(alg="none"),
        token(kid="87654321-1234-1234-1234-123456789abc"),
        jwt.encode({"sub": "anna"}, None, "none", headers={"kid": KEY_ID}),
        "",
        "a.b.c",
    ],
)
def test_any_other_word_is_refused(address: str, made: str) -> None:
    assert ask(address, made) == (401, b"sign in first")


def test_no_word_or_two_are_refused(address: str) -> None:
    assert ask(address)[0] == 401
    assert ask(address, token(), token())[0] == 401
    for path in ("/_transport/open", "/_stcore/health", "/static/js/x.js"):
        assert ask(address, path=path)[0] == 401


def test_a_key_id_leads_to_no_other_address(address: str) -> None:
    Keys.asked.clear()
    for kid in ("../secret", f"{KEY_ID}?x", "//evil.test/", KEY_ID.upper(), None):
        assert ask(address, token(kid=kid))[0] == 401
    assert Keys.asked == []
