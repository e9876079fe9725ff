"""Serves page.py as the dashboard is served; POLL_SECONDS and EXPIRY_SECONDS shorten a test."""

import os
from pathlib import Path

from dashboard.server.__main__ import serve
from dashboard.server.composition import compose
from dashboard.server.settings import HostEnvironment
from dashboard.transport import Limits

limits = Limits(
    poll_seconds=float(os.environ.get("POLL_SECONDS", "20")),
    expiry_seconds=float(os.environ.get("EXPIRY_SECONDS", "90")),
)
host = HostEnvironment.read()
page = Path(__file__).with_name("page.py")
serve(compose(host, lambda: None, script=page, limits=limits), host)
