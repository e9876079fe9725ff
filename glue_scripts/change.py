"""A silver table between the snapshot that gold was computed from and the newest one."""

from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from glue_scripts import snapshots
from glue_scripts.ranges import near


@dataclass(frozen=True)
class Change:
    """`since` and `upto` are snapshot ids of `table`; `columns` are those that gold reads of it."""

    spark: SparkSession
    table: str
    since: int
    upto: int
    columns: tuple[str, ...]

    @cached_property
    def rows(self) -> DataFrame:
        """The rows that differ, with their weight; held, since several gold tables ask."""
        found = snapshots.differences(self.spark, self.table, self.since, self.upto, self.columns)
        return found if self.is_same else found.localCheckpoint()

    @property
    def is_same(self) -> bool:
        """Whether the table has not been written since."""
        return self.since == self.upto

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing that gold reads has changed."""
        return self.is_same or self.rows.isEmpty()

    def before_of(self, keys: DataFrame) -> DataFrame:
        """The rows as of `since` whose first column is in `keys`, a frame of that one column."""
        return self._of(self.since, keys)

    def after(self) -> DataFrame:
        """All rows as of `upto`."""
        return snapshots.read(self.spark, self.table, self.upto).select(*self.columns)

    def after_of(self, keys: DataFrame) -> DataFrame:
        """The rows as of `upto` whose first column is in `keys`."""
        return self._of(self.upto, keys)

    def _of(self, snapshot: int, keys: DataFrame) -> DataFrame:
        rows = snapshots.read(self.spark, self.table, snapshot).select(*self.columns)
        if snapshots.files(self.spark, self.table) > 1:
            return near(rows, keys)
        return rows.join(fn.broadcast(keys), keys.columns, "left_semi")
