r"""Regular expressions that Java and RE2 read alike: `matches` is Java's on Glue, RE2's in DuckDB.

The differences are written out: `.` is not any of Java's line terminators, `\s` includes `\v`. What
RE2 has not, or reads differently, is refused.
"""

import re

from lakehouse.errors import ConfigurationError

_ANY = r"[^\n\r\x{85}\x{2028}\x{2029}]"
_SPACES = r" \t\n\x0B\f\r"
_PART = re.compile(
    r"""(?P<shorthand>\\[dwDW]) | (?P<space>\\s) | (?P<control>\\[tnrf])
      | (?P<escaped>\\[^A-Za-z0-9\s]) | (?P<any>\.)
      | (?P<class>\[\^?(?:\\[dwstnrf]|\\[^A-Za-z0-9\s]|[^\\\[\]&])+\])
      | (?P<repeat>(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??(?![*+?{]))
      | (?P<group>\((?!\?)|\(\?:|\)|\|)
      | (?P<plain>[^\\\[\](){}*+?.|^$&])""",
    re.VERBOSE | re.DOTALL,
)


def portable(pattern: str) -> str:
    """The pattern for RE2's full match; raises ConfigurationError for what RE2 can't hold."""
    body = pattern
    if "|" not in pattern:  # the whole text is matched anyhow
        body = body.removeprefix("^")
        if body.endswith("$") and not body.endswith("\\$"):
            body = body[:-1]
    parts, position = [], 0
    while position < len(body):
        match = _PART.match(body, position)
        if match is None:
            raise ConfigurationError(
                f"pattern {pattern!r}: {body[position : position + 6]!r} is not read alike by Glue "
                "and by the ingest; write it without look-around, back references, \\b, possessive "
                "repeats, nested classes, and ^ or $ inside"
            )
        text = match.group()
        if match.lastgroup == "any":
            text = _ANY
        elif match.lastgroup == "space":
            text = f"[{_SPACES}]"
        elif match.lastgroup == "class":
            text = text.replace("\\s", _SPACES)
        parts.append(text)
        position = match.end()
    return "".join(parts)
