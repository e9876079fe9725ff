"""Athena's stand-in: Athena SQL over the Glue catalog and S3, run by DuckDB, refused when unsure.

The SQL is parsed by sqlglot and compiled by a closed table of typed rules (`compile`): each
construct is either translated with Trino's own types and semantics or refused by name. Nothing
falls through to DuckDB's reading of the text. The engine knows endpoints, not emulators.
"""

from local.engines.athena.engine import Engine
from local.engines.athena.errors import AthenaError
from local.engines.athena.result import Column, QueryResult
from local.engines.athena.storage import S3Settings

__all__ = ["AthenaError", "Column", "Engine", "QueryResult", "S3Settings"]
