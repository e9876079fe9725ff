"""An engine over an empty catalog, shared by the tests of this folder."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.engines.athena import Engine, S3Settings


class EmptyGlue:
    """A Glue that has nothing."""

    def get_table(self, **_arguments: Any) -> None:
        """Not found."""
        raise ClientError({"Error": {"Code": "EntityNotFoundException", "Message": ""}}, "Get")

    get_database = get_table


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine."""
    settings = S3Settings("http://127.0.0.1:1", "eu-central-1", "key", "secret")
    engine = Engine(EmptyGlue(), None, settings)
    yield engine
    engine.close()
