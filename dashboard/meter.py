"""What this process has asked of Athena: queries, bytes and dollars by view. Nothing is queried."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from threading import Lock
from typing import Final

from lakehouse import prices

_TB: Final = Decimal(1024) ** 4


@dataclass(frozen=True)
class Usage:
    """The queries of one view so far."""

    queries: int = 0
    failures: int = 0
    bytes_scanned: int = 0
    bytes_billed: int = 0
    """At least 10 MB for each query, as Athena bills them."""

    @property
    def dollars(self) -> Decimal:
        """By the list price; an estimate, not a bill."""
        return prices.ATHENA_TB * self.bytes_billed / _TB


class Meter:
    """Counts by view; one for all sessions of a process."""

    def __init__(self) -> None:
        self.since = datetime.now(UTC)
        """When the process began to count, UTC."""
        self._used: dict[str, Usage] = {}
        self._lock = Lock()

    def count(self, view: str, bytes_scanned: int | None) -> None:
        """Adds a query of `view`; None for one that failed, which is not billed."""
        billed = max(bytes_scanned or 0, prices.ATHENA_MINIMUM_BYTES)
        with self._lock:
            before = self._used.get(view, Usage())
            self._used[view] = Usage(
                before.queries + 1,
                before.failures + (bytes_scanned is None),
                before.bytes_scanned + (bytes_scanned or 0),
                before.bytes_billed + (billed if bytes_scanned is not None else 0),
            )

    def by_view(self) -> dict[str, Usage]:
        """A copy of the counts, in the order of the views' names."""
        with self._lock:
            return dict(sorted(self._used.items()))

    @contextmanager
    def failing(self, view: str) -> Iterator[None]:
        """Counts a failure of `view` when the block raises."""
        try:
            yield
        except Exception:
            self.count(view, None)
            raise


METER: Final = Meter()
