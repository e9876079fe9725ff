"""What a synthesis builds, beside another one that builds the same."""

from pathlib import Path

import pytest

from stacks.blocks.bundle import finish, unfinished_of


def _built(target: Path) -> Path:
    place = unfinished_of(target)
    place.mkdir()
    (place / "code.py").write_text("ours")
    return place


def test_what_was_built_takes_its_name(tmp_path: Path) -> None:
    target = tmp_path / "ingest-1"
    finish(_built(target), target)
    assert [path.name for path in tmp_path.iterdir()] == ["ingest-1"]


def test_the_faster_of_two_syntheses_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "ingest-1"
    ours = _built(target)
    target.mkdir()
    (target / "code.py").write_text("theirs")
    finish(ours, target)
    assert (target / "code.py").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["ingest-1"]


def test_another_failure_is_not_taken_for_that(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        finish(tmp_path / "nothing", tmp_path / "ingest-1")
