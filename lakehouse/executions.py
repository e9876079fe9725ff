"""An execution of a state machine as a person reads it: its states in order, causes unwrapped."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def visits(events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float, float | None]]:
    """Each state of the outer machine: name, and seconds of entry and exit after the start."""
    if not events:
        return
    origin: dt.datetime = events[0]["timestamp"]
    open_states: list[tuple[str, float]] = []
    depth = 0
    for event in events:
        kind = event["type"]
        if kind == "MapStateStarted":
            depth += 1
        elif kind in ("MapStateSucceeded", "MapStateFailed"):
            depth -= 1
        at = (event["timestamp"] - origin).total_seconds()
        if depth == 0 and kind.endswith("StateEntered"):
            open_states.append((event["stateEnteredEventDetails"]["name"], at))
        elif depth == 0 and kind.endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            entry = next((o for o in reversed(open_states) if o[0] == name), None)
            if entry:
                open_states.remove(entry)
                yield (name, entry[1], at)
    for name, at in open_states:
        yield (name, at, None)


def readable(cause: str) -> str:
    """A cause without the JSON that Lambda, Glue and Athena wrap theirs in."""
    decoder = json.JSONDecoder()
    told, position = [], 0
    while (start := cause.find("{", position)) >= 0:
        told.append(cause[position:start])
        try:
            wrapped, position = decoder.raw_decode(cause, start)
        except json.JSONDecodeError:
            position = start + 1
            told.append("{")
            continue
        match wrapped:
            case {"errorMessage": message} | {"ErrorMessage": message}:
                told.append(str(message))
            case {"Status": {"StateChangeReason": message}}:
                told.append(str(message))
            case _:
                told.append(json.dumps(wrapped))
    return "".join([*told, cause[position:]])
