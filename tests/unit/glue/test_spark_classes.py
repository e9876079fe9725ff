from pathlib import Path

from local.engines.spark_classes import LONG, ClassArchive


def _archive(directory: Path, option: str = "-Xshare:auto") -> ClassArchive:
    return ClassArchive(directory, [], [option])


def _written(options: list[str]) -> Path:
    (found,) = (o for o in options if o.startswith("-XX:ArchiveClassesAtExit="))
    return Path(found.partition("=")[2])


def _used(options: list[str]) -> Path:
    (found,) = (o for o in options if o.startswith("-XX:SharedArchiveFile="))
    return Path(found.partition("=")[2])


def test_the_second_long_job_writes_it_and_the_third_uses_it(tmp_path: Path) -> None:
    first = _archive(tmp_path / "classes")
    assert first.options() == []
    first.ended(True, LONG)
    second = _archive(tmp_path / "classes")
    part = _written(second.options())
    assert _used(second.options()).is_file(), "Java's own classes are below those of the job"
    part.write_text("classes")
    second.ended(True, LONG)
    (used,) = _archive(tmp_path / "classes").options()
    assert _used([used]).read_text() == "classes"
    assert not part.exists()


def test_a_short_or_failed_job_neither_counts_nor_leaves_a_file(tmp_path: Path) -> None:
    for is_good, seconds in ((True, LONG / 2), (False, LONG)):
        _archive(tmp_path).ended(is_good, seconds)
        assert _archive(tmp_path).options() == []
    _archive(tmp_path).ended(True, LONG)
    for is_good, seconds in ((True, LONG / 2), (False, LONG)):
        archive = _archive(tmp_path)
        part = _written(archive.options())
        part.write_text("half of them")
        archive.ended(is_good, seconds)
        assert not part.exists()
        assert _written(_archive(tmp_path).options()) != part, "the next job writes it anew"


def test_other_options_or_jars_have_another_file(tmp_path: Path) -> None:
    _archive(tmp_path).ended(True, LONG)
    assert _archive(tmp_path, "-Xshare:off").options() == []
    jar = tmp_path / "a.jar"
    jar.write_text("jar")
    assert ClassArchive(tmp_path, [jar], ["-Xshare:auto"]).options() == []
