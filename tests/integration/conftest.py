import os
from pathlib import Path

import pytest

from local.engines.spark_jars import resolve_jars

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def jars() -> Path:
    """The pinned jars, in the folder of the local AWS, so that they are fetched once."""
    directory = Path(os.environ.get("LAKEHOUSE_JARS", ROOT / ".local" / "jars"))
    resolve_jars(directory)
    return directory
