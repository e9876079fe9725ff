"""`cdk diff` as one comment on a pull request: written once, then kept up to date."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.errors import DeliveryError

MARKER = "<!-- lakehouse: cdk diff -->"
"""How the comment is found again; nobody sees it."""

_MOST = 60_000
"""Characters; GitHub takes 65,536."""
_PAGE = 100
_NOISE = re.compile(r"but are for the right account|Lookup role .* was not assumed")
"""The diff's role takes on no other role, and the CDK CLI says so for every stack."""

Send = Callable[[str, str, Mapping[str, str] | None], Any]
"""Method, path and JSON of a request to JSON."""


@dataclass(frozen=True)
class PullRequest:
    """Where the comment belongs."""

    repository: str
    number: int
    account: str
    """Twelve digits that are left out of the comment."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "PullRequest":
        """As the workflow says; raises DeliveryError naming the variable that is missing."""
        try:
            return cls(
                environment["GITHUB_REPOSITORY"],
                int(environment["PULL_REQUEST"]),
                environment["AWS_ACCOUNT_ID"],
            )
        except KeyError as missing:
            raise DeliveryError(f"{missing.args[0]} is not set; diff.yml sets it") from None


def publish(files: Sequence[Path], environment: Mapping[str, str]) -> None:
    """Writes the diffs `diff-STAGE.txt` into the pull request that the environment names."""
    place = PullRequest.of(environment)
    diffs = {path.stem.removeprefix("diff-"): path.read_text() for path in files}
    put(place, body(diffs, place.account), sender(environment))


def body(diffs: Mapping[str, str], account: str) -> str:
    """The comment's text."""
    room = _MOST // max(len(diffs), 1)
    parts = [MARKER, "### What a deployment would change"]
    parts += [_section(stage, diff, account, room) for stage, diff in diffs.items()]
    parts.append("By `cdk diff --method template`; a template does not tell what is replaced.")
    return "\n\n".join(parts)


def _section(stage: str, diff: str, account: str, room: int) -> str:
    lines = [line for line in diff.splitlines() if line.strip() and not _NOISE.search(line)]
    text = "\n".join(lines)
    if account:
        text = text.replace(account, "<account>")
    if len(text) > room:
        text = f"{text[:room]}\n... cut off; the whole diff is in the job's log"
    # Longer than any fence inside, so that no text of a template leaves its block.
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=2) + 1)
    fence = fence if len(fence) > 2 else "```"
    changed = sum("There were no differences" not in part for part in _stacks(lines))
    title = f"{stage}: {changed} of {len(_stacks(lines))} stacks change"
    return f"<details><summary>{title}</summary>\n\n{fence}diff\n{text}\n{fence}\n\n</details>"


def _stacks(lines: Sequence[str]) -> list[str]:
    """The diff of each stack: from its heading to the next."""
    parts: list[list[str]] = []
    for line in lines:
        if re.match(r"Stack \S+", line):
            parts.append([])
        if parts:
            parts[-1].append(line)
    return ["\n".join(part) for part in parts]


def put(place: PullRequest, text: str, send: Send) -> None:
    """Updates our comment, or writes the first one."""
    comments = f"/repos/{place.repository}/issues/{place.number}/comments"
    page = 1
    while found := send("GET", f"{comments}?per_page={_PAGE}&page={page}", None):
        for comment in found:
            if comment["user"]["type"] == "Bot" and comment["body"].startswith(MARKER):
                path = f"/repos/{place.repository}/issues/comments/{comment['id']}"
                send("PATCH", path, {"body": text})
                return
        if len(found) < _PAGE:
            break
        page += 1
    send("POST", comments, {"body": text})


def sender(environment: Mapping[str, str]) -> Send:
    """Requests to GitHub with the job's own token."""
    if not environment.get("GITHUB_TOKEN"):
        raise DeliveryError("GITHUB_TOKEN is not set; diff.yml sets it")
    root = environment.get("GITHUB_API_URL", "https://api.github.com")

    def send(method: str, path: str, content: Mapping[str, str] | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the root is GitHub's, from its own runner
            root + path,
            method=method,
            data=json.dumps(content).encode() if content else None,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {environment['GITHUB_TOKEN']}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise DeliveryError(
                f"GitHub: {method} {path}: {refused.code} {refused.reason}; "
                "the job needs `pull-requests: write`"
            ) from None
        except urllib.error.URLError as broken:
            raise DeliveryError(f"GitHub: {method} {path}: {broken.reason}; run it again") from None

    return send
