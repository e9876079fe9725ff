"""What a person sees while something long runs: one line per step, with elapsed seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress goes to standard error; results go to standard output."""


class Step:
    """One step under way."""

    def __init__(self, name: str, status: Status) -> None:
        self._name = name
        self._status = status
        self.started = time.monotonic()

    def note(self, text: str) -> None:
        """Replaces the line of what is being done now."""
        self._status.update(f"{self._name}: {text} [dim]({self.seconds:.0f} s)[/dim]")

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        console.print(f"  {text}")

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.started


@contextmanager
def step(name: str, seconds: dict[str, float] | None = None) -> Iterator[Step]:
    """Shows a step while its block runs and, once it is done, its seconds (kept in `seconds`)."""
    if not console.is_terminal:
        console.print(f"{name} ...")
    with console.status(name) as status:
        running = Step(name, status)
        yield running
    console.print(f"[green]✓[/green] {name} [dim]{running.seconds:.1f} s[/dim]")
    if seconds is not None:
        seconds[name] = round(running.seconds, 1)


def fail(stage: str, cause: str, remedy: str) -> None:
    """Prints the three things that a failure must say: where, why, and what to type next."""
    console.print(f"[red]✗ {stage}[/red]: {cause}", markup=True)
    console.print(f"  next: [bold]{remedy}[/bold]")
