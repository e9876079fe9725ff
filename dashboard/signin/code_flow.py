"""Sign-in by the authorization code flow with PKCE, for hosts that have none of their own.

Nothing is kept here: what a sign-in under way needs, and then who is signed in, are cookies signed
with a key that is made when the process starts. After a restart readers are led to the provider
again, who knows them still.
"""

import asyncio
import base64
import hashlib
import logging
import secrets
import time
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

import jwt
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.signin.gate import admit, refuse
from dashboard.signin.provider import Provider, ProviderError
from dashboard.signin.tokens import Identity, TokenError, identity_of

CALLBACK: Final = "/oauth2/callback"
SIGN_OUT: Final = "/oauth2/sign-out"
SESSION_SECONDS: Final = 8 * 3600
"""A sign-in lasts as long as its token, and no longer than this."""
_UNDER_WAY_SECONDS: Final = 600
_NEVER_STORED: Final = {"cache-control": "no-store"}

_logger = logging.getLogger(__name__)


class CodeFlow:
    """Leads who is not signed in to the provider, and lets through who comes back from it."""

    def __init__(self, app: ASGIApp, provider: Provider) -> None:
        self._app = app
        self._provider = provider
        key = secrets.token_bytes(32)
        self._sessions = URLSafeSerializer(key, salt="session")
        self._under_way = URLSafeSerializer(key, salt="under way")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        if scope["type"] == "http" and scope["path"] in (CALLBACK, SIGN_OUT):
            answer = (
                await self._come_back(Request(scope, receive))
                if scope["path"] == CALLBACK
                else self._leave(asked)
            )
            await answer(scope, receive, send)
        elif identity := self._identity(asked):
            await admit(self._app, identity, scope, receive, send)
        elif _is_page(scope, asked):
            await (await self._lead(asked))(scope, receive, send)
        else:
            await refuse(scope, receive, send)

    def _identity(self, asked: HTTPConnection) -> Identity | None:
        kept = _read(self._sessions, asked, "session")
        if kept is None or kept["expires_at"] < time.time():
            return None
        return Identity(kept["subject"], kept["expires_at"])

    async def _lead(self, asked: HTTPConnection) -> Response:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        try:
            places = await asyncio.to_thread(lambda: self._provider.places)
            client = await asyncio.to_thread(lambda: self._provider.client)
        except Exception as failed:  # whatever the provider's or AWS's client raises
            _logger.warning("no sign-in: %s", failed)
            return _page(503, "Sign-in does not answer. Try again in a minute.")
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": _redirect_uri(asked),
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        answer = RedirectResponse(
            f"{places['authorization_endpoint']}?{urlencode(query)}", 302, headers=_NEVER_STORED
        )
        kept = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "back_to": _own_address(asked),
            "expires_at": time.time() + _UNDER_WAY_SECONDS,
        }
        _set(answer, asked, "under-way", self._under_way.dumps(kept), _UNDER_WAY_SECONDS)
        return answer

    async def _come_back(self, asked: Request) -> Response:
        kept = _read(self._under_way, asked, "under-way")
        query = asked.query_params
        if (
            kept is None
            or kept["expires_at"] < time.time()
            or not secrets.compare_digest(kept["state"].encode(), query.get("state", "").encode())
        ):
            return _page(400, "This sign-in has expired, or was begun elsewhere.")
        if "code" not in query:
            _logger.warning("refused by the provider: %.200r", query.get("error"))
            return self._undone(asked, _page(403, "The sign-in was refused."))
        try:
            identity = await asyncio.to_thread(
                self._redeemed, query["code"], kept, _redirect_uri(asked)
            )
        except (ProviderError, TokenError, jwt.PyJWTError) as refused:
            _logger.warning("refused: %s", refused)
            return self._undone(asked, _page(403, "The sign-in was refused."))
        answer = RedirectResponse(kept["back_to"], 303, headers=_NEVER_STORED)
        lasts = min(identity.expires_at - time.time(), SESSION_SECONDS)
        session = {"subject": identity.subject, "expires_at": time.time() + lasts}
        _set(answer, asked, "session", self._sessions.dumps(session), int(lasts))
        return self._undone(asked, answer)

    def _redeemed(self, code: str, kept: dict[str, Any], redirect_uri: str) -> Identity:
        token = self._provider.redeem(code, kept["verifier"], redirect_uri)
        return identity_of(
            token,
            self._provider.key_for,
            issuer=self._provider.issuer,
            client=self._provider.client,
            nonce=kept["nonce"],
        )

    def _undone(self, asked: HTTPConnection, answer: Response) -> Response:
        _set(answer, asked, "under-way", "", 0)
        return answer

    def _leave(self, asked: HTTPConnection) -> Response:
        answer = _page(200, "You are signed out here.")
        _set(answer, asked, "session", "", 0)
        return answer


def _is_page(scope: Scope, asked: HTTPConnection) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in asked.headers.get("accept", "")
    )


def _redirect_uri(asked: HTTPConnection) -> str:
    # A forged Host leads nowhere: the provider knows the addresses that it may lead back to.
    return f"{asked.url.scheme}://{asked.url.netloc}{CALLBACK}"


def _own_address(asked: HTTPConnection) -> str:
    """Path and query of what was asked for: never another host, whatever a browser makes of it."""
    path, query = asked.url.path, asked.url.query
    if not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable():
        return "/"
    return f"{path}?{query}" if query else path


def _cookie(asked: HTTPConnection, name: str) -> str:
    # The prefix binds a cookie to this very host; browsers take it with HTTPS only.
    prefix = "__Host-" if asked.url.scheme in ("https", "wss") else ""
    return f"{prefix}lakehouse-{name}"


def _read(serializer: URLSafeSerializer, asked: HTTPConnection, name: str) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = serializer.loads(asked.cookies.get(_cookie(asked, name), ""))
    except BadSignature:
        return None
    return kept


def _set(answer: Response, asked: HTTPConnection, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        _cookie(asked, name),
        value,
        max_age=seconds,
        path="/",
        secure=asked.url.scheme == "https",
        httponly=True,
        # Lax: the way back from the provider begins at another site.
        samesite="lax",
    )


def _page(status: int, text: str) -> Response:
    content = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign-in</title>'
        f'<p>{escape(text)}</p><p><a href="/">Sign in</a></p></html>'
    )
    return HTMLResponse(content, status, headers=_NEVER_STORED)
