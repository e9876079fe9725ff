"""The environment of the dashboard's host as a typed model."""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from lakehouse.environment import Environment

_NEEDED: Final = {
    "none": (),
    "load-balancer": ("oidc_issuer", "oidc_client", "load_balancer", "load_balancer_keys"),
    "code": ("oidc_issuer", "oidc_client"),
}


class HostEnvironment(Environment):
    """Where the server listens, and what stands between it and its readers."""

    address: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    transport: Literal["websocket", "http"] = "websocket"
    """`http` for hosts that forward no `Upgrade` header, such as App Runner."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose `X-Forwarded-` headers are believed, or `*` where only the host's own proxy
    can reach the port."""
    sign_in: Literal["none", "load-balancer", "code"] = "none"
    """Who signs readers in: nobody, the load balancer before the server, the server itself."""
    oidc_issuer: str = ""
    oidc_client: str = ""
    """The client's id at the issuer; with `user_pool`, its name there."""
    user_pool: str = ""
    """A Cognito user pool in which the client's id is looked up: App Runner's address is part of
    the client, so that the client can't be part of the service."""
    load_balancer: str = ""
    """ARN of the only load balancer that is believed."""
    load_balancer_keys: str = ""
    """Where the region's load balancers publish their keys."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in _NEEDED[self.sign_in]:
            if not getattr(self, name):
                raise ValueError(f"SIGN_IN={self.sign_in} needs {name.upper()}")
        return self
