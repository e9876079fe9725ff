"""Behind an AWS load balancer that signs readers in: its word, checked on every request."""

import asyncio
import logging
import re
import urllib.request
from functools import lru_cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.signin.gate import admit, refuse
from dashboard.signin.tokens import KeyFor, TokenError, identity_by_load_balancer

HEADER: Final = "x-amzn-oidc-data"
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_logger = logging.getLogger(__name__)


def regional_keys(address: str) -> KeyFor:
    """Keys of the region's load balancers, by the key id of a token; each is fetched once.

    `address` is such as `https://public-keys.auth.elb.eu-west-1.amazonaws.com`.
    """

    @lru_cache(maxsize=32)
    def fetch(key_id: str) -> Any:
        with urllib.request.urlopen(f"{address}/{key_id}", timeout=3) as answer:  # noqa: S310
            return load_pem_public_key(answer.read())

    def key_for(token: str) -> Any:
        key_id = str(jwt.get_unverified_header(token).get("kid"))
        # It becomes part of an address, and nothing of it is signed yet.
        if not _KEY_ID.fullmatch(key_id):
            raise TokenError(f"no key id: {key_id!r}")
        try:
            return fetch(key_id)
        except OSError as missing:
            raise TokenError(f"no key {key_id}: {missing}") from missing

    return key_for


class LoadBalancerSignIn:
    """Lets through what `signer`, a load balancer's ARN, says is signed in at `issuer`."""

    def __init__(
        self, app: ASGIApp, key_for: KeyFor, *, signer: str, issuer: str, client: str
    ) -> None:
        self._app = app
        self._key_for = key_for
        self._expected = {"signer": signer, "issuer": issuer, "client": client}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # Two of them would be a request that somebody else has added one to.
        tokens = Headers(scope=scope).getlist(HEADER)
        try:
            (token,) = tokens
            identity = await asyncio.to_thread(
                identity_by_load_balancer, token, self._key_for, **self._expected
            )
        except (ValueError, TokenError) as refused:
            if tokens:
                _logger.warning("refused: %s", refused)
            await refuse(scope, receive, send)
            return
        await admit(self._app, identity, scope, receive, send)
