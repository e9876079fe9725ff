"""The environment variables of each Lambda as typed models.

The stack writes a model with `variables()`, the handler reads the same class with `read()`; a
missing or malformed value fails at cold start with its name.
"""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

from lakehouse.validation import check


class Environment(BaseModel):
    """Base of the models: field names in lower case are the variables' names in upper case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def variables(self) -> dict[str, str]:
        """The model as a Lambda's environment."""
        return {name.upper(): str(value) for name, value in self.model_dump(mode="json").items()}

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Reads the model from the process; raises ConfigurationError naming the variable."""
        present = {n: environ[n.upper()] for n in cls.model_fields if n.upper() in environ}
        return check(cls, present, f"environment of {cls.__name__}")


class DatabaseEnvironment(Environment):
    """How a Lambda reaches the source database."""

    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_secret: str = ""
    """ARN of the secret with the password; empty: an IAM token, and no secret is read."""
    database_tls: str = "verify-full"
    """`off` of a database on the same machine."""


class GeneratorEnvironment(DatabaseEnvironment):
    """Environment of the generator Lambda. Counts are rows per invocation."""

    new_users: int
    new_sales: int
    status_changes: int
    changed_addresses: int
    changed_prices: int
    products: int
    """Size of the catalogue that the first invocation writes."""
    seed: int
    """0 draws a new seed each time; any other number makes the invocation's rows repeatable."""


class IngestEnvironment(DatabaseEnvironment):
    """Environment of the ingest Lambda."""

    watermark_table: str
    bronze_bucket: str
    chunk_rows: int
    """Rows of one batch at most; what remains is the next batch (`has_more`)."""
    chunk_seconds: float
    """Seconds that reading and landing one batch may take, by the speed of the one before it."""
    chunk_mib: int
    """Size of one batch in the source at most: what the function's disk can hold twice."""
    horizon_margin_seconds: float
    """Distance kept from the oldest transaction that may still write; at least 1 second."""
    statement_timeout_seconds: int


class ReceiptEnvironment(Environment):
    """Environment of the receipt Lambda."""

    gold_database: str
    ingest_memory_mib: int
    architecture: str
    """Of all functions: `arm64` or `x86_64`."""


class BootstrapEnvironment(Environment):
    """Environment of the custom resource that creates the database roles."""

    database_host: str
    database_port: int
    database_name: str
