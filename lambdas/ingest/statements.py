"""Renders the SQL files of `lakehouse/sql/ingest`; parts are SQL already."""

import re
from functools import cache
from importlib.resources import files
from string import Template


@cache
def _template(name: str) -> Template:
    text = (files("lakehouse") / "sql" / "ingest" / f"{name}.sql").read_text(encoding="utf-8")
    return Template(re.sub(r"(?m)^\s*--.*\n", "", text).strip())


def render(name: str, **parts: object) -> str:
    """The statement of file `name` with its placeholders filled by SQL text."""
    return _template(name).substitute(parts)


def iso(expression: str) -> str:
    """PostgreSQL expression: a timestamptz as ISO text in UTC with microseconds."""
    return f"""to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
