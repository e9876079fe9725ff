"""The data of a page, cached for all sessions by the data's own version.

`v_freshness` is read once per refresh interval, however many people look; the other views only
when its content has changed. A quiet day therefore costs one small query per interval.
"""

# ruff: noqa: ARG001  (an argument of a cached function may serve as its key alone)

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas
import streamlit

from dashboard import queries
from dashboard.failures import EmptyLakeError
from dashboard.queries import Reader
from dashboard.settings import DashboardEnvironment
from dashboard.views import ALL, FRESHNESS, View

_VIEWS = {view.name: view for view in ALL}


@dataclass(frozen=True)
class Snapshot:
    """Views of one data version. `read_at` is when that version was last confirmed, UTC."""

    freshness: pandas.DataFrame
    frames: Mapping[str, pandas.DataFrame]
    read_at: datetime

    def __getitem__(self, view: View) -> pandas.DataFrame:
        return self.freshness if view == FRESHNESS else self.frames[view.name]


def snapshot(
    settings: DashboardEnvironment, *bundles: tuple[View, ...], reader: Reader | None = None
) -> Snapshot:
    """The current content of every view in `bundles`; raises ViewError."""
    reader = reader or queries.athena_reader(settings)
    place = (settings.gold_database, settings.workgroup)
    interval = int(time.time() // settings.refresh_seconds)
    freshness, read_at = _freshness(reader, *place, interval)
    if freshness.empty:
        raise EmptyLakeError(f"{FRESHNESS.name} in {settings.gold_database} has no rows")
    version = queries.version(freshness)
    frames: dict[str, pandas.DataFrame] = {}
    for bundle in bundles:
        frames |= _views(reader, *place, version, tuple(view.name for view in bundle))
    return Snapshot(freshness, frames, read_at)


@streamlit.cache_data(max_entries=4, show_spinner=False)
def _freshness(
    _reader: Reader, database: str, workgroup: str, interval: int
) -> tuple[pandas.DataFrame, datetime]:
    return queries.read(_reader, FRESHNESS), datetime.now(UTC)


@streamlit.cache_data(max_entries=8, show_spinner=False)
def _views(
    _reader: Reader, database: str, workgroup: str, version: str, names: tuple[str, ...]
) -> dict[str, pandas.DataFrame]:
    return queries.load(_reader, [_VIEWS[name] for name in names])
