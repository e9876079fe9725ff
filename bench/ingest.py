"""How fast and how lean the ingest is, beside `psql COPY binary` and what others use.

The floor is `psql` copying the same columns to a file: no metadata, no guards, no hash, no Parquet.
Every program is a process of its own; its time begins before the interpreter starts. Runs come in
rounds, one of each program, so that a busy machine slows all of them.
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.ingest_once import CHANGED
from bench.names import DATABASE
from bench.processes import Measured, measure
from bench.stage import PSQL, PYTHON, ROOT, Stage, stage
from lakehouse.contract import load_contracts

FLOOR, OURS, DLT = "psql COPY binary", "this ingest, first load", "dlt connectorx"
SLOW = ("pg8000 + pandas", "awswrangler")
"""Minutes for all rows: they read a tenth of them, and their seconds are multiplied by ten."""
TENTH = "tenth"
SMALL = 20_000
OURS_PYTHON = ROOT / ".local" / "venv" / "bin" / "python"
Runs = dict[str, list[Measured]]
Deltas = dict[int, tuple[float, float]]


def main() -> None:
    """Parses the options, measures, prints."""
    parser = argparse.ArgumentParser(prog="make bench-ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="sales in the source")
    parser.add_argument("--runs", type=int, default=3, help="rounds; medians are printed")
    parser.add_argument("--peer-runs", type=int, default=1, help="rounds that include the peers")
    parser.add_argument("--deltas", type=int, default=9, help="runs of 1,000 changed rows each")
    options = parser.parse_args()
    with stage() as here:
        here.fill(DATABASE, options.rows)
        here.fill(TENTH, options.rows // 10)
        here.fill("small", SMALL)
        loads: Runs = defaultdict(list)
        for number in range(options.runs):
            for name, measured in _round(here, options.rows, number < options.peer_runs):
                loads[name].append(measured)
        deltas = _deltas(here, options.rows, options.deltas)
    _report(loads, deltas, options.rows)


def _round(here: Stage, rows: int, with_peers: bool) -> Iterator[tuple[str, Measured]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        columns = ", ".join(load_contracts()["fact_sales"].columns)
        copy = f"COPY (SELECT {columns} FROM fact_sales) TO STDOUT (FORMAT binary)"
        yield (
            FLOOR,
            measure(
                [str(PSQL), here.dsn(DATABASE), "-qc", copy, "-o", str(directory / "floor")],
                here.environment,
            ),
        )
        here.new_ledger()
        yield OURS, _ingest(here, DATABASE, rows)
        if with_peers:
            yield DLT, _peer(here, DLT, DATABASE)
            for peer in SLOW:
                part = _peer(here, peer, TENTH)
                yield (
                    f"{peer} (a tenth, x 10)",
                    replace(part, seconds=part.seconds * 10, cpu_seconds=part.cpu_seconds * 10),
                )


def _peer(here: Stage, name: str, database: str) -> Measured:
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        script = str(ROOT / "bench" / "peers.py")
        return measure([str(PYTHON), script, name, here.dsn(database), place], here.environment)


def _ingest(here: Stage, database: str, expected: int, deltas: int = 0) -> Measured:
    port = str(here.engine.port)
    command = [str(OURS_PYTHON), "-m", "bench.ingest_once", port, database, str(deltas)]
    done = measure(command, here.environment)
    facts = json.loads(done.output)
    landed = [facts["rows"], *(rows for rows, *_ in facts["deltas"])]
    if landed != [expected, *[CHANGED] * deltas]:
        raise SystemExit(f"{landed} rows landed instead of {expected} and {CHANGED} each time")
    return done


def _deltas(here: Stage, rows: int, runs: int) -> Deltas:
    """Milliseconds of the run and of its extraction, by the size of the table."""
    found: Deltas = {}
    for database, size in (("small", SMALL), (DATABASE, rows)):
        here.new_ledger()
        deltas = json.loads(_ingest(here, database, size, runs).output)["deltas"]
        found[size] = (
            statistics.median(seconds for _, seconds, _ in deltas) * 1000,
            statistics.median(extraction for *_, extraction in deltas) * 1000,
        )
    return found


def _report(loads: Runs, times: Deltas, rows: int) -> None:
    def median(name: str, attribute: str) -> float:
        return statistics.median(getattr(run, attribute) for run in loads[name])

    def ratio(name: str) -> float:
        pairs = zip(loads[name], loads[FLOOR], strict=False)
        return statistics.median(run.seconds / floor.seconds for run, floor in pairs)

    print(f"\nFirst load of {rows:,} sales, medians of {len(loads[FLOOR])} rounds\n")
    print(f"| program | seconds | x floor | CPU s | peak MB | runs |\n|{' --- |' * 6}")
    for name, runs in loads.items():
        print(f"| {name} | {median(name, 'seconds'):.2f} | {ratio(name):.2f} | "
              f"{median(name, 'cpu_seconds'):.2f} | {median(name, 'peak_mb'):.0f} | "
              f"{len(runs)} |")  # fmt: skip
    inside = [json.loads(run.output) for run in loads[OURS]]
    warm = statistics.median(
        facts["seconds"] / floor.seconds for facts, floor in zip(inside, loads[FLOOR], strict=True)
    )
    print(f"\nWithout starting the interpreter and importing boto3 the first load is {warm:.2f} x "
          f"the floor; its file has {inside[0]['bytes'] / 1e6:.1f} MB.")  # fmt: skip
    print(f"\n{CHANGED:,} changed rows\n\n| table | run ms | extraction ms |\n| --- | --- | --- |")
    for size, (run, extraction) in times.items():
        print(f"| {size:,} | {run:.0f} | {extraction:.0f} |")
    summary = {
        "rows": rows,
        "ratio_to_floor": round(ratio(OURS), 2),
        "ratio_to_floor_warm": round(warm, 2),
        "faster_than_dlt": round(
            statistics.median(dlt.seconds / ours.seconds
                              for dlt, ours in zip(loads[DLT], loads[OURS], strict=False)), 2)
        if loads[DLT] else None,
        "peak_mb": round(median(OURS, "peak_mb")),
        "delta_ratio": round(times[rows][0] / times[SMALL][0], 2),
        "delta_extraction_ms": round(times[rows][1]),
    }  # fmt: skip
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
