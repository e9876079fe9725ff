"""Reads the gold views: one query per view, in parallel, typed exactly."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

import awswrangler
import boto3
import pandas
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from dashboard.failures import OutdatedViewError, classify
from dashboard.figures import optional
from dashboard.meter import METER
from dashboard.settings import DashboardEnvironment
from dashboard.view import Kind, View

T = TypeVar("T")
Reader = Callable[[str], pandas.DataFrame]
"""Runs one SQL text and returns its rows; raises whatever its client raises."""
Frames = Mapping[str, pandas.DataFrame]
"""View name to typed rows."""

PARALLEL_QUERIES: Final = 8
POLL_SECONDS: Final = 0.2

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AthenaReader:
    """A `Reader` over one database and workgroup."""

    database: str
    workgroup: str

    def __call__(self, sql: str) -> pandas.DataFrame:
        """Runs `sql` and fetches its result from the workgroup's location."""
        frame: pandas.DataFrame = awswrangler.athena.read_sql_query(
            sql,
            database=self.database,
            workgroup=self.workgroup,
            ctas_approach=False,
            athena_query_wait_polling_delay=POLL_SECONDS,
            boto3_session=session(),
        )
        return frame


def athena_reader(settings: DashboardEnvironment) -> AthenaReader:
    """The reader that `settings` describe; a service that does not answer fails within seconds."""
    awswrangler.config.botocore_config = Config(
        connect_timeout=3, read_timeout=20, retries={"mode": "standard", "max_attempts": 2}
    )
    return AthenaReader(settings.gold_database, settings.workgroup)


def session() -> boto3.Session:
    """The session of all queries.

    Without one the client makes a session for each query, which reads the descriptions of all
    services again: with eight at once the first page took ten seconds.
    """
    return _session(tuple(sorted(i for i in os.environ.items() if i[0].startswith("AWS_"))))


@lru_cache(maxsize=2)
def _session(_environment: tuple[tuple[str, str], ...]) -> boto3.Session:
    made = boto3.Session()
    with suppress(BotoCoreError):  # of a region that is missing each query tells by itself
        for service in ("athena", "s3", "sts", "glue"):
            # What a session reads with its first client, threads must not read side by side.
            made.client(service)
    return made


def load(views: Iterable[View], one: Callable[[View], T]) -> dict[str, T]:
    """Reads `views` by `one`, in parallel; raises the first ViewError in the order given."""
    session()
    with ThreadPoolExecutor(PARALLEL_QUERIES, thread_name_prefix="athena") as pool:
        futures = {view.name: pool.submit(one, view) for view in views}
    return {name: future.result() for name, future in futures.items()}


def read(reader: Reader, view: View) -> pandas.DataFrame:
    """The view's rows with exactly its declared columns and kinds; raises ViewError."""
    try:
        with METER.failing(view.name):
            frame = reader(view.sql)
    except Exception as cause:
        failure = classify(view.name, cause)
        _logger.warning("reading %s failed (%s)", failure, type(failure).__name__)
        raise failure from cause
    METER.count(view.name, _scanned(frame))
    return typed(frame, view)


def _scanned(frame: pandas.DataFrame) -> int:
    """Bytes as Athena counted them; awswrangler keeps its answer beside the rows."""
    metadata = getattr(frame, "query_metadata", None) or {}
    return int(metadata.get("Statistics", {}).get("DataScannedInBytes") or 0)


def typed(frame: pandas.DataFrame, view: View) -> pandas.DataFrame:
    """`frame` with the kinds that `view` declares; raises OutdatedViewError naming the column."""
    wanted = view.columns or {str(name): kind_of(frame[name]) for name in frame.columns}
    if missing := [name for name in wanted if name not in frame.columns]:
        raise OutdatedViewError(f"{view.name}: column {missing[0]!r} is missing")
    columns = {}
    for name, kind in wanted.items():
        try:
            columns[name] = _CASTS[kind](frame[name])
        except (ArithmeticError, TypeError, ValueError) as unfit:
            raise OutdatedViewError(
                f"{view.name}: column {name!r} does not hold a {kind.value}: {unfit}"
            ) from unfit
    return pandas.DataFrame(columns, index=pandas.RangeIndex(len(frame)))


def kind_of(column: "pandas.Series[Any]") -> Kind:
    """What the values of a column are, as Athena's client gives them."""
    if pandas.api.types.is_bool_dtype(column.dtype):
        return Kind.FLAG
    if pandas.api.types.is_integer_dtype(column.dtype):
        return Kind.COUNT
    if pandas.api.types.is_numeric_dtype(column.dtype):
        return Kind.NUMBER
    if pandas.api.types.is_datetime64_any_dtype(column.dtype):
        return Kind.TIMESTAMP
    kinds = {type(value) for value in column if optional(value) is not None}
    known = ((Decimal, Kind.DECIMAL), (date, Kind.DATE), (bool, Kind.FLAG))
    return next((kind for type_, kind in known if kinds == {type_}), Kind.TEXT)


def version(freshness: pandas.DataFrame) -> str:
    """A text that changes whenever a table of the lake does; the key of everything cached."""
    return hashlib.sha256(freshness.to_csv(index=False).encode()).hexdigest()[:16]


def _each(cast: Callable[[Any], Any]) -> Callable[["pandas.Series[Any]"], "pandas.Series[Any]"]:
    def convert(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
        values = [None if optional(value) is None else cast(value) for value in column]
        return pandas.Series(values, dtype=object)

    return convert


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _date(value: Any) -> date:
    return value if type(value) is date else pandas.Timestamp(value).date()


def _timestamps(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
    # Athena prints a timestamp with its zone's name, which pandas reads only value by value.
    moments = pandas.to_datetime(column.reset_index(drop=True), utc=True, format="mixed")
    return moments.dt.as_unit("us")


def _counts(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
    return pandas.to_numeric(column.reset_index(drop=True)).astype("Int64")


def _cents(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
    cents = [0 if pandas.isna(value) else int(_decimal(value).scaleb(2)) for value in column]
    return pandas.Series(cents, dtype="int64")


def _labels(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
    return _each(str)(column).astype("category")


def _flags(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
    return pandas.Series([not pandas.isna(value) and bool(value) for value in column], dtype=bool)


def _numbers(column: "pandas.Series[Any]") -> "pandas.Series[Any]":
    return pandas.to_numeric(column.reset_index(drop=True)).astype("float64")


_CASTS: Final[Mapping[Kind, Callable[["pandas.Series[Any]"], "pandas.Series[Any]"]]] = {
    Kind.TEXT: _each(str),
    Kind.COUNT: _counts,
    Kind.DECIMAL: _each(_decimal),
    Kind.TIMESTAMP: _timestamps,
    Kind.DATE: _each(_date),
    Kind.FLAG: _flags,
    Kind.NUMBER: _numbers,
    Kind.LABEL: _labels,
    Kind.CENTS: _cents,
}
