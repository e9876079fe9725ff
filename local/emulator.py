"""The process of the local AWS: installs every seam, then serves the endpoint until SIGTERM.

python -m local.emulator        (started by `python -m local up`, which sets its environment)
"""

import os
import sys

from local import layout


def main() -> None:
    """Serves on 127.0.0.1; the port and the root credentials come from the environment."""
    # Imported here: ministack reads its settings from the environment while it is imported.
    from ministack import app

    from local.seams import (
        apprunner,
        athena,
        authorization,
        cloudformation,
        cloudwatch,
        glue,
        identity,
        lambdas,
        rds,
        schedules,
        stepfunctions,
        traces,
    )

    identity.install()
    authorization.install()
    lambdas.install()
    stepfunctions.install()
    traces.install()
    schedules.install()
    cloudformation.install()
    apprunner.install()
    cloudwatch.install(rds.install(layout.STATE / "rds"))
    glue.install(layout.STATE, layout.JARS)
    athena.install()
    sys.argv = [sys.argv[0]]
    app.main()


def environment(access_key: str, secret_key: str) -> dict[str, str]:
    """The emulator's whole environment; nothing of the caller's AWS configuration leaks in."""
    keep = (
        "PATH",
        "HOME",
        "LANG",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "LAKEHOUSE_HOME",
        "LAKEHOUSE_DASHBOARD_PORT",
    )
    return {
        **{name: os.environ[name] for name in keep if name in os.environ},
        layout.MARKER: str(layout.HOME),
        "PYTHONPATH": str(layout.ROOT),
        "TMPDIR": str(layout.TEMPORARY),
        "STATE_DIR": str(layout.STATE / "emulator"),
        "S3_DATA_DIR": str(layout.STATE / "s3"),
        "GATEWAY_PORT": str(layout.gateway_port()),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": layout.REGION,
        "MINISTACK_ACCOUNT_ID": layout.ACCOUNT,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_DEFAULT_REGION": layout.REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "false",
        "SFTP_ENABLED": "false",
        "LOG_LEVEL": "WARNING",
        # Read by libpq and by lambdas.database: the local certificate authority.
        "PGSSLROOTCERT": str(layout.STATE / "rds" / "ca.pem"),
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


if __name__ == "__main__":
    main()
