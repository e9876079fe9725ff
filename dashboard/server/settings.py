"""The environment of the dashboard's host as a typed model."""

from typing import Literal

from pydantic import Field

from lakehouse.environment import Environment


class HostEnvironment(Environment):
    """Where the server listens, and what stands between it and its readers."""

    address: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    transport: Literal["websocket", "http"] = "websocket"
    """`http` for hosts that forward no `Upgrade` header, such as App Runner."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose `X-Forwarded-` headers are believed, or `*` where only the host's own proxy
    can reach the port."""
