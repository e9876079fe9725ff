"""Logger, tracer and metrics of every Lambda: JSON lines, X-Ray segments, EMF metrics."""

import os
from functools import cache
from typing import Final

from aws_lambda_powertools import Logger, Metrics, Tracer

NAMESPACE: Final = "Lakehouse"
"""CloudWatch namespace of all metrics."""
DAEMON_VARIABLE: Final = "AWS_XRAY_DAEMON_ADDRESS"
"""Set by the Lambda service wherever an X-Ray daemon listens; segments go nowhere without one."""

logger: Final = Logger(service="lakehouse")
metrics: Final = Metrics(namespace=NAMESPACE, service="lakehouse")


@cache
def tracer() -> Tracer:
    """The handlers' tracer; made when asked for, since the X-Ray SDK takes long to load."""
    return Tracer(service="lakehouse", disabled=DAEMON_VARIABLE not in os.environ)
