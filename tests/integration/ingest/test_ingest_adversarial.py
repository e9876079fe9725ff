"""Writers that do their worst for a minute, an ingest that is killed: nothing is lost.

The harness is `bench/adversary`; `make bench-cdc` runs it for longer. A failure names the seed.
"""

import secrets

from bench.adversary import harness
from local.engines.postgres import PostgresEngine

SECONDS = 60.0


def test_nothing_is_lost_stale_left_over_or_delivered_twice(engine: PostgresEngine) -> None:
    engine.query(f"CREATE DATABASE storm OWNER {engine.master_user}")
    report = harness.run(engine, "storm", secrets.randbelow(10**6), SECONDS)
    assert not report.problems(), f"seed {report.seed}: {report.problems()}"
    for event in (
        "prepared",
        "long",
        "bursts",
        "reinserts",
        "unstamped updates",
        "truncated in the storm",
    ):
        assert report.writes[event], f"seed {report.seed}: no {event} in {report.writes}"
