"""GROUP BY."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.engines.athena.errors import AthenaError, position, refuse

if TYPE_CHECKING:
    from local.engines.athena.expressions import Expressions


def group_by(expressions: "Expressions", node: Any, width: int) -> str:
    """SQL of the clause, empty if there is none."""
    if node is None:
        return ""
    for name, value in node.args.items():
        if value and name not in ("expressions", "grouping_sets", "cube", "rollup"):
            raise refuse(f"GROUP BY {name.upper()}", node)
    keys = [*node.expressions]
    for name in ("grouping_sets", "cube", "rollup"):
        keys += node.args.get(name) or []
    return " GROUP BY " + ", ".join(_key(expressions, key, width) for key in keys)


def _key(expressions: "Expressions", node: Any, width: int) -> str:
    match node:
        case exp.Rollup():
            return f"ROLLUP ({_list(expressions, node, width)})"
        case exp.Cube():
            return f"CUBE ({_list(expressions, node, width)})"
        case exp.GroupingSets():
            return f"GROUPING SETS ({_list(expressions, node, width)})"
        case exp.Tuple():
            return f"({_list(expressions, node, width)})"
    if isinstance(node, exp.Literal) and not node.is_string:
        check_ordinal(node, width, "GROUP BY")
        return str(node.this)
    return expressions.compile(node).sql


def _list(expressions: "Expressions", node: Any, width: int) -> str:
    return ", ".join(_key(expressions, item, width) for item in node.expressions)


def check_ordinal(node: exp.Literal, width: int, clause: str) -> None:
    """Raises AthenaError for a position that no column has."""
    if not str(node.this).isdigit() or not 1 <= int(str(node.this)) <= width:
        raise AthenaError(
            "INVALID_COLUMN_REFERENCE",
            f"{clause} position {node.this} is not in select list",
            position(node),
        )
