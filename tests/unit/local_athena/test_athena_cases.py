"""The golden cases: `--> types`, then a `--> row` each, or `--! CODE: beginning of the message`.

Answers outside `refused.sql` were compared with a real Trino 435: types, rows, error codes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.engines.athena import AthenaError, Engine

FOLDER = Path(__file__).parents[2] / "cases" / "athena"


@dataclass
class Case:
    """One block of a case file."""

    title: str
    sql: str = ""
    names: str = ""
    error: str = ""
    answers: list[str] = field(default_factory=list)
    """Types first, then rows."""


def cases() -> Iterator[object]:
    """Every case of every file, named by file and title."""
    for path in sorted(FOLDER.glob("*.sql")):
        for block in path.read_text().split("\n\n"):
            lines = block.strip("\n").split("\n")
            case = Case(lines[0].removeprefix("-- "))
            for line in lines[1:]:
                match line[:3]:
                    case "-->":
                        case.answers.append(line[4:])
                    case "--!":
                        case.error = line[4:]
                    case "--=":
                        case.names = line[4:]
                    case _:
                        case.sql += f"\n{line}" if case.sql else line
            yield pytest.param(case, id=f"{path.stem}: {case.title}")


@pytest.mark.parametrize("case", list(cases()))
def test_case(engine: Engine, case: Case) -> None:
    if case.error:
        with pytest.raises(AthenaError) as caught:
            engine.execute(case.sql)
        reason = caught.value.reason(case.sql)
        assert reason[: len(case.error)] == case.error, reason
        return
    result = engine.execute(case.sql)
    types = ", ".join(column.trino for column in result.columns)
    rows = [" | ".join("NULL" if v is None else v for v in row) for row in result.rows]
    assert [types, *rows] == case.answers
    if case.names:
        assert ", ".join(column.name for column in result.columns) == case.names
