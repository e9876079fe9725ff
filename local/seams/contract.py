"""What a seam expects of the emulator's private parts, and a clear word when they have moved."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType

from lakehouse.errors import LocalError


@dataclass(frozen=True)
class Seam:
    """A private function that is replaced or called: where it is and what it takes."""

    module: ModuleType
    name: str
    parameters: tuple[str, ...]

    def fault(self) -> str | None:
        """What has moved, or None."""
        where = f"{self.module.__name__}.{self.name}"
        function = getattr(self.module, self.name, None)
        if not callable(function):
            return f"{where} is gone"
        found = tuple(inspect.signature(function).parameters)
        if found != self.parameters:
            return f"{where} takes {found}, expected {self.parameters}"
        return None


def check(seams: Iterable[Seam]) -> None:
    """Raises LocalError naming every seam that has moved."""
    if faults := [fault for seam in seams if (fault := seam.fault())]:
        raise LocalError(
            f"ministack {version('ministack')} has moved under the local AWS: {'; '.join(faults)}. "
            "Install the pinned version (requirements-dev.txt)"
        )
