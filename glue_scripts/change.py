"""A silver table between the snapshot that gold was computed from and the newest one."""

from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession

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
        """The rows that differ, with their weight; kept in memory, since each gold table asks."""
        found = snapshots.differences(self.spark, self.table, self.since, self.upto, self.columns)
        if self.since == self.upto:
            return found
        found = found.persist()
        found.count()
        return found

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing that gold reads has changed."""
        return self.since == self.upto or self.rows.isEmpty()

    def forget(self) -> None:
        """Frees the memory of `rows`."""
        self.rows.unpersist()

    def before(self) -> DataFrame:
        """All rows as of `since`."""
        return snapshots.read(self.spark, self.table, self.since).select(*self.columns)

    def after(self) -> DataFrame:
        """All rows as of `upto`."""
        return snapshots.read(self.spark, self.table, self.upto).select(*self.columns)

    def before_of(self, keys: DataFrame) -> DataFrame:
        """The rows as of `since` whose first column is in `keys`, a frame of that one column."""
        return near(self.before(), keys)

    def after_of(self, keys: DataFrame) -> DataFrame:
        """The rows as of `upto` whose first column is in `keys`."""
        return near(self.after(), keys)
