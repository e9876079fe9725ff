"""A first load that no single invocation can take: chunks by (cursor, key), killed on the way.

Three tables: keys that cross digit boundaries, a composite key, random uuids. Each invocation is a
process of its own with a budget of seconds; the second one is killed by SIGKILL while it extracts,
and rows change while the load goes on. At the end source and bronze are compared, by count of keys
and by content. The last line is one JSON object; exit code 1 where bronze is not the source.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.names import BUCKET, CHUNKED, LEDGER
from bench.plot import Series, line_plot
from bench.processes import Measured, kill_after, measure
from bench.stage import ROOT, Stage, stage
from lakehouse.ledger_client import Ledger
from lakehouse.rowhash import content, row_hash

PYTHON: Final = str(ROOT / ".local" / "venv" / "bin" / "python")
DATABASE: Final = "chunks"
MEMORY_MB: Final = 256
VALUES: Final = """
        i % 100000 / 100.0, 'note ' || i % 977,
        timestamptz '2026-01-01 00:00:00+00' + (i / 7) * interval '0.1 seconds'"""
"""Seven rows to a stamp, so that chunks end among ties."""
FILL: Final = {
    "by_number": f"""
        CREATE TABLE by_number (
            id bigint PRIMARY KEY, amount numeric(12,2), note text, updated_at timestamptz NOT NULL
        );
        INSERT INTO by_number SELECT i, {VALUES}
        FROM generate_series(1::bigint, $rows) AS i;
        CREATE INDEX ON by_number (updated_at, id)""",
    "by_order_line": f"""
        CREATE TABLE by_order_line (
            order_id bigint, line smallint, amount numeric(12,2), note text,
            updated_at timestamptz NOT NULL, PRIMARY KEY (order_id, line)
        );
        INSERT INTO by_order_line SELECT i / 4, i % 4, {VALUES}
        FROM generate_series(1::bigint, $rows) AS i;
        CREATE INDEX ON by_order_line (updated_at, order_id, line)""",
    "by_uuid": f"""
        CREATE TABLE by_uuid (
            id uuid PRIMARY KEY, amount numeric(12,2), note text, updated_at timestamptz NOT NULL
        );
        INSERT INTO by_uuid SELECT gen_random_uuid(), {VALUES}
        FROM generate_series(1::bigint, $rows) AS i;
        CREATE INDEX ON by_uuid (updated_at, id)""",
}  # fmt: skip


@dataclass
class Load:
    """What the invocations of one table did, in order."""

    table: str
    invocations: list[Measured] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    kills: int = 0
    is_exact: bool = False

    @property
    def longest(self) -> float:
        """Seconds of the longest invocation."""
        return max(run.seconds for run in self.invocations)

    @property
    def peak_mb(self) -> float:
        """Most memory that an invocation took."""
        return max(run.peak_mb for run in self.invocations)


def main() -> int:
    """Parses the options, loads the tables, prints and plots."""
    parser = argparse.ArgumentParser(prog="make bench-chunks", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the numbered table")
    parser.add_argument("--others", type=int, default=2_000_000, help="rows of the other two")
    parser.add_argument("--seconds", type=float, default=20, help="budget of one invocation")
    parser.add_argument("--chunk-rows", type=int, default=1_000_000, help="rows at most of one")
    parser.add_argument("--plot", type=Path, help="where to write the plot, as SVG")
    options = parser.parse_args()
    sizes = dict.fromkeys(CHUNKED, options.others) | {"by_number": options.rows}
    with stage() as here:
        here.engine.query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        here.engine.query(f"CREATE DATABASE {DATABASE} OWNER owner")
        budget = [str(options.chunk_rows), str(options.seconds)]
        loads = [_load(here, name, rows, budget) for name, rows in sizes.items()]
    for load in loads:
        print(f"\n{load.table}: {sum(load.rows):,} rows, {load.kills} killed, "
              f"{'exact' if load.is_exact else 'NOT EXACT'}")  # fmt: skip
        print("| invocation | rows | seconds | peak MB |\n| --- | --- | --- | --- |")
        for number, (run, rows) in enumerate(zip(load.invocations, load.rows, strict=True), 1):
            print(f"| {number} | {rows:,} | {run.seconds:.1f} | {run.peak_mb:.0f} |")
    if options.plot:
        options.plot.write_text(_plot(loads))
    print(json.dumps({
        "bench": "chunks", "rows": sizes, "budget_seconds": options.seconds,
        "longest_seconds": round(max(load.longest for load in loads), 1),
        "peak_mb": round(max(load.peak_mb for load in loads)), "budget_mb": MEMORY_MB,
        "kills": sum(load.kills for load in loads), "exact": all(load.is_exact for load in loads),
    }))  # fmt: skip
    return 0 if all(load.is_exact for load in loads) else 1


def _load(here: Stage, table: str, rows: int, budget: list[str]) -> Load:
    session = here.connect(DATABASE)
    session.execute_simple(FILL[table].replace("$rows", str(rows)))
    session.run(f"VACUUM ANALYZE {table}")
    here.new_ledger()
    load = Load(table)
    command = [PYTHON, "-W", "ignore", "-m", "bench.chunks_once", str(here.engine.port), DATABASE]
    command += [table, *budget]
    has_more = True
    while has_more:
        if len(load.invocations) == 1:
            # the second one takes its batch, is killed, and the next takes that batch over
            load.kills += kill_after(command, here.environment, load.invocations[0].seconds * 0.7)
            session.run(f"UPDATE {table} SET amount = 1, updated_at = now() WHERE amount < 0.2")
        done = measure(command, here.environment)
        facts = json.loads(done.output)
        load.invocations.append(done)
        load.rows.append(facts["rows"])
        has_more = facts["has_more"]
    time.sleep(1.5)  # the margin below the horizon
    while facts["rows"] or facts["has_more"]:
        facts = json.loads(measure(command, here.environment).output)
    load.is_exact = _is_exact(here, table)
    session.close()
    return load


def _is_exact(here: Stage, table: str) -> bool:
    contract = CHUNKED[table]
    session = here.connect(DATABASE)
    total = content(row_hash(contract, "postgres"), "postgres")
    [[count, held]] = session.run(f"SELECT count(*), {total} FROM {table}")
    session.close()
    s3 = here.client("s3")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for batch in Ledger(here.client("dynamodb"), LEDGER).batches(table):
            for number, file in enumerate(batch.files):
                s3.download_file(BUCKET, file.key, f"{name}/{batch.name}-{number}.parquet")
        newest = (
            "SELECT count(*), sum(h)::varchar FROM (SELECT arg_max(_row_hash, _batch_id) AS h "
            f"FROM read_parquet('{name}/*.parquet') GROUP BY {', '.join(contract.key)})"
        )
        asked = (
            "import duckdb; duckdb.sql('SET enable_progress_bar = false'); "
            f"print(*duckdb.sql({newest!r}).fetchone())"
        )
        landed = measure([PYTHON, "-c", asked], here.environment).output
    print(f"{table}: PostgreSQL {count} {held}, bronze {landed}", file=sys.stderr)
    return landed == f"{count} {held}"


def _plot(loads: list[Load]) -> str:
    series = [
        Series(load.table, [(n, run.peak_mb) for n, run in enumerate(load.invocations, 1)])
        for load in loads
    ]
    return line_plot("Peak memory of each invocation of a first load", "invocation", "MB", series)


if __name__ == "__main__":
    sys.exit(main())
