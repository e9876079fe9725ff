"""What can go wrong between the page and the views, sorted by what a reader can do about it.

LakehouseError
├── ConfigurationError          the dashboard's own environment
└── ViewError                   a view can't be read
    ├── EmptyLakeError          nothing has been merged yet
    ├── OutdatedViewError       the view lacks a column or must be created again
    ├── PermissionRefusedError  the dashboard's role may not
    └── QueryServiceError       Athena failed or can't be reached; transient
"""

import re
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from lakehouse.errors import LakehouseError


class ViewError(LakehouseError):
    """A view of the gold database can't be read."""


class EmptyLakeError(ViewError):
    """The views, or their rows, aren't there yet."""


class OutdatedViewError(ViewError):
    """A view is there but not as the dashboard knows it."""


class PermissionRefusedError(ViewError):
    """The dashboard's role is not allowed to read."""


class QueryServiceError(ViewError):
    """Athena failed, refused the load or can't be reached."""

    transient = True


_REFUSED: Final = re.compile(
    r"access ?denied|permission_denied|not authori[sz]ed|insufficient permissions?|\bforbidden\b"
    r"|unrecognizedclient|invalidclienttoken|signaturedoesnotmatch|expiredtoken",
    re.IGNORECASE,
)
_OUTDATED: Final = re.compile(
    r"column_not_found|view_is_stale|invalid_view|column .* cannot be resolved"
    r"|is stale or in invalid state|(column|binder).*not found",
    re.IGNORECASE | re.DOTALL,
)
_MISSING: Final = re.compile(
    r"(table|schema|database|catalog)_not_found|entitynotfound"
    r"|(table|view|schema|database)\b.*(does ?n[o']t exist|not found)",
    re.IGNORECASE | re.DOTALL,
)


def classify(view: str, cause: Exception) -> ViewError:
    """The ViewError that `cause`, raised while `view` was read, stands for."""
    text = _text(cause)
    message = f"{view}: {text}"
    if isinstance(cause, NoCredentialsError | PartialCredentialsError) or _REFUSED.search(text):
        return PermissionRefusedError(message)
    if isinstance(cause, BotoCoreError):
        return QueryServiceError(message)
    if _OUTDATED.search(text):
        return OutdatedViewError(message)
    if _MISSING.search(text):
        return EmptyLakeError(message)
    return QueryServiceError(message)


def _text(cause: Exception) -> str:
    if isinstance(cause, ClientError):
        error = cause.response.get("Error", {})
        return f"{error.get('Code', '')}: {error.get('Message', '')}"
    return str(cause) or type(cause).__name__
