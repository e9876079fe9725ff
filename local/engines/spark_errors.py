"""What to tell about a script that failed: the exception that ended it, in one line."""

import re
from typing import Final

_TRACEBACK: Final = "Traceback (most recent call last):"
_EXCEPTION: Final = re.compile(r"(?:[A-Za-z_]\w*\.)*(?P<name>[A-Za-z_]\w*)(?:: (?P<text>.*))?")
_FRAME: Final = re.compile(r'\s*File ".*", line \d+')
_LONGEST: Final = 2000


def error_message(log: str, exit_code: int) -> str:
    """`Type: text` of the last uncaught Python exception, as Glue shows it, or the exit code.

    A syntax error has no traceback header; it is found by its `File "...", line n`.
    """
    lines = log.splitlines()
    for start in range(len(lines) - 1, -1, -1):
        if lines[start].startswith(_TRACEBACK) or _FRAME.match(lines[start]):
            for line in lines[start + 1 :]:
                if line and not line[0].isspace():
                    found = _EXCEPTION.fullmatch(line.rstrip())
                    return _with_java_cause(_short(found) if found else line, lines[start:])
    fatal = [line for line in lines if line.startswith("Exception in thread")]
    if fatal:
        return fatal[-1][:_LONGEST]
    return f"Command failed with exit code {exit_code}"


def _with_java_cause(message: str, after: list[str]) -> str:
    """Py4J says only that Java failed; what failed is Java's last `Caused by`."""
    if message.startswith("Py4JJavaError"):
        causes = [
            line.partition(": ")[2] for line in after if line.startswith(("Caused by: ", ": "))
        ]
        if causes:
            message = f"{message} {causes[-1]}"
    return message[:_LONGEST]


def _short(found: re.Match[str]) -> str:
    return found["name"] if not found["text"] else f"{found['name']}: {found['text']}"
