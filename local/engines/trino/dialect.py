"""Statements that Athena has and Trino has not: told apart, with the part that Trino can judge."""

import re
from typing import Final

from local.engines.athena.errors import AthenaError
from local.engines.athena.statements import classify

_WHOLE_TABLE: Final = {
    # kind: its whole grammar; the table's name and perhaps a condition are left to Trino
    "OPTIMIZE": r"OPTIMIZE\s+(?P<table>\S+)\s+REWRITE\s+DATA\s+USING\s+BIN_PACK"
    r"(?:\s+WHERE\s+(?P<where>.+))?",
    "VACUUM": r"VACUUM\s+(?P<table>\S+)",
    "MSCK": r"MSCK\s+REPAIR\s+TABLE\s+(?P<table>\S+)",
}
_EXTERNAL: Final = re.compile(r"CREATE\s+EXTERNAL\s+TABLE\b", re.IGNORECASE)
_INSIDE: Final = {"UNLOAD": "UNLOAD", "CREATE_TABLE_AS_SELECT": "CREATE TABLE AS with properties"}


def athena_only(statement: str) -> tuple[str, str] | None:
    """Kind and what Trino is to judge of a statement that only Athena knows; None of others.

    The judged part is empty where the statement refers to nothing that is there already. Raises
    AthenaError SYNTAX_ERROR where the statement is none of Athena's either.
    """
    text = statement.strip().rstrip(";")
    if _EXTERNAL.match(text):
        return "CREATE EXTERNAL TABLE", ""
    word = text.split(None, 1)[0].upper() if text else ""
    if word in _WHOLE_TABLE:
        parts = re.fullmatch(_WHOLE_TABLE[word], text, re.IGNORECASE | re.DOTALL)
        if parts is None:
            raise AthenaError("SYNTAX_ERROR", f"{word} is not written as Athena knows it")
        where = parts.groupdict().get("where")
        return word, f"SELECT 1 FROM {parts['table']}" + (f" WHERE {where}" if where else "")
    if word == "UNLOAD" or re.match(r"CREATE\s+TABLE\b", text, re.IGNORECASE):
        found = classify(text)
        if found.kind == "UNLOAD" or found.properties:
            return _INSIDE[found.kind], found.query
    return None
