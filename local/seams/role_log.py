"""CloudWatch Logs of an engine: written with the role of whoever runs, or lost."""

import logging
import time
from contextlib import suppress
from typing import Final

from botocore.exceptions import ClientError

from local.seams.identity import RoleSession

_BATCH: Final = 1000
"""Lines a PutLogEvents call takes; far below the service's limits."""

logger = logging.getLogger(__name__)


class RoleLog:
    """Collects the lines of one stream, and writes them at the end."""

    def __init__(self, session: RoleSession, group: str, stream: str) -> None:
        self._logs = session.client("logs")
        self._place = {"logGroupName": group, "logStreamName": stream}
        self._events: list[dict[str, int | str]] = []

    def add(self, line: str) -> None:
        """One more line, with the present time."""
        if line:
            self._events.append({"timestamp": int(time.time() * 1000), "message": line})

    def write(self) -> None:
        """Sends them. A role that may not log runs all the same; its lines are lost, as on AWS."""
        known = self._logs.exceptions.ResourceAlreadyExistsException
        try:
            with suppress(known):
                self._logs.create_log_group(logGroupName=self._place["logGroupName"])
            with suppress(known):
                self._logs.create_log_stream(**self._place)
            for start in range(0, len(self._events), _BATCH):
                batch = self._events[start : start + _BATCH]
                self._logs.put_log_events(**self._place, logEvents=batch)
        except ClientError as refused:
            logger.warning("the log %s is lost: %s", self._place["logStreamName"], refused)
        self._events.clear()
