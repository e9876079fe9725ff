"""What all tests share: which of them stay together when two processes run them side by side."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


# Before pytest-xdist reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share its engines; the end-to-end files share one deployed account."""
    for item in items:
        room = item.path.relative_to(HERE)
        together = "e2e" if room.parts[0] == "e2e" else str(room)
        item.add_marker(pytest.mark.xdist_group(together))
