"""What a delta of 1,000 changed rows costs, by the size of silver, beside the plain way.

    python -m bench.silver --sizes 100000,1000000 --days 0

For each size: silver is made, a warm-up delta and `--deltas` measured ones are merged and brought
to gold by the job's own functions, each with new sales, moves of open ones, movers and new prices
as the generator makes them. Then one delta with keys scattered over all sales (the worst case), and
the plain way: a MERGE over the whole table, gold from all rows. Bytes are Hadoop's own counters of
the folder that holds the lake, metadata included. Seconds are of a warm session with two threads;
CPU seconds are the Java process's, which other work on the machine does not blur.

Then a day of small runs over one lake: the files of silver and gold as it goes on, and what it
costs to read all of gold, every column of every table, before the first run and after the last.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.plot import Series, line_plot
from bench.spark_lake import BASE, OPEN, Lake, session

READS = 5
"""Times that gold is read; the middle one counts."""


@dataclass(frozen=True)
class Cost:
    """Of one delta."""

    seconds: float
    cpu_seconds: float
    read_mb: float
    written_mb: float


def measured(lake: Lake, work: Callable[[], object]) -> Cost:
    """Runs `work` and counts."""
    before, started = lake.counters(), time.monotonic()
    work()
    seconds, after = time.monotonic() - started, lake.counters()
    cpu, read, written = (b - a for a, b in zip(before, after, strict=True))
    return Cost(round(seconds, 1), round(cpu, 1), round(read / 1e6, 1), round(written / 1e6, 1))


def of_size(spark: Any, sales: int, deltas: int) -> dict[str, Any]:
    """One row of the table."""
    lake = Lake(spark, f"s{sales}", sales)
    made = measured(lake, lake.fill)
    print(f"{sales:,} sales: filled in {made.seconds} s, {lake.files()} files", flush=True)
    ordinary = []
    for number in range(deltas + 1):
        delta = lake.delta(scattered=False)
        cost = measured(lake, lambda delta=delta: lake.apply(delta))  # type: ignore[misc]
        print(f"  delta {number}: {cost}", flush=True)
        if number:
            ordinary.append(cost)
    typical = sorted(ordinary, key=lambda cost: cost.read_mb)[len(ordinary) // 2]
    files = lake.files()
    scattered = lake.delta(scattered=True)
    worst = measured(lake, lambda: lake.apply(scattered))
    print(f"  scattered: {worst}", flush=True)
    plainly = lake.delta(scattered=False)
    plain = measured(lake, lambda: lake.apply_plainly(plainly))
    print(f"  plain way: {plain}", flush=True)
    costs = {"ordinary": typical, "scattered": worst, "plain": plain}
    return {"sales": sales, "files": files} | {name: vars(cost) for name, cost in costs.items()}


def day(spark: Any, runs: int, sales: int) -> dict[str, Any]:
    """Files after each twelfth of a day of small runs, their maximum, reads of gold around it."""
    lake = Lake(spark, "day", sales)
    lake.fill()
    lake.apply(lake.delta(scattered=False))  # the first small run leaves the first load's files

    def read() -> dict[str, float]:
        costs = [measured(lake, lake.read_gold) for _ in range(READS)]
        typical = sorted(costs, key=lambda cost: cost.cpu_seconds)[READS // 2]
        return {"read_mb": typical.read_mb, "cpu_seconds": typical.cpu_seconds}

    for _ in range(3):
        lake.read_gold()  # Java compiles what the reads need
    before = {"silver": lake.files(), "gold": lake.gold_files(), **read()}
    files = [(0, before["silver"], before["gold"])]
    for number in range(1, runs + 1):
        lake.apply(lake.delta(scattered=False))
        if number % 12 == 0 or number == runs:
            files.append((number, lake.files(), lake.gold_files()))
            print(
                f"  run {number}: {files[-1][1]} files of silver, {files[-1][2]} of gold",
                flush=True,
            )
    after = {"silver": lake.files(), "gold": lake.gold_files(), **read()}
    most = {"silver": lake.most_files(), "gold": lake.most_gold_files()}
    return {"runs": runs, "before": before, "after": after, "most": most, "files": files}


def plots(rows: list[dict[str, Any]], folder: Path) -> None:
    """Two plots over the sizes, in `folder`: bytes read, CPU seconds; in thousands of sales."""
    for measure, label in (("read_mb", "MB read"), ("cpu_seconds", "CPU seconds")):
        lines = [
            Series(name, [(row["sales"] / 1000, row[name][measure]) for row in rows])
            for name in ("ordinary", "scattered", "plain")
        ]
        title = f"A delta of 1,000 changed rows: {label} by the size of silver"
        plot = line_plot(title, "thousand sales in silver", label, lines, log_x=True)
        (folder / f"silver-{measure.split('_')[0]}.svg").write_text(plot)


def report(rows: list[dict[str, Any]]) -> None:
    """A table in Markdown, the ratios, and one JSON object."""
    print("\n| sales | files | delta | read MB | written MB | seconds | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        for name in ("ordinary", "scattered", "plain"):
            c = row[name]
            print(
                f"| {row['sales']:,} | {row['files']} | {name} | {c['read_mb']} | "
                f"{c['written_mb']} | {c['seconds']} | {c['cpu_seconds']} |"
            )
    # below a million sales a table is a few files, which any delta touches
    first = next((row for row in rows if row["sales"] >= 1_000_000), rows[0])
    last = rows[-1]
    for measure in ("read_mb", "written_mb", "seconds", "cpu_seconds"):
        growth = last["ordinary"][measure] / max(first["ordinary"][measure], 0.1)
        gain = last["plain"][measure] / max(last["ordinary"][measure], 0.1)
        print(
            f"{measure}: {last['sales']:,} sales cost {growth:.2f} x what {first['sales']:,} do; "
            f"the plain way {gain:.1f} x the ordinary delta"
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="bench.silver", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes",
        default="100000,300000,1000000,3000000,10000000",
        help="sales in silver; empty: none",
    )
    parser.add_argument("--deltas", type=int, default=3, help="measured ones per size")
    parser.add_argument("--runs", type=int, default=96, help="small runs of the day; 0: no day")
    parser.add_argument("--plots", type=Path, help="folder for the plots, as SVG")
    parser.add_argument("--day-sales", type=int, default=300_000, help="sales before the day")
    arguments = parser.parse_args()
    print(f"delta: {OPEN:,} open sales, first sale at {BASE}")
    with tempfile.TemporaryDirectory(dir=".local") as directory:
        spark = session(Path(directory).resolve())
        sizes = [int(size) for size in arguments.sizes.split(",") if size]
        rows = [of_size(spark, size, arguments.deltas) for size in sizes]
        after = day(spark, arguments.runs, arguments.day_sales) if arguments.runs else None
        spark.stop()
    if rows:
        report(rows)
        if arguments.plots:
            plots(rows, arguments.plots)
    if after:
        print(f"a day of {after['runs']} runs: before {after['before']}, after {after['after']}")
        print(f"files by run, silver and gold, at most {after['most']}: {after['files']}")
    print(json.dumps({"sizes": rows, "day": after}))


if __name__ == "__main__":
    main()
