"""What `cdk synth` says of a SQL file of one's own: it parses, its tables and columns are there.

sqlglot resolves the columns and infers the types; no engine is asked, so what only an engine knows
(a function's arguments, a cast that fails) the first run tells.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from lakehouse.contract import LAKE_NAME, TableContract
from lakehouse.errors import ConfigurationError
from lakehouse.gold import Columns
from lakehouse.own_gold import OwnGold, Refresh, check_inputs, fault, load_own_gold, readable

_DIALECT: Final = {Refresh.RUN: "spark", Refresh.READ: "athena"}
_MOST: Final = 120_000
"""Bytes of all files together: a run carries the statements of the views in its state."""


def check_own_gold(directory: Path, contracts: Mapping[str, TableContract]) -> dict[str, OwnGold]:
    """The SQL files of a folder of contracts by name.

    Raises ConfigurationError for the first file that can't become gold.
    """
    found = load_own_gold(directory)
    if (size := sum(len(one.sql.encode()) for one in found.values())) > _MOST:
        raise ConfigurationError(
            f"{directory}: the SQL files have {size:,} bytes, more than {_MOST:,} together; let "
            "large ones read smaller tables"
        )
    for own in found.values():
        columns_of(own, contracts)
    return found


def columns_of(own: OwnGold, contracts: Mapping[str, TableContract]) -> Columns:
    """Column to type, without sizes, `unknown` if it can't be told; raises ConfigurationError."""
    check_inputs(own, contracts)
    dialect = _DIALECT[own.refresh]
    schema = MappingSchema(readable(contracts), dialect="spark")
    try:
        statements = sqlglot.parse(own.select("silver", "gold"), read=dialect)
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise fault(
                own.file, "is not one SELECT; write a single statement without side effects"
            )
        resolved = annotate_types(
            qualify(statements[0], schema=schema, dialect=dialect, quote_identifiers=False),
            schema=schema,
            dialect=dialect,
        )
    except SqlglotError as wrong:
        told = str(wrong).splitlines()[0].partition(" but got <Token")[0].rstrip(".")
        raise fault(own.file, f"{told} (read as the SQL of {dialect.capitalize()})") from None
    assert isinstance(resolved, exp.Query)
    kinds = [(column.alias_or_name, column.type) for column in resolved.selects]
    names = [name for name, _ in kinds]
    if odd := [name for name in names if not LAKE_NAME.fullmatch(name) or names.count(name) > 1]:
        raise fault(
            own.file, f"the column {odd[0]!r} needs a name of its own of a-z, 0-9 and _: AS ..."
        )
    for what, said in (("'grain' names", own.grain), ("the header describes", own.meanings)):
        if missing := [name for name in said if name not in names]:
            raise fault(own.file, f"{what} {missing[0]!r}; its columns are {', '.join(names)}")
    return {name: kind.this.value.lower() if kind else "unknown" for name, kind in kinds}
