"""The layers around Streamlit, from the browser inwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import boto3
from starlette.types import ASGIApp
from streamlit.starlette import App

from dashboard.server.headers import SecurityHeaders, security_headers
from dashboard.server.health import Health, Probe
from dashboard.server.settings import HostEnvironment
from dashboard.signin import CodeFlow, LoadBalancerSignIn, Provider, signed_in
from dashboard.signin.load_balancer import regional_keys
from dashboard.transport import HttpTransport, Limits
from lakehouse.errors import ConfigurationError

SCRIPT: Final = Path(__file__).parents[1] / "app.py"
STREAM: Final = "/_stcore/stream"


def compose(
    settings: HostEnvironment,
    probe: Probe,
    *,
    script: Path = SCRIPT,
    limits: Limits | None = None,
) -> ASGIApp:
    """The whole app: Streamlit's `script` behind transport, sign-in, health and headers."""
    streamlit = App(script)
    transport = HttpTransport(
        streamlit, [STREAM], limits=limits, owner=signed_in, replace=settings.transport == "http"
    )
    # Health is asked by machines, which can't sign in; each answer is one word.
    outside = Health(sign_in(transport, settings), probe, alive=streamlit)
    return SecurityHeaders(outside, security_headers())


def sign_in(app: ASGIApp, settings: HostEnvironment) -> ASGIApp:
    """`app` behind the sign-in that the settings ask for."""
    match settings.sign_in:
        case "code":
            return CodeFlow(app, Provider(settings.oidc_issuer, client_id(settings)))
        case "load-balancer":
            return LoadBalancerSignIn(
                app,
                regional_keys(settings.load_balancer_keys),
                signer=settings.load_balancer,
                issuer=settings.oidc_issuer,
                client=settings.oidc_client,
            )
    return app


def client_id(settings: HostEnvironment) -> Callable[[], str]:
    """Tells the id that the issuer knows this app by; in a user pool it is found by its name."""

    def look_up() -> str:
        pages = boto3.client("cognito-idp").get_paginator("list_user_pool_clients")
        for page in pages.paginate(UserPoolId=settings.user_pool):
            for client in page["UserPoolClients"]:
                if client["ClientName"] == settings.oidc_client:
                    return str(client["ClientId"])
        raise ConfigurationError(
            f"{settings.user_pool} has no client {settings.oidc_client}; deploy the dashboard anew"
        )

    return look_up if settings.user_pool else lambda: settings.oidc_client
