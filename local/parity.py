"""Compares the light local Athena with a real Trino over the same catalog and S3, view by view.

Names, types and every value must be the same. It needs a running local account with a merged run.
"""

import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from lakehouse.errors import LocalError
from local import layout, progress
from local.account import Account
from local.engines.athena import AthenaError, Engine, QueryResult, S3Settings
from local.engines.athena.catalog import Catalog
from local.engines.athena.macros import double_text, real_text
from local.engines.trino.server import Answer, Place, QueryError, Server, running

_TRIES = 4
"""A view that looks at the clock, or a run that writes meanwhile, may answer anew each time."""

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Comparison:
    """What both said of a view. `difference` is empty where they agree."""

    view: str
    columns: int
    rows: int
    difference: str


def run_parity() -> int:
    """`make parity`: 0 if every view agrees, 1 with the differences otherwise."""
    account = Account.load()
    gold = account.outputs["gold_database"]
    place = Place(account.endpoint_url, layout.REGION, account.access_key, account.secret_key)
    glue = account.client("glue")
    views = Catalog(glue).tables(gold, views_only=True)
    if not views:
        raise LocalError(f"{gold} has no views yet; they are made by the first run: make run")
    settings = S3Settings(place.endpoint, place.region, place.access_key, place.secret_key)
    athena = Engine(glue, account.client("s3"), settings)
    try:
        with (
            progress.step("trino") as step,
            running(layout.PARITY, place, _free_port()) as trino,
        ):
            step.say("answers")
            found = [compare(view, gold, athena, trino) for view in views]
    finally:
        athena.close()
    progress.console.print(_table(found))
    return 1 if any(one.difference for one in found) else 0


def compare(view: str, schema: str, athena: Engine, trino: Server) -> Comparison:
    """Reads the view by both until they agree, a few times at most."""
    sql = f'SELECT * FROM "{view}"'
    one = Comparison(view, 0, 0, "never asked")
    for _ in range(_TRIES):
        try:
            light, real = athena.execute(sql, schema), trino.query(sql, schema)
        except (AthenaError, QueryError) as refused:
            return Comparison(view, 0, 0, f"{type(refused).__name__}: {refused}")
        one = Comparison(view, len(real.columns), len(real.rows), difference(light, real))
        if not one.difference:
            break
    return one


def difference(light: QueryResult, real: Answer) -> str:
    """The first difference in words: of names, of types, of rows; "" if there is none."""
    ours = [(column.name, column.trino) for column in light.columns]
    for (name, kind), (other, real_kind) in zip(ours, real.columns, strict=False):
        if name != other:
            return f"column {name!r} here is {other!r} in Trino"
        if kind != real_kind:
            return f"{name} is {kind} here, {real_kind} in Trino"
    if len(ours) != len(real.columns):
        return f"{len(ours)} columns here, {len(real.columns)} in Trino"
    printers = [_printer(kind) for _, kind in real.columns]
    rows = Counter(
        tuple(None if v is None else show(v) for v, show in zip(row, printers, strict=True))
        for row in real.rows
    )
    mine: Counter[Row] = Counter(light.rows)
    only_here, only_there = mine - rows, rows - mine
    if only_here or only_there:
        return (
            f"{only_here.total()} rows only here, {only_there.total()} only in Trino: "
            f"{next(iter(only_here), None)} against {next(iter(only_there), None)}"
        )
    return ""


def _printer(kind: str) -> Callable[[Any], str]:
    """How Athena prints what Trino's protocol gives of a type."""
    if kind == "double":
        return lambda value: double_text(float(value))
    if kind == "real":
        return lambda value: real_text(float(value))
    if kind == "boolean":
        return lambda value: str(value).lower()
    return str


def _table(found: list[Comparison]) -> Table:
    shown = Table(
        "view", "columns", "rows", "against Trino", title="the local Athena, view by view"
    )
    for one in found:
        shown.add_row(one.view, str(one.columns), f"{one.rows:,}", one.difference or "the same")
    return shown


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
