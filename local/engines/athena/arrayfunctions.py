"""Functions of arrays and maps."""

from typing import TYPE_CHECKING, Any, Final

from local.engines.athena import casts
from local.engines.athena.functions import Rule, unexpected
from local.engines.athena.scope import Typed
from local.engines.athena.types import BIGINT, BOOLEAN, DATE, VARCHAR, Type, array, common

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions


def _cardinality(self: "Expressions", node: Any) -> Typed:
    value = self.compile(node.expressions[0])
    if value.type.name not in ("array", "map"):
        raise unexpected([value], node)
    return Typed(
        f"CAST({'len' if value.type.name == 'array' else 'cardinality'}({value.sql}) AS BIGINT)",
        BIGINT,
    )


def _element_at(self: "Expressions", node: Any) -> Typed:
    base, key = (self.compile(n) for n in node.expressions)
    if base.type.name == "array" and key.type.is_integer:
        return Typed(f"({base.sql})[{key.sql}]", base.type.items[0])
    if base.type.name == "map" and common(base.type.items[0], key.type) == base.type.items[0]:
        return Typed(
            f"({base.sql})[{casts.coerce(key.sql, key.type, base.type.items[0])}]",
            base.type.items[1],
        )
    raise unexpected([base, key], node)


def _contains(self: "Expressions", node: Any) -> Typed:
    base, key = (self.compile(n) for n in node.expressions)
    if base.type.name != "array" or common(base.type.items[0], key.type) != base.type.items[0]:
        raise unexpected([base, key], node)
    item = casts.coerce(key.sql, key.type, base.type.items[0])
    unknown = f"list_contains(list_transform({base.sql}, lambda x: x IS NULL), TRUE)"
    return Typed(
        f"(CASE WHEN {item} IS NULL OR {base.sql} IS NULL THEN NULL "
        f"WHEN list_contains({base.sql}, {item}) THEN TRUE "
        f"WHEN {unknown} THEN NULL ELSE FALSE END)",
        BOOLEAN,
    )


def _array_join(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(n) for n in node.expressions]
    if len(values) != 2 or values[0].type.name != "array" or values[1].type.name != "varchar":
        raise unexpected(values, node)
    text = casts.text_of("x", values[0].type.items[0])
    if text is None:
        raise unexpected(values, node)
    items = (
        f"list_transform(list_filter({values[0].sql}, lambda x: x IS NOT NULL), lambda x: {text})"
    )
    return Typed(f"coalesce(array_to_string({items}, {values[1].sql}), "
                 f"CASE WHEN {values[0].sql} IS NOT NULL THEN '' END)", VARCHAR)  # fmt: skip


def _map(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(n) for n in node.expressions]
    if len(values) != 2 or any(v.type.name != "array" for v in values):
        raise unexpected(values, node)
    kinds = tuple(v.type.items[0] for v in values)
    return Typed(f"map({values[0].sql}, {values[1].sql})", Type("map", items=kinds))


def _sequence(self: "Expressions", node: Any) -> Typed:
    values = [self.compile(argument) for argument in node.expressions]
    sqls = ", ".join(value.sql for value in values)
    if len(values) in (2, 3) and all(value.type.is_integer for value in values):
        whole = ", ".join(f"CAST({value.sql} AS BIGINT)" for value in values)
        name = "trino_series" if len(values) == 2 else "trino_series_by"
        return Typed(f"{name}({whole})", array(BIGINT))
    kinds = [value.type.name for value in values]
    if kinds[:2] == ["date", "date"] and len(kinds) in (2, 3):
        if len(kinds) == 3 and not kinds[2].startswith("interval"):
            raise unexpected(values, node)
        one_day = f"to_days(CASE WHEN {values[0].sql} <= {values[1].sql} THEN 1 ELSE -1 END)"
        return Typed(
            f"trino_days({sqls if len(kinds) == 3 else f'{sqls}, {one_day}'})", array(DATE)
        )
    raise unexpected(values, node)


ARRAYS: Final[dict[str, Rule]] = {
    "cardinality": _cardinality, "element_at": _element_at, "contains": _contains,
    "array_join": _array_join, "map": _map, "sequence": _sequence,
}  # fmt: skip
