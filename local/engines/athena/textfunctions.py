"""Functions of text."""

from typing import TYPE_CHECKING, Any, Final

from lakehouse.sqltext import literal
from local.engines.athena.errors import refuse
from local.engines.athena.functions import Rule, fitted, overloads, signature, unexpected
from local.engines.athena.numberfunctions import constant
from local.engines.athena.scope import Typed
from local.engines.athena.types import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    UNBOUNDED,
    VARBINARY,
    VARCHAR,
    array,
    varchar,
)

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions


def _concat(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(n) for n in node.expressions]
    if len(values) < 2 or any(v.type.name not in ("varchar", "unknown") for v in values):
        raise unexpected(values, node)
    return Typed("(" + " || ".join(v.sql for v in values) + ")", VARCHAR)


def _concat_ws(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(n) for n in node.expressions]
    if len(values) < 2 or any(v.type.name not in ("varchar", "unknown") for v in values):
        raise unexpected(values, node)
    return Typed(f"concat_ws({', '.join(v.sql for v in values)})", VARCHAR)


def _regexp_replace(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(n) for n in node.expressions]
    if len(values) not in (2, 3) or any(v.type.name != "varchar" for v in values):
        raise unexpected(values, node)
    replacement = values[2].text if len(values) == 3 else ""
    if replacement is None or "$" in replacement or "\\" in replacement:
        raise refuse("regexp_replace() with groups or a computed replacement", node)
    source, added = values[0].type.size, len(replacement)
    result = source if len(values) == 2 else source + max(source * added // 2, added) * (source + 1)
    sql = f"regexp_replace({values[0].sql}, {values[1].sql}, {literal(replacement)}, 'g')"
    return Typed(sql, varchar(min(result, UNBOUNDED)))


def _regexp_extract(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(n) for n in node.expressions]
    group = constant(node.expressions[2]) if len(values) == 3 else 0
    if (
        len(values) not in (2, 3)
        or group is None
        or any(v.type.name != "varchar" for v in values[:2])
    ):
        raise unexpected(values, node)
    text, pattern = values[0].sql, values[1].sql
    return Typed(f"(CASE WHEN regexp_matches({text}, {pattern}) THEN "
                 f"regexp_extract({text}, {pattern}, {group}) END)", values[0].type)  # fmt: skip


def _replace(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(argument) for argument in node.expressions]
    if len(values) not in (2, 3) or any(v.type.name != "varchar" for v in values):
        raise unexpected(values, node)
    source = values[0].type.size
    added = values[2].type.size if len(values) == 3 else 0
    size = source if len(values) == 2 else min(source + added * (source + 1), UNBOUNDED)
    new = values[2].sql if len(values) == 3 else "''"
    return Typed(f"replace({values[0].sql}, {values[1].sql}, {new})", varchar(size))


def _split(self: "Expressions", node: Any) -> Typed:
    text, delimiter = fitted(self, node, VARCHAR, VARCHAR)
    return Typed(f"trino_split({text.sql}, {delimiter.sql})", array(text.type))


def _from_base(self: "Expressions", node: Any) -> Typed:
    (text, _), radix = fitted(self, node, VARCHAR, BIGINT), constant(node.expressions[1])
    if radix != 16:
        raise refuse("from_base() with another radix than 16", node)
    return Typed(f"CAST('0x' || {text.sql} AS BIGINT)", BIGINT)


def _trim(name: str) -> Rule:
    return overloads(
        signature(0, f"{name}({{0}})", VARCHAR), signature(0, f"{name}({{0}}, {{1}})", *_TEXTS)
    )


_TEXTS: Final = (VARCHAR, VARCHAR)
TEXTS: Final[dict[str, Rule]] = {
    "concat": _concat, "concat_ws": _concat_ws, "replace": _replace, "split": _split,
    "length": signature(BIGINT, "length({0})", VARCHAR),
    "lower": signature(0, "lower({0})", VARCHAR),
    "upper": signature(0, "trino_upper({0})", VARCHAR),
    "trim": _trim("trim"), "ltrim": _trim("ltrim"), "rtrim": _trim("rtrim"),
    "reverse": overloads(
        signature(0, "reverse({0})", VARCHAR),
        # byte by byte: two digits each
        signature(
            VARBINARY,
            "unhex(array_to_string(list_reverse(regexp_extract_all(hex({0}), '..')), ''))",
            VARBINARY,
        ),
    ),
    "to_utf8": signature(VARBINARY, "encode({0})", VARCHAR),
    "md5": signature(VARBINARY, "unhex(md5({0}))", VARBINARY),
    "to_hex": signature(VARCHAR, "hex({0})", VARBINARY),
    "from_base": _from_base,
    "substr": overloads(
        signature(0, "trino_substr({0}, {1})", VARCHAR, BIGINT),
        signature(0, "trino_substr_of({0}, {1}, {2})", VARCHAR, BIGINT, BIGINT),
    ),
    "strpos": signature(BIGINT, "CAST(instr({0}, {1}) AS BIGINT)", *_TEXTS),
    "starts_with": signature(BOOLEAN, "starts_with({0}, {1})", *_TEXTS),
    "lpad": signature(VARCHAR, "lpad({0}, CAST({1} AS INTEGER), {2})", VARCHAR, BIGINT, VARCHAR),
    "rpad": signature(VARCHAR, "rpad({0}, CAST({1} AS INTEGER), {2})", VARCHAR, BIGINT, VARCHAR),
    "chr": signature(varchar(1), "chr(CAST({0} AS INTEGER))", BIGINT),
    "codepoint": signature(INTEGER, "ord({0})", VARCHAR),
    "regexp_like": signature(BOOLEAN, "regexp_matches({0}, {1})", *_TEXTS),
    "regexp_replace": _regexp_replace, "regexp_extract": _regexp_extract,
}  # fmt: skip
