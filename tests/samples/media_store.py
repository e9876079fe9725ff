"""Chinook: artists, tracks, invoices, with rows; its script is HSQLDB's, made PostgreSQL's here."""

import re
from collections.abc import Iterator

import pg8000.native

from tests.samples.packages import jar

_JAR = (
    "net.hydromatic", "chinook-data-hsqldb", "0.2",
    "29805e76a53994841aff76d1b1d5656f0d8c4bf2f092cf63c0dd5521329e7212",
)  # fmt: skip
_INSERT = re.compile(r'INSERT INTO ("chinook"\."\w+") VALUES(\(.*\))')
_ROWS = 500


def build(connection: pg8000.native.Connection) -> None:
    """Makes schema `chinook`: 11 tables, 15,607 rows."""
    with jar(*_JAR) as archive:
        script = archive.read("chinook.script").decode("ascii")
    connection.run("BEGIN")
    connection.run(";\n".join(_statements(script)))
    connection.run("COMMIT")


def _statements(script: str) -> Iterator[str]:
    rows: dict[str, list[str]] = {}
    references = []
    yield 'CREATE SCHEMA "chinook"'
    for line in script.splitlines():
        if insert := _INSERT.fullmatch(line):
            rows.setdefault(insert[1], []).append(_unescaped(insert[2]))
        elif line.startswith('CREATE MEMORY TABLE "chinook"'):
            # a table may name one that comes later
            head, *foreign = line[:-1].replace("MEMORY ", "").split(',CONSTRAINT "FK_')
            yield f"{head})"
            table = head.split("(")[0].removeprefix("CREATE TABLE ")
            references += [f'ALTER TABLE {table} ADD CONSTRAINT "FK_{one}' for one in foreign]
        elif line.startswith('ALTER TABLE "chinook"'):
            references.append(line)
    for table, values in rows.items():
        for start in range(0, len(values), _ROWS):
            yield f"INSERT INTO {table} VALUES {','.join(values[start : start + _ROWS])}"
    yield from references


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
