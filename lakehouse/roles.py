"""The database roles of the source: the stacks grant logins to them, the bootstrap creates them."""

from typing import Final

INGEST: Final = "lakehouse_ingest"
"""Reads every table and every session's transaction start; writes nothing."""

GENERATOR: Final = "lakehouse_generator"
"""Owns and fills the example shop's tables."""

REVISION: Final = "1"
"""Part of the custom resource: a change makes the next deployment create the roles again."""
