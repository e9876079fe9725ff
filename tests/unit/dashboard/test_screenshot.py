"""The screenshot command without a browser or a page."""

import sys
from pathlib import Path

import pytest

from local import screenshot


def test_a_missing_chromium_is_one_line_with_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(screenshot, "_WHERE", ())
    monkeypatch.setattr(sys, "argv", ["screenshot", "http://127.0.0.1:9", str(tmp_path / "o.png")])
    assert screenshot.main() == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "`chromium`" in error
