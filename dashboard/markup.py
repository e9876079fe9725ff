"""The page's own HTML and CSS: header, trust bar, tables, skeleton, notices.

Colours are mixed from the text's, so that one sheet serves light and dark. Every value is escaped.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final

from dashboard import definitions, figures
from dashboard.figures import Level, Trust

STYLE: Final = f"<style>{(Path(__file__).parent / 'style.css').read_text()}</style>"
_MARKS: Final = {Level.GOOD: "✓", Level.ATTENTION: "!", Level.STALE: "!"}


def header(title: str, stage: str, subtitle: str, remark: str) -> str:
    """The page's head: the project's name, its stage, what the page shows, how to read it."""
    return (
        f'<header class="lh-head"><div><h1>{escape(title)}'
        f'<span class="lh-stage">{escape(stage)}</span></h1>'
        f'<p>{escape(subtitle)}</p></div><p class="lh-remark">{escape(remark)}</p></header>'
    )


def trust_bar(trust: Trust, now: datetime) -> str:
    """One line: the verdict, then the facts it rests on."""
    facts = (
        (
            "Last change",
            figures.ago(trust.last_change_at, now),
            definitions.LAST_CHANGE,
            figures.instant(trust.last_change_at),
        ),
        (
            "Last ingest",
            figures.ago(trust.last_ingested_at, now),
            definitions.LAST_INGEST,
            figures.instant(trust.last_ingested_at),
        ),
        (
            "Reconciled",
            f"{trust.compared_tables - trust.differing_tables} of {trust.compared_tables}, "
            f"{figures.ago(trust.compared_at, now)}",
            definitions.RECONCILED,
            figures.instant(trust.compared_at),
        ),
        ("Rows held back", figures.count(trust.quarantined_keys), definitions.QUARANTINED, ""),
        (
            "Rules failing",
            f"{trust.failing_rules} of {trust.evaluated_rules}",
            definitions.FAILING_RULES,
            "",
        ),
    )
    cells = "".join(
        f'<div class="lh-fact" title="{escape(f"{meaning} {exact}".strip())}">'
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value, meaning, exact in facts
    )
    return (
        f'<section class="lh-trust lh-{trust.level.value}" aria-label="Trust in the figures">'
        f'<div class="lh-verdict"><span class="lh-mark" aria-hidden="true">'
        f"{_MARKS[trust.level]}</span><strong>{escape(trust.headline)}</strong></div>"
        f"<dl>{cells}</dl></section>"
    )


def notice(level: Level, title: str, text: str, remedies: Sequence[str] = ()) -> str:
    """A message with what to do: for a page without figures, or above them."""
    steps = "".join(f"<li>{escape(remedy)}</li>" for remedy in remedies)
    return (
        f'<section class="lh-notice lh-{level.value}" role="status">'
        f'<span class="lh-mark" aria-hidden="true">{_MARKS[level]}</span>'
        f"<div><h2>{escape(title)}</h2><p>{escape(text)}</p>"
        f"{f'<ul>{steps}</ul>' if steps else ''}</div></section>"
    )


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[int] = ()
) -> str:
    """A plain table; the columns at the positions `numeric` are aligned to the right."""
    side = ["lh-number" if place in numeric else "" for place in range(len(columns))]
    head = "".join(
        f'<th scope="col" class="{css}">{escape(name)}</th>'
        for name, css in zip(columns, side, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{css}">{escape(value)}</td>' for value, css in zip(row, side, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        # It may be wider than a phone: then it is scrolled, with the keyboard too.
        f'<div class="lh-scroll" tabindex="0" role="region" aria-label="Table: '
        f'{escape(", ".join(columns))}"><table class="lh-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def callout(name: str, value: str, meaning: str) -> str:
    """One figure in a line of its own, below a chart."""
    return (
        f'<p class="lh-callout" title="{escape(meaning)}"><span>{escape(name)}</span>'
        f"<strong>{escape(value)}</strong></p>"
    )


def heading(title: str, remark: str) -> str:
    """The head of a part of the page, between cards."""
    return f'<div class="lh-section"><h2>{escape(title)}</h2><p>{escape(remark)}</p></div>'


SKELETON: Final = (
    '<div class="lh-skeleton" role="status" aria-label="Loading the figures">'
    '<i class="lh-bar"></i><div>' + '<i class="lh-tile"></i>' * 5 + "</div>"
    '<div><i class="lh-wide"></i><i class="lh-narrow"></i></div>'
    '<div><i class="lh-half"></i><i class="lh-half"></i></div></div>'
)
"""Shapes of the page to come, drawn before its first query."""
