"""A small OpenID provider: a form, real codes with PKCE, RS256 tokens. It can be told to misbehave.

What it does not know it refuses, as Cognito does: other clients, other addresses to lead back to, a
code twice, another verifier.
"""

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT = "dashboard-client"
Tamper = Callable[[dict[str, Any]], str | None]


@dataclass
class IdentityProvider:
    """The provider at `issuer`; `callbacks` are the addresses that it leads back to."""

    issuer: str = ""
    callbacks: set[str] = field(default_factory=set)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    """Claims that its next tokens have instead of the right ones."""
    tamper: Tamper | None = None
    """Makes the token of the claims in another way."""

    def token(self, claims: dict[str, Any]) -> str:
        """The claims, signed."""
        return jwt.encode(claims, self.key, "RS256", headers={"kid": "first"})

    def app(self) -> Starlette:
        """Its endpoints."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/jwks", self._jwks),
                Route("/authorize", self._form, methods=["GET"]),
                Route("/authorize", self._signed, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _configuration(self, _request: Request) -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        places["jwks_uri"] = "jwks"
        found = {name: f"{self.issuer}/{path}" for name, path in places.items()}
        return JSONResponse({"issuer": self.issuer, **found})

    async def _jwks(self, _request: Request) -> Response:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return JSONResponse({"keys": [{**key, "kid": "first", "use": "sig", "alg": "RS256"}]})

    def _refusal(self, query: Any) -> str | None:
        if query.get("client_id") != CLIENT:
            return "another client"
        if query.get("redirect_uri") not in self.callbacks:
            return "another redirect_uri"
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return "no code flow with PKCE"
        return None

    async def _form(self, request: Request) -> Response:
        if refused := self._refusal(request.query_params):
            return HTMLResponse(refused, 400)
        action = escape(f"/authorize?{request.query_params}")
        return HTMLResponse(
            f'<!doctype html><title>Provider</title><form method="post" action="{action}">'
            '<label>Name <input name="name"></label><button>Sign in</button></form>'
        )

    async def _signed(self, request: Request) -> Response:
        query = dict(request.query_params)
        if refused := self._refusal(query):
            return HTMLResponse(refused, 400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "name": str((await request.form())["name"])}
        back = urlencode({"code": code, "state": query["state"]})
        return RedirectResponse(f"{query['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or (
            asked["client_id"] != form.get("client_id")
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != challenge
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": asked["name"],
            "iat": now,
            "exp": now + 3600,
            "nonce": asked["nonce"],
            "token_use": "id",
        } | self.changed
        made = self.tamper(claims) if self.tamper else self.token(claims)
        return JSONResponse({"id_token": made, "token_type": "Bearer"})


@contextmanager
def running() -> Iterator[IdentityProvider]:
    """The provider on a free port of this machine, while the block lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    provider = IdentityProvider(f"http://127.0.0.1:{listening.getsockname()[1]}")
    config = uvicorn.Config(provider.app(), log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=[[listening]], daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
