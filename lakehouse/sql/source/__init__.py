"""Statements that PostgreSQL runs, one file each, named for what they do or make."""

from functools import cache
from pathlib import Path

DIRECTORY = Path(__file__).parent


@cache
def statement(name: str) -> str:
    """Text of `<name>.sql`; parameters in it are pg8000's `:name`."""
    return (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8")
