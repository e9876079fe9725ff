"""Which statement a text is, and the parts of those that are not plain queries.

Only the head of a statement is read here, word by word; the query inside keeps its place in the
text, so that errors point to where the user wrote it.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from sqlglot.tokenizer_core import TokenType

from local.engines.athena.errors import AthenaError, refuse
from local.engines.athena.heads import Head
from local.engines.athena.parsing import tokenize

_QUERY_WORDS: Final = {"SELECT", "WITH", "VALUES", "(", "TABLE"}
_DEPTH: Final = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}
_REFUSED: Final = {
    "ALTER", "ANALYZE", "DEALLOCATE", "DELETE", "EXECUTE", "EXPLAIN", "MERGE", "MSCK",
    "OPTIMIZE", "PREPARE", "REFRESH", "SET", "TRUNCATE", "UPDATE", "USE", "VACUUM",
}  # fmt: skip
_HIVE_WORDS: Final = {"DROP", "CREATE", "DESCRIBE", "DESC", "SHOW"}


@dataclass(frozen=True)
class Statement:
    """A classified statement. `query` is the text of the query inside, at its own offset."""

    kind: str
    """`SELECT`, `CREATE_VIEW`, `CREATE_TABLE_AS_SELECT`, `UNLOAD`, `DROP_TABLE`, ..."""
    type: str
    """`DML`, `DDL` or `UTILITY`."""
    schema: str | None = None
    name: str = ""
    query: str = ""
    if_exists: bool = False
    """IF EXISTS or IF NOT EXISTS was said."""
    replace: bool = False
    with_data: bool = True
    location: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    pattern: str = ""


def classify(sql: str) -> Statement:
    """Reads what a text asks for; raises AthenaError for what is not run here."""
    first = re.match(r"(\s|--[^\n]*\n|/\*.*?\*/)*(\w+|\()?", sql, re.DOTALL)
    word = (first[2] or "").upper() if first else ""
    if word in _HIVE_WORDS:
        sql = sql.replace("`", '"')  # Hive's quotes, of the same length
    if word == "SHOW":  # sqlglot takes the rest for one string
        sql = re.sub(r"(?i)\bshow\b", "    ", sql, count=1)
    head = Head(sql, tokenize(sql))
    if not head.tokens:
        raise AthenaError("SYNTAX_ERROR", "mismatched input '<EOF>'")
    if word in _QUERY_WORDS:
        return Statement("SELECT", "DML", query=sql)
    match word:
        case "CREATE":
            return _create(head)
        case "DROP":
            return _drop(head)
        case "UNLOAD":
            return _unload(head)
        case "INSERT":
            head.take("INSERT", "INTO")
            schema, name = head.name()
            if head.peek() not in {"SELECT", "WITH", "VALUES"}:
                raise refuse("a column list in INSERT")
            return Statement("INSERT", "DML", schema, name, head.rest())
        case "SHOW":
            return _show(head)
        case "DESCRIBE" | "DESC":
            head.take(word)
            schema, name = head.name()
            head.end()
            return Statement("DESCRIBE_TABLE", "UTILITY", schema, name)
    if word in _REFUSED:
        raise refuse(word)
    raise head.error()


def _create(head: Head) -> Statement:
    head.take("CREATE")
    replace = head.maybe("OR", "REPLACE")
    if head.maybe("VIEW"):
        schema, name = head.name()
        if head.peek() == "(":
            raise refuse("a column list in CREATE VIEW")
        head.take("AS")
        return Statement("CREATE_VIEW", "DDL", schema, name, head.rest(), replace=replace)
    if head.maybe("SCHEMA") or head.maybe("DATABASE"):
        lenient = head.maybe("IF", "NOT", "EXISTS")
        name = head.identifier()
        location = head.text() if head.maybe("LOCATION") else ""
        head.end()
        return Statement("CREATE_DATABASE", "DDL", None, name, if_exists=lenient, location=location)
    if not replace and head.maybe("TABLE"):
        lenient = head.maybe("IF", "NOT", "EXISTS")
        schema, name = head.name()
        properties = head.properties() if head.maybe("WITH") else {}
        if head.peek() != "AS":
            raise refuse("CREATE TABLE without AS SELECT")
        head.take("AS")
        tail = [token.text.upper() for token in head.tokens[-3:]]
        with_data = tail != ["WITH", "NO", "DATA"]
        query = head.rest(None if with_data else len(head.tokens) - 3)
        return Statement("CREATE_TABLE_AS_SELECT", "DDL", schema, name, query, lenient,
                         with_data=with_data, properties=properties)  # fmt: skip
    raise refuse(f"CREATE {head.peek()}")


def _drop(head: Head) -> Statement:
    head.take("DROP")
    for words, kind in (
        ("TABLE", "DROP_TABLE"), ("VIEW", "DROP_VIEW"), ("SCHEMA", "DROP_DATABASE"),
        ("DATABASE", "DROP_DATABASE"),
    ):  # fmt: skip
        if head.maybe(words):
            lenient = head.maybe("IF", "EXISTS")
            schema, name = head.name()
            cascade = head.maybe("CASCADE")
            head.maybe("RESTRICT")
            head.end()
            return Statement(kind, "DDL", schema, name, if_exists=lenient, replace=cascade)
    raise refuse(f"DROP {head.peek()}")


def _unload(head: Head) -> Statement:
    head.take("UNLOAD")
    head.take("(")
    depth, close = 1, head.at
    while close < len(head.tokens):
        depth += _DEPTH.get(head.tokens[close].token_type, 0)
        if depth == 0:
            break
        close += 1
    query = head.rest(close)
    head.at = close
    head.take(")")
    head.take("TO")
    location = head.text()
    head.take("WITH")
    properties = head.properties()
    head.end()
    return Statement("UNLOAD", "DML", query=query, location=location, properties=properties)


def _show(head: Head) -> Statement:
    kind = next((k for k in ("TABLES", "VIEWS", "DATABASES", "SCHEMAS") if head.maybe(k)), None)
    if kind is None:
        raise refuse(f"SHOW {head.peek()}")
    databases = kind in ("DATABASES", "SCHEMAS")
    schema = None
    if not databases and (head.maybe("IN") or head.maybe("FROM")):
        schema = head.identifier()
    pattern = ""
    if head.maybe("LIKE") or (head.at < len(head.tokens)):
        pattern = head.text()
    head.end()
    return Statement(
        "SHOW_DATABASES" if databases else f"SHOW_{kind}", "UTILITY", schema, pattern=pattern
    )
