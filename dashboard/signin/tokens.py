"""What a token must be before anything it says is believed."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

LEEWAY_SECONDS: Final = 30
"""Clocks may differ by so much."""

KeyFor = Callable[[str], Any]
"""The public key of a token; raises whatever its source raises when there is none."""


class TokenError(Exception):
    """A token that is not believed; the text is for the log."""


@dataclass(frozen=True)
class Identity:
    """Who is signed in, and until when (seconds since 1970)."""

    subject: str
    expires_at: float


def identity_of(token: str, key_for: KeyFor, *, issuer: str, client: str, nonce: str) -> Identity:
    """Whom a provider's ID token names; raises TokenError."""
    try:
        claims = jwt.decode(
            token,
            key_for(token),
            algorithms=["RS256"],
            audience=client,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "aud", "iss", "sub", "nonce"], "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as refused:
        raise TokenError(str(refused)) from refused
    if not secrets.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise TokenError("the nonce is another sign-in's")
    if claims.get("azp", client) != client:
        raise TokenError("it was made for another client")
    if claims.get("token_use", "id") != "id":
        raise TokenError("it is no ID token")
    return Identity(str(claims["sub"]), float(claims["exp"]))


def identity_by_load_balancer(
    token: str, key_for: KeyFor, *, signer: str, issuer: str, client: str
) -> Identity:
    """Whom a load balancer's `x-amzn-oidc-data` names; raises TokenError.

    Its signer, issuer, client and expiry stand in the token's header, which is signed too.
    """
    try:
        read = jwt.decode_complete(
            token,
            key_for(token),
            algorithms=["ES256"],
            leeway=LEEWAY_SECONDS,
            options={"require": ["sub"], "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as refused:
        raise TokenError(str(refused)) from refused
    header: Mapping[str, Any] = read["header"]
    for name, wanted in (("signer", signer), ("iss", issuer), ("client", client)):
        if header.get(name) != wanted:
            raise TokenError(f"its {name} is {header.get(name)!r}, not {wanted!r}")
    expires_at = header.get("exp")
    if not isinstance(expires_at, int) or expires_at + LEEWAY_SECONDS < time.time():
        raise TokenError("it has expired")
    return Identity(str(read["payload"]["sub"]), float(expires_at))
