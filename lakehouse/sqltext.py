"""Pieces of SQL that PostgreSQL, DuckDB and Athena read alike."""


def literal(text: str) -> str:
    """A quoted text literal (in PostgreSQL with standard_conforming_strings)."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
