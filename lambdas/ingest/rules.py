"""The table's row-level rules in the landing: `_op` `?` marks a row that breaks one.

Deletes only carry a key and are never held back; a row with a value that its type can't carry
(`!`) is set aside for that alone.
"""

from collections.abc import Sequence

from lakehouse.contract import TableContract
from lakehouse.quality.compiler import RowRule
from lakehouse.sqltext import identifier, literal


def judged(rules: Sequence[RowRule]) -> str:
    """DuckDB expression of `_op` over the captured rows."""
    if not rules:
        return "_op"
    good = " AND ".join(rule.passes for rule in rules)
    return f"CASE WHEN _op IN ('D', '!') OR ({good}) THEN _op ELSE '?' END"


def reasons(rules: Sequence[RowRule]) -> str:
    """DuckDB expression: the rules that a row breaks, joined by '; '."""
    texts = [f"CASE WHEN NOT {rule.passes} THEN {literal(rule.text)} END" for rule in rules]
    return f"concat_ws('; ', {', '.join(texts)})" if texts else "''"


def row_key(contract: TableContract) -> str:
    """DuckDB expression: the key as a JSON object."""
    return _object(contract, contract.key)


def raw_row(contract: TableContract) -> str:
    """DuckDB expression: the row as a JSON object.

    Decimals, floats and bytes are texts there, since a JSON number need not keep their digits.
    """
    return _object(contract, tuple(contract.types))


def _object(contract: TableContract, names: Sequence[str]) -> str:
    plain = ("boolean", "smallint", "integer", "bigint", "text")
    pairs = (
        f"{literal(name)}, {identifier(name)}"
        + ("" if contract.types[name].carrier in plain else "::VARCHAR")
        for name in names
    )
    return f"json_object({', '.join(pairs)})::VARCHAR"
