"""An Athena engine for each caller, with the permissions of the caller's role."""

import os
import threading
import time
from dataclasses import dataclass
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.engines.athena import AthenaError, Engine, S3Settings
from local.seams.identity import SESSION_SECONDS, assume, endpoint_url, role_of

WORKERS: Final = 8
"""Queries at once."""
_RENEW_SECONDS: Final = SESSION_SECONDS / 2
"""An engine keeps its session; a query takes less than the other half of that session's time."""


@dataclass(frozen=True)
class _Kept:
    engine: Engine
    made_at: float


_engines: dict[tuple[str, str], _Kept] = {}
_lock = threading.Lock()


def engine_of(caller: str, region: str) -> Engine:
    """The caller's engine in the region, made at its first query.

    A role's sessions share one. Raises AthenaError for a caller that is neither a role nor root.
    """
    role = role_of(caller)
    key = (role or caller, region)
    with _lock:
        kept = _engines.get(key)
        # The former engine is left to whoever still asks it.
        if kept is None or (role and time.time() > kept.made_at + _RENEW_SECONDS):
            kept = _engines[key] = _Kept(_new(_settings(caller, region)), time.time())
        return kept.engine


def is_denial(fault: Exception) -> bool:
    """Whether it says that S3 or Glue refused the caller, in boto3's words or in pyarrow's."""
    if isinstance(fault, ClientError):
        return str(fault.response["Error"]["Code"]).startswith("AccessDenied")
    return isinstance(fault, OSError) and "ACCESS_DENIED" in str(fault)


def _settings(caller: str, region: str) -> S3Settings:
    role = role_of(caller)
    if caller.endswith(":root"):
        return S3Settings(
            endpoint=endpoint_url(),
            region=region,
            access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        )
    if role is None:
        raise AthenaError("NOT_SUPPORTED", f"the local Athena takes no queries of {caller}")
    session = assume(role, "athena")
    return S3Settings(
        endpoint_url(),
        region,
        session.access_key_id,
        session.secret_access_key,
        session.session_token,
    )


def _new(settings: S3Settings) -> Engine:
    session = boto3.Session(
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        aws_session_token=settings.session_token,
        region_name=settings.region,
    )
    config = Config(s3={"addressing_style": "path"}, max_pool_connections=2 * WORKERS)
    glue, s3 = (
        session.client(name, endpoint_url=settings.endpoint, config=config)
        for name in ("glue", "s3")
    )
    return Engine(glue, s3, settings)
