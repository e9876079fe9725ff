"""Serves the page as the dashboard is served, WebSocket and transport beside each other."""

from pathlib import Path

from dashboard.server.__main__ import serve
from dashboard.server.composition import compose
from dashboard.server.settings import HostEnvironment

host = HostEnvironment.read()
serve(compose(host, lambda: None, script=Path(__file__).with_name("page.py")), host)
