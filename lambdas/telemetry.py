"""Logger, tracer and metrics of every Lambda: JSON lines, X-Ray segments, EMF metrics."""

import os
from functools import cache
from typing import Final

from aws_lambda_powertools import Logger, Metrics, Tracer

from lakehouse.measures import NAMESPACE_VARIABLE, SERVICE

DAEMON_VARIABLE: Final = "AWS_XRAY_DAEMON_ADDRESS"
"""Set by the Lambda service wherever an X-Ray daemon listens; segments go nowhere without one."""

logger: Final = Logger(service=SERVICE)
metrics: Final = Metrics(namespace=os.environ.get(NAMESPACE_VARIABLE, SERVICE), service=SERVICE)
"""Under the stage's namespace: two stages of an account do not mix."""


@cache
def tracer() -> Tracer:
    """The handlers' tracer; made when asked for, since the X-Ray SDK takes long to load."""
    return Tracer(service=SERVICE, disabled=DAEMON_VARIABLE not in os.environ)
