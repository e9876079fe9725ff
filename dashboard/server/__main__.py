"""Serves the dashboard: `python -m dashboard.server`, settings from the environment."""

import importlib
import logging
import sys

import uvicorn
from starlette.types import ASGIApp
from streamlit import config

from dashboard.server.composition import compose
from dashboard.server.health import gold_probe
from dashboard.server.settings import HostEnvironment
from dashboard.settings import DashboardEnvironment
from lakehouse.errors import ConfigurationError

_MIB = 2**20


def main() -> int:
    """Serves until SIGTERM; 1 with one line when a setting is wrong."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        host = HostEnvironment.read()
        app = compose(host, gold_probe(DashboardEnvironment.read()))
    except ConfigurationError as wrong:
        print(f"error: {wrong}", file=sys.stderr)  # noqa: T201  (there is no log yet to read)
        return 1
    load()
    serve(app, host)
    return 0


def load() -> None:
    """Loads what takes seconds, before the first reader comes."""
    importlib.import_module("dashboard.charts")
    importlib.import_module("dashboard.queries").session()


def serve(app: ASGIApp, host: HostEnvironment) -> None:
    """Runs the server; its answers tell nothing of what it is made of."""
    uvicorn.run(
        app,
        host=host.address,
        port=host.port,
        ws_max_size=config.get_option("server.maxMessageSize") * _MIB,
        server_header=False,
        access_log=False,
        log_level="info",
        proxy_headers=True,
        forwarded_allow_ips=host.trusted_proxies,
        # Longer than a load balancer keeps its connections, else it meets closed ones.
        timeout_keep_alive=75,
        # A waiting GET never ends by itself in time.
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    sys.exit(main())
