"""Plain custom resources: act, then answer by one PUT to the address that CloudFormation sent."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final, Literal

from lakehouse.errors import LakehouseError
from lambdas.telemetry import logger

REASON_LIMIT: Final = 1024
"""Characters; CloudFormation takes 4096 bytes for the whole answer."""
_ATTEMPTS: Final = 3
_SECONDS: Final = 10


def respond(event: dict[str, Any], act: Callable[[str], str]) -> None:
    """Calls `act` with the request's type and answers with the reason that it returns.

    It always answers: with FAILED when `act` raises. The event may hold a password, so neither it
    nor an unforeseen exception's message, which may quote it, is logged or answered.
    """
    try:
        document = answer(event, "SUCCESS", act(event["RequestType"]))
    except LakehouseError as failed:
        document = answer(event, "FAILED", str(failed))
    except Exception as unforeseen:
        document = answer(event, "FAILED", f"{type(unforeseen).__name__} in this function")
    logger.info("custom resource", extra={k: document[k] for k in ("Status", "Reason")})
    send(event["ResponseURL"], document)


def answer(
    event: dict[str, Any], status: Literal["SUCCESS", "FAILED"], reason: str
) -> dict[str, Any]:
    """The answer's document; it names the request it belongs to and carries nothing secret."""
    return {
        "Status": status,
        "Reason": reason[:REASON_LIMIT],
        # The same for every answer: a new one would make CloudFormation replace the resource.
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": True,
        "Data": {},
    }


def send(url: str, document: dict[str, Any]) -> None:
    """Puts the document at the presigned address; raises OSError when it can't be delivered."""
    body = json.dumps(document).encode()
    # An empty content type: the presigned signature covers it.
    request = urllib.request.Request(  # noqa: S310, CloudFormation made the address
        url, data=body, method="PUT", headers={"Content-Type": "", "Content-Length": str(len(body))}
    )
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
                return
        except urllib.error.URLError:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(attempt)
