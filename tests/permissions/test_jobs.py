"""A role of the delivery is given to one kind of job of one repository."""

import pytest
from botocore.exceptions import ClientError

from tests.e2e.account import Deployment
from tests.permissions.attached import DIFFER
from tests.permissions.besides import DEPLOYER, job_session


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        (DEPLOYER, "pull_request"),
        (DEPLOYER, "environment:other"),
        (DEPLOYER, "ref:refs/heads/main"),
        (DIFFER, "environment:local"),
    ],
)
def test_another_kind_of_job_is_given_no_role(
    deployment: Deployment, role: str, subject: str
) -> None:
    with pytest.raises(ClientError, match="perform sts:AssumeRoleWithWebIdentity"):
        job_session(deployment, role, subject)


@pytest.mark.parametrize(
    ("role", "subject"), [(DEPLOYER, "environment:local"), (DIFFER, "pull_request")]
)
def test_its_own_kind_of_job_is_given_it(deployment: Deployment, role: str, subject: str) -> None:
    assert job_session(deployment, role, subject)["AWS_SESSION_TOKEN"]
