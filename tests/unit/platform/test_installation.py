"""The installer and the start of things: one clear line for each thing that can be wrong."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.errors import LocalError
from local import install, processes


def test_another_python_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 1, "final", 0))
    assert install.main() == 1
    line = capsys.readouterr().err.strip()
    assert "Python 3.11 is needed" in line
    assert "found 3.13.1" in line
    assert "make PYTHON=" in line
    assert "\n" not in line


def test_a_failed_installation_is_one_line_and_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_network(*command: str) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="no route to host\n")

    monkeypatch.setattr(install, "VENV", tmp_path / "venv")
    monkeypatch.setattr(install, "MARKER", tmp_path / "venv" / "installed")
    monkeypatch.setattr(install, "_run", no_network)
    assert install.main() == 1
    line = capsys.readouterr().err.strip()
    assert line.startswith("error: installing failed: no route to host")
    assert "run the same command again" in line
    assert not install.MARKER.exists()


def test_a_half_finished_environment_is_noticed(tmp_path: Path) -> None:
    python = tmp_path / "python"
    assert not install._works(python)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert not install._works(python)


def test_a_taken_port_names_itself_and_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} is taken.*LAKEHOUSE_PORT={port + 100}"):
            processes.require_free_port(port, "LAKEHOUSE_PORT")
