"""The same deployed account as the end-to-end tests have, of its own, and roles beside the app."""

import pytest

from tests.e2e.account import Deployment
from tests.e2e.conftest import deployment
from tests.permissions import besides

__all__ = ["deployment"]


@pytest.fixture(scope="session", autouse=True)
def roles_besides(deployment: Deployment) -> None:
    """GitHub's jobs and ECS have their roles in the account too, and the dashboard has readers."""
    besides.deploy(deployment)
