"""The layers around Streamlit, from the browser inwards."""

from pathlib import Path
from typing import Final

from starlette.types import ASGIApp
from streamlit.starlette import App

from dashboard.server.headers import SecurityHeaders, security_headers
from dashboard.server.health import Health, Probe
from dashboard.server.settings import HostEnvironment
from dashboard.transport import HttpTransport, Limits

SCRIPT: Final = Path(__file__).parents[1] / "app.py"
STREAM: Final = "/_stcore/stream"


def compose(
    settings: HostEnvironment,
    probe: Probe,
    *,
    script: Path = SCRIPT,
    limits: Limits | None = None,
) -> ASGIApp:
    """The whole app: Streamlit's `script` behind transport, health and headers."""
    transport = HttpTransport(
        App(script), [STREAM], limits=limits, replace=settings.transport == "http"
    )
    return SecurityHeaders(Health(transport, probe), security_headers())
