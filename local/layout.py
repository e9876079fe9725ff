"""Where the local AWS keeps its things: below `.local/`, what lasts apart from what does not."""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
LOCAL: Final = ROOT / ".local"

# Downloads: they outlive `make down`, `make clean` removes them.
VENV: Final = LOCAL / "venv"
TOOLS: Final = LOCAL / "tools"
JARS: Final = LOCAL / "jars"
TRINO: Final = LOCAL / "trino"
PARITY: Final = LOCAL / "parity"

# One account: gone after `make down`. Another home holds another account beside the first one.
HOME: Final = Path(os.environ.get("LAKEHOUSE_HOME", LOCAL))
STATE: Final = HOME / "state"
TEMPORARY: Final = STATE / "tmp"
CDK_OUT: Final = HOME / "cdk.out"
LOGS: Final = HOME / "logs"
OUTPUTS: Final = HOME / "outputs.json"

MARKER: Final = "LAKEHOUSE_LOCAL"
"""Environment variable that every process of a local account carries; its value is HOME."""

REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
STAGE: Final = "local"


def gateway_port() -> int:
    """Port of the emulator's endpoint."""
    return int(os.environ.get("LAKEHOUSE_PORT", "4566"))


def dashboard_port() -> int:
    """Port of the Streamlit dashboard."""
    return int(os.environ.get("LAKEHOUSE_DASHBOARD_PORT", "8501"))
