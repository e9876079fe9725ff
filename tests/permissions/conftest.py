"""The same deployed account as the end-to-end tests have, of its own."""

from tests.e2e.conftest import deployment

__all__ = ["deployment"]
