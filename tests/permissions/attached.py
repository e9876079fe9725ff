"""The statements that the deployed roles hold, and what it is like without one of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stacks import permissions
from tests.e2e.account import Deployment

STAGE = "local"
DIFFER = "lakehouse-diff"
"""The one role that is not of the stage alone."""


@dataclass(frozen=True)
class Attached:
    """One statement of a deployed role's inline policy."""

    title: str
    """The role's title in docs/permissions.md."""
    sid: str
    actions: tuple[str, ...]
    denies: bool
    role: str
    policy: str
    document: dict[str, Any] = field(repr=False, hash=False, compare=False)


def attached(deployment: Deployment) -> Iterator[Attached]:
    """Every statement of every role of ours in the account."""
    iam = deployment.client("iam")
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            name = role["RoleName"]
            if not name.startswith((f"lakehouse-{STAGE}", DIFFER)):
                continue
            title = permissions.title(role["Description"], STAGE)
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for statement in document["Statement"]:
                    actions = statement["Action"]
                    yield Attached(
                        title,
                        statement["Sid"],
                        tuple(sorted([actions] if isinstance(actions, str) else actions)),
                        statement["Effect"] == "Deny",
                        name,
                        policy,
                        document,
                    )


def find(deployment: Deployment, role: str, sid: str) -> Attached:
    """The statement of the role whose title begins so."""
    (found,) = (
        one for one in attached(deployment) if one.title.startswith(role) and one.sid == sid
    )
    return found


@contextmanager
def without(deployment: Deployment, one: Attached) -> Iterator[None]:
    """The role lacks the statement meanwhile."""
    iam = deployment.client("iam")
    place = {"RoleName": one.role, "PolicyName": one.policy}
    kept = [s for s in one.document["Statement"] if s["Sid"] != one.sid]
    if kept:
        reduced = json.dumps(one.document | {"Statement": kept})
        iam.put_role_policy(**place, PolicyDocument=reduced)
    else:
        iam.delete_role_policy(**place)
    try:
        yield
    finally:
        iam.put_role_policy(**place, PolicyDocument=json.dumps(one.document))
