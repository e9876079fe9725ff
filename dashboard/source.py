"""The data of a page, cached for all sessions by the data's own version.

`v_freshness` is read once per refresh interval, however many people look; a view of the data only
when that has changed, once for each version. A quiet day therefore costs one small query per
interval, and the receipts' one while somebody looks at them.
"""

# ruff: noqa: ARG001  (an argument of a cached function may serve as its key alone)

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pandas
import streamlit

from dashboard import queries
from dashboard.failures import EmptyLakeError
from dashboard.queries import Reader
from dashboard.settings import DashboardEnvironment
from dashboard.view import View
from dashboard.views import ALL, FRESHNESS

_KEPT_VERSIONS: Final = 3
"""Sessions that look at an older version are a moment behind, not more."""
_OWN_VIEWS: Final = 50
"""So many of one's own are kept beside the product's."""


@dataclass(frozen=True)
class Source:
    """Where the views are, and who reads them."""

    reader: Reader
    database: str
    workgroup: str

    def read(self, view: View, version: str) -> pandas.DataFrame:
        """The rows of `view` in `version`, from the cache or Athena; raises ViewError."""
        return _rows(self.reader, self.database, self.workgroup, version, view.sql, view)


@dataclass(frozen=True)
class Snapshot:
    """Views of one data version. `read_at` is when that version was last confirmed, UTC."""

    source: Source
    version: str
    interval: int
    read_at: datetime
    frames: dict[str, pandas.DataFrame] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    """What `frames` were read by."""

    def __getitem__(self, view: View) -> pandas.DataFrame:
        """The view's rows; one that was not asked for yet is read now. Raises ViewError."""
        if view.name not in self.frames:
            self.frames[view.name] = self._read(view)
            self.views[view.name] = view
        return self.frames[view.name]

    def fetch(self, views: Iterable[View]) -> None:
        """Reads what is missing of `views`, in parallel; raises ViewError."""
        missing = [view for view in views if view.name not in self.frames]
        self.frames.update(queries.load(missing, self._read))
        self.views.update({view.name: view for view in missing})

    def _read(self, view: View) -> pandas.DataFrame:
        version = f"at {self.interval}" if view.is_timed else self.version
        return self.source.read(view, version)


def snapshot(
    settings: DashboardEnvironment,
    views: Iterable[View],
    old: Snapshot | None = None,
    reader: Reader | None = None,
) -> Snapshot:
    """The current content of `views`, and of whatever `old` had read; raises ViewError."""
    place = (settings.gold_database, settings.workgroup)
    source = Source(reader or queries.athena_reader(settings), *place)
    interval = int(time.time() // settings.refresh_seconds)
    freshness, read_at = _freshness(source.reader, *place, interval)
    if freshness.empty:
        raise EmptyLakeError(f"{FRESHNESS.name} in {settings.gold_database} has no rows")
    new = Snapshot(source, queries.version(freshness), interval, read_at)
    new.frames[FRESHNESS.name] = freshness
    new.views[FRESHNESS.name] = FRESHNESS
    wanted = {view.name: view for view in views}
    wanted |= old.views if old else {}
    new.fetch(wanted.values())
    return new


@streamlit.cache_data(max_entries=4, show_spinner=False)
def _freshness(
    _reader: Reader, database: str, workgroup: str, interval: int
) -> tuple[pandas.DataFrame, datetime]:
    return queries.read(_reader, FRESHNESS), datetime.now(UTC)


# As a resource: shared, not copied for each session. Nobody may change what it returns.
@streamlit.cache_resource(max_entries=_KEPT_VERSIONS * (len(ALL) + _OWN_VIEWS), show_spinner=False)
def _rows(
    _reader: Reader, database: str, workgroup: str, version: str, sql: str, _view: View
) -> pandas.DataFrame:
    return queries.read(_reader, _view)
