"""`make bench-cdc`: writers that do their worst, an ingest that is killed, and what got lost.

Prints what was found for both cursors beside the control (`updated_at > last`); the last line is
one JSON object. The exit code is 1 if a row was lost, stale, a ghost, delivered twice or a delete
was missed, or if the control lost nothing.
"""

import argparse
import json
import secrets
import socket
import sys
import tempfile
from pathlib import Path

from bench.adversary import harness
from local.engines.postgres import PostgresEngine


def main(arguments: list[str] | None = None) -> int:
    """Runs the harness; 0 when the promise held."""
    parser = argparse.ArgumentParser(prog="python -m bench.cdc", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long the writers write")
    parser.add_argument("--seed", type=int, help="repeats the dice of a former run (default: new)")
    chosen = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) if chosen.seed is None else chosen.seed
    print(
        f"seed {seed}, {chosen.seconds:.0f} s, {harness.WRITERS} writers, both cursors", flush=True
    )
    with tempfile.TemporaryDirectory() as directory, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        engine = PostgresEngine(Path(directory) / "pg", port, "shop", "owner", "of-the-bench")
        engine.start()
        try:
            report = harness.run(engine, "shop", seed, chosen.seconds)
        finally:
            engine.destroy()
    show(report)
    return 1 if report.problems() else 0


def show(report: harness.Report) -> None:
    """The table, the faults by key, and the JSON line."""
    kinds = ("lost", "stale", "ghost", "missed_deletes", "twice", "stray")
    print(f"{'':14}" + "".join(f"{kind:>16}" for kind in kinds))
    for name, verdict in report.verdicts.items():
        faults = verdict.faults()
        print(f"{name:14}" + "".join(f"{faults[kind]:16}" for kind in kinds))
    print(f"{'control':14}" + "".join(f"{report.control.get(kind, '-'):>16}" for kind in kinds))
    for name, verdict in report.verdicts.items():
        print(
            f"{name}: {verdict.rows} rows at the end, {verdict.versions} versions delivered in "
            f"{verdict.batches} batches, {verdict.retried} of them by more than one attempt"
        )
    print("writes:   " + ", ".join(f"{n} {what}" for what, n in sorted(report.writes.items())))
    print("attempts: " + ", ".join(f"{n} {what}" for what, n in sorted(report.attempts.items())))
    problems = report.problems()
    for problem in problems:
        print(f"BROKEN (seed {report.seed}): {problem}")
    print(
        json.dumps(
            {
                "bench": "cdc",
                "seed": report.seed,
                "seconds": report.seconds,
                "is_exact": not problems,
                **{name: verdict.faults() for name, verdict in report.verdicts.items()},
                "control": report.control,
                "attempts": report.attempts,
                "writes": report.writes,
                "problems": problems,
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())
