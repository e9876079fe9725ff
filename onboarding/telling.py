"""What a person reads of the drafts: one line a table, then each refusal with its remedy."""

from collections.abc import Sequence
from pathlib import Path

from lakehouse.contract import Capture
from lakehouse.sqltext import identifier
from onboarding.drafting import Draft

_TITLES = ("table", "contract", "key", "follows", "history", "rows", "MiB", "missing")
_WIDEST = 36


def told(drafts: Sequence[Draft]) -> list[str]:
    """The table of tables, and a line for each refusal."""
    rows = [_TITLES, *(_row(draft) for draft in drafts)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_TITLES))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if place in (5, 6) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return [
        *lines,
        *(f"refused: {draft.choice.refusal}" for draft in drafts if draft.choice.refusal),
    ]


def ending(drafts: Sequence[Draft], directory: Path, kept: Sequence[Path]) -> list[str]:
    """What was written, what was left alone, what comes next."""
    written = [draft for draft in drafts if draft.toml]
    lines = [f"{len(written)} of {len(drafts)} tables have a contract in {directory}"]
    if kept:
        names = ", ".join(path.name for path in kept[:5]) + (", ..." if len(kept) > 5 else "")
        lines.append(f"left alone, as edited by hand: {names}; FORCE=1 writes them anew")
    if any(draft.choice.missing for draft in drafts):
        lines.append(
            "what is missing: make prepare-source DSN=... shows the SQL, APPLY=1 runs it; then "
            "make contracts again"
        )
    if written:
        lines.append(f"next: make doctor DSN=... CONTRACTS={directory}")
    return lines


def _row(draft: Draft) -> tuple[str, ...]:
    table, choice = draft.table, draft.choice
    rows = draft.sample.rows(table) if draft.sample else max(table.rows, 0)
    about = "" if draft.sample and draft.sample.counted is not None else "~"
    columns = choice.key.columns if choice.key else ()
    key = ", ".join(name if name.isidentifier() else identifier(name) for name in columns)
    if choice.refusal:
        follows = ""
    elif choice.capture is Capture.SNAPSHOT:
        follows = "snapshot"
    else:
        follows = choice.cursor.column if choice.cursor else ""
    missing = ", ".join(choice.missing) or ("refused, see below" if choice.refusal else "")
    return (
        _short(table.full_name), _short(draft.lake_name or "-"), _short(key or "-"), follows or "-",
        choice.history.value if draft.toml else "-", f"{about}{rows:,}",
        f"{table.bytes / 1024**2:,.1f}", missing,
    )  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."
