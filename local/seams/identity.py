"""Who calls: sessions of roles for the engines, and loopback counted as a secure transport."""

import functools
import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
from ministack import app
from ministack.core import iam_evaluator, lambda_runtime, responses
from ministack.services import sts

from local.seams.contract import Seam, check

T = TypeVar("T")

SESSION_SECONDS = 3600
FUNCTION_SESSION_SECONDS = 30 * 24 * 3600
"""A warm worker keeps its first credentials, and no account here lives for a month."""


SEAMS = (
    Seam(app, "pin_request_origin", ("source_ip", "secure_transport")),
    Seam(lambda_runtime, "execution_credentials", ("config",)),
    Seam(sts, "register_session", ("access_key", "session")),
    Seam(iam_evaluator, "resolve_principal", ("access_key_id", "account_id", "credential")),
    Seam(iam_evaluator, "_gather_role_policies", ("role_name", "account_id")),
    Seam(iam_evaluator, "evaluate", ("ctx", "policies", "limits")),
    Seam(responses, "get_region", ()),
)
_functions: dict[str, str] = {}
"""ARN of the function whose code holds an access key."""


@dataclass(frozen=True)
class RoleSession:
    """Temporary credentials of a role, as the service that assumed it would hold them."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    region: str

    def client(self, service: str) -> Any:
        """A boto3 client that calls the local AWS as this role."""
        return boto3.client(service, endpoint_url=endpoint_url(), **self.keywords())

    def keywords(self) -> dict[str, str]:
        """The credentials as boto3's keyword arguments."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
            "region_name": self.region,
        }

    def environment(self) -> dict[str, str]:
        """The credentials as the usual environment variables, with the endpoint."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": endpoint_url(),
        }


def endpoint_url() -> str:
    """Address of this emulator."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


def assume(role_arn: str, session_name: str, seconds: float = SESSION_SECONDS) -> RoleSession:
    """A session of `role_arn`, registered so that the emulator evaluates the role's policies.

    Its region is that of the resource that acts: a run in another region stays there.
    """
    account = role_arn.split(":")[4]
    role = role_arn.rsplit("/", 1)[-1]
    expires = time.time() + seconds
    seed = hashlib.sha256(f"{role_arn}:{session_name}:{expires}".encode()).hexdigest()
    session = RoleSession(
        f"ASIA{seed[:16].upper()}",
        hashlib.sha256(f"secret:{seed}".encode()).hexdigest(),
        hashlib.sha256(f"token:{seed}".encode()).hexdigest(),
        responses.get_region(),
    )
    sts.register_session(
        session.access_key_id,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session_name[:64]}",
            "UserId": f"{role}:{session_name[:64]}",
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": expires,
        },
    )
    return session


def role_of(caller: str) -> str | None:
    """ARN of the role whose session a caller's ARN names; None for a user or root."""
    account, resource = caller.split(":", 5)[4:]
    if not resource.startswith("assumed-role/"):
        return None
    return f"arn:aws:iam::{account}:role/{resource.split('/')[1]}"


def may(role_arn: str, action: str, resource: str = "*") -> bool:
    """Whether a role's policies let a service act with it where the emulator asks nobody."""
    account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/service",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=os.environ["MINISTACK_REGION"],
    )
    policies = iam_evaluator._gather_role_policies(role, account)
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")


def one_at_a_time(function: Callable[..., T]) -> Callable[..., T]:
    """The function behind a lock."""
    lock = threading.Lock()

    @functools.wraps(function)
    def locked(*args: Any, **keywords: Any) -> T:
        with lock:
            return function(*args, **keywords)

    return locked


def install() -> None:
    """Counts loopback requests as TLS: they never leave the machine, and policies ask for TLS.

    Calls of a function's code carry `lambda:SourceFunctionArn`, as on AWS.

    Sessions are registered one at a time: the emulator goes over all of them meanwhile, which fails
    as soon as runs of two stages take on their roles at once.
    """
    check(SEAMS)
    sts.register_session = one_at_a_time(sts.register_session)
    pin = app.pin_request_origin

    def pin_loopback(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, secure_transport or source_ip == "127.0.0.1")

    app.pin_request_origin = pin_loopback
    execution_credentials = lambda_runtime.execution_credentials

    def expiring(config: dict[str, Any]) -> dict[str, str]:
        # The emulator registers a function's session without an end; RDS tokens ask for one.
        credentials = execution_credentials(config)
        session = sts._sessions.get(credentials["AWS_ACCESS_KEY_ID"])
        if session is not None:
            session["Expiration"] = time.time() + FUNCTION_SESSION_SECONDS
        _functions[credentials["AWS_ACCESS_KEY_ID"]] = config["FunctionArn"]
        return credentials

    lambda_runtime.execution_credentials = expiring
    resolve_principal = iam_evaluator.resolve_principal

    def with_function(access_key_id: str, account_id: str, credential: Any = None) -> Any:
        principal = resolve_principal(access_key_id, account_id, credential)
        function = _functions.get(access_key_id)
        if function and isinstance(principal, iam_evaluator.PrincipalInfo):
            principal.keys["lambda:sourcefunctionarn"] = function
        return principal

    iam_evaluator.resolve_principal = with_function
