"""Makes `.local/venv` with everything of requirements.lock; standard library only.

    python3.11 local/install.py

Run by `make` before any other target. It is safe to interrupt: an installation counts only once
its marker, the digest of the lock, is written.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".local" / "venv"
LOCK = ROOT / "requirements.lock"
MARKER = VENV / "installed"
UV = next(
    line.split("==")[1].split()[0]
    for line in LOCK.read_text().splitlines()
    if line.startswith("uv==")
)


def main() -> int:
    """Installs if the lock has changed since; returns the exit code."""
    if sys.version_info[:2] != (3, 11):
        found = ".".join(str(part) for part in sys.version_info[:3])
        return _fail(
            f"Python 3.11 is needed (AWS Glue 5.1 and Spark 3.5 run on it), found {found} "
            f"at {sys.executable}; install python3.11, or say make PYTHON=/path/to/python3.11"
        )
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if MARKER.is_file() and MARKER.read_text() == wanted:
        return 0
    started = time.monotonic()
    print("install: Python packages (about 1 GB, once) ...", flush=True)
    MARKER.unlink(missing_ok=True)
    python = VENV / "bin" / "python"
    try:
        if not _works(python):
            shutil.rmtree(VENV, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(VENV))
        _run(str(python), "-m", "pip", "install", "--quiet", f"uv=={UV}")
        _run(
            str(python), "-m", "uv", "pip", "sync", "--quiet", "--require-hashes",
            "--python", str(python), str(LOCK),
        )  # fmt: skip
    except subprocess.CalledProcessError as failed:
        last = (failed.stderr or "").strip().splitlines()[-3:]
        return _fail(
            f"installing failed: {' '.join(last) or failed}; check the network (a package index "
            "must be reachable) and disk space, then run the same command again"
        )
    except KeyboardInterrupt:
        return _fail("interrupted while installing; run the same command again to go on")
    MARKER.write_text(wanted)
    print(f"install: done in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def _works(python: Path) -> bool:
    """Whether an earlier, perhaps half-finished, environment can still be completed."""
    return (
        python.exists()
        and not subprocess.run(
            [str(python), "-m", "pip", "--version"], capture_output=True, check=False
        ).returncode
    )


def _run(*command: str) -> None:
    # What the installers leave in the temporary folder (uv: lock files) goes with it.
    with tempfile.TemporaryDirectory() as temporary:
        environment = os.environ | {"TMPDIR": temporary}
        subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True, env=environment)


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
