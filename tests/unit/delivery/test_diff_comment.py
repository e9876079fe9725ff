"""The comment with the diff: one, kept up to date, and nothing in it leaves its block."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from delivery import comment
from delivery.comment import MARKER, PullRequest, body, put
from lakehouse.errors import DeliveryError

PLACE = PullRequest("some-owner/some-lake", 7, "123456789012")
DIFF = """\
credentials could not be used to assume 'cdk-x', but are for the right account. Proceeding anyway.
Stack Source (lakehouse-dev-source) (aws://123456789012/eu-west-1)
There were no differences
Stack Ingest (lakehouse-dev-ingest)
Resources
[~] AWS::Lambda::Function Ingest for 123456789012
"""


class Comments:
    """GitHub's answers, and what was sent to it."""

    def __init__(self, *found: dict[str, Any]) -> None:
        self.found = list(found)
        self.written: list[tuple[str, str, str]] = []

    def send(self, method: str, path: str, content: Mapping[str, str] | None) -> Any:
        if method == "GET":
            page = int(path.rsplit("=", 1)[1])
            return self.found[(page - 1) * 100 : page * 100]
        assert content is not None
        self.written.append((method, path, content["body"]))
        return {}


def said(number: int, text: str, kind: str = "Bot") -> dict[str, Any]:
    return {"id": number, "body": text, "user": {"type": kind}}


def test_the_first_time_it_is_written() -> None:
    comments = Comments(said(1, "Nice!", "User"))
    put(PLACE, "text", comments.send)
    assert comments.written == [("POST", "/repos/some-owner/some-lake/issues/7/comments", "text")]


def test_then_it_is_kept_up_to_date_however_long_the_discussion() -> None:
    talk = [said(number, "talk", "User") for number in range(150)]
    # A person who quotes the comment keeps theirs.
    comments = Comments(said(998, MARKER, "User"), *talk, said(999, f"{MARKER} older"))
    put(PLACE, "text", comments.send)
    assert comments.written == [
        ("PATCH", "/repos/some-owner/some-lake/issues/comments/999", "text")
    ]


def test_it_begins_with_its_mark_and_counts_stacks() -> None:
    text = body({"dev": DIFF, "prod": "Stack A\nThere were no differences"}, PLACE.account)
    assert text.startswith(MARKER)
    assert "dev: 1 of 2 stacks change" in text
    assert "prod: 0 of 1 stacks change" in text


def test_neither_the_account_nor_the_cli_s_own_words_are_in_it() -> None:
    text = body({"dev": DIFF}, PLACE.account)
    assert PLACE.account not in text
    assert "for <account>" in text
    assert "right account" not in text


def test_a_fence_inside_ends_nothing() -> None:
    text = body({"dev": "Stack A\n````\n@everyone"}, PLACE.account)
    assert text.count("`````") == 2


def test_a_long_diff_is_cut_off() -> None:
    text = body({"dev": "x" * 90_000, "prod": "y" * 90_000}, PLACE.account)
    assert len(text) < 65_536
    assert text.count("cut off; the whole diff is in the job's log") == 2


@pytest.mark.parametrize(
    "missing", ["GITHUB_REPOSITORY", "PULL_REQUEST", "AWS_ACCOUNT_ID", "GITHUB_TOKEN"]
)
def test_what_is_not_set_is_named(missing: str, tmp_path: Path) -> None:
    environment = {
        "GITHUB_REPOSITORY": "a/b",
        "PULL_REQUEST": "7",
        "AWS_ACCOUNT_ID": PLACE.account,
        "GITHUB_TOKEN": "token",
    }
    del environment[missing]
    diff = tmp_path / "diff-dev.txt"
    diff.write_text(DIFF)
    with pytest.raises(DeliveryError, match=f"{missing} is not set"):
        comment.publish([diff], environment)
