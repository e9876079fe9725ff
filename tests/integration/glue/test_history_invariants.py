"""The queries that look for broken histories find each kind of break, and none in a sound one."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from lakehouse.gold import silver_columns
from tests.integration.glue.history_oracle import COMPOSITE

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
Life = tuple[int | None, int | None, bool, str | None]
"""valid_from and valid_to in hours after noon, is_current, the batch of a delete."""

SOUND: list[Life] = [(0, 2, False, None), (2, 3, False, "3"), (5, None, True, None)]


@pytest.mark.parametrize(
    ("lives", "fault"),
    [
        (SOUND, None),
        ([(0, 1, False, "2")], None),
        ([(None, 1, False, "2")], "valid_from is missing"),
        ([(1, 1, False, "2")], "valid_to is not after valid_from"),
        ([(1, 0, False, "2")], "valid_to is not after valid_from"),
        ([(0, None, False, None)], "is_current does not agree with valid_to"),
        ([(0, 1, True, "2")], "is_current does not agree with valid_to"),
        ([(0, None, True, "2")], "a current version was deleted"),
        ([(0, 1, False, "2"), (0, None, True, None)], "two versions begin at once"),
        ([(0, None, True, None), (1, None, True, None)], "an older version is current"),
        ([(0, 2, False, None), (1, None, True, None)], "two versions overlap"),
        ([(0, 1, False, None), (2, None, True, None)], "a gap inside a life"),
        ([(0, 1, False, None)], "it ended without a delete"),
    ],
    ids=str,
)
def test_a_break_is_named(spark: SparkSession, lives: list[Life], fault: str | None) -> None:
    from glue_scripts.invariants import broken_history

    def at(hours: int | None) -> datetime | None:
        return None if hours is None else NOON + timedelta(hours=hours)

    rows = [
        (region, 1, "A", None, NOON, "1", NOON, 0, at(since), at(upto), current, deleted)
        for region, chain in (("a", SOUND), ("b", lives))
        for since, upto, current, deleted in chain
    ]
    schema = ", ".join(f"{name} {kind}" for name, kind in silver_columns(COMPOSITE).items())
    found = broken_history(COMPOSITE, spark.createDataFrame(rows, schema)).collect()
    assert [(row["region"], row["fault"]) for row in found] == ([("b", fault)] if fault else [])
