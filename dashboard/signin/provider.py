"""An OpenID provider: where its places are, its keys, and a code against a token."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import jwt

_SECONDS: Final = 5
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderError(Exception):
    """The provider does not answer, or not as OpenID Connect says; the text is for the log."""


class Provider:
    """The provider at `issuer`, asked when it is first needed. Calls block: ask from a thread."""

    def __init__(self, issuer: str, client: Callable[[], str]) -> None:
        self.issuer = issuer
        self._client = client

    @cached_property
    def client(self) -> str:
        """The id that the provider knows this app by."""
        return self._client()

    @cached_property
    def places(self) -> dict[str, str]:
        """Endpoints by name; raises ProviderError."""
        found = _fetch(f"{self.issuer}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderError(f"{self.issuer} says that it is {found.get('issuer')!r}")
        scheme = urllib.parse.urlsplit(self.issuer).scheme
        for name in _ENDPOINTS:
            if urllib.parse.urlsplit(str(found.get(name))).scheme != scheme:
                raise ProviderError(f"{self.issuer}: {name} is {found.get(name)!r}")
        return {name: str(found[name]) for name in _ENDPOINTS}

    def key_for(self, token: str) -> Any:
        """The provider's key that a token names; raises jwt.PyJWTError or ProviderError."""
        return self._keys.get_signing_key_from_jwt(token).key

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code; raises ProviderError."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client,
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        body = urllib.parse.urlencode(form).encode()
        token = _fetch(self.places["token_endpoint"], body).get("id_token")
        if not isinstance(token, str):
            raise ProviderError("no ID token for the code")
        return token

    @cached_property
    def _keys(self) -> jwt.PyJWKClient:
        return jwt.PyJWKClient(self.places["jwks_uri"], cache_keys=True, timeout=_SECONDS)


def _fetch(address: str, body: bytes | None = None) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(address, body, timeout=_SECONDS) as answer:  # noqa: S310
            found = json.loads(answer.read(1_000_000))
    except (OSError, ValueError) as failed:
        raise ProviderError(f"{address}: {failed}") from failed
    if not isinstance(found, dict):
        raise ProviderError(f"{address}: no JSON object")
    return found
