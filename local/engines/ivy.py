"""Fetches pinned artifacts from Maven Central by Apache Ivy, which pyspark brings."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from lakehouse.errors import LocalError
from local.engines.spark_jars import JAVA_HOME, SPARK_HOME, base_environment, trust_options

# Without a host: Ivy knows Maven Central by itself.
_SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <caches defaultCacheDir="{cache}"/>
  <resolvers><ibiblio name="central" m2compatible="true" usepoms="false"/></resolvers>
</ivysettings>"""


@dataclass(frozen=True)
class Artifact:
    """One file: `org:name:version`, or `org:name:version@tar.gz` where it is no jar."""

    organisation: str
    name: str
    version: str
    extension: str = "jar"

    @classmethod
    def parse(cls, text: str) -> "Artifact":
        """Reads a line of a list of artifacts."""
        coordinates, _, extension = text.strip().partition("@")
        return cls(*coordinates.split(":"), extension or "jar")

    @property
    def file(self) -> str:
        """Its file name in the folder that it is fetched to."""
        return f"{self.organisation}_{self.name}-{self.version}.{self.extension}"


def read_list(path: Path) -> list[Artifact]:
    """The artifacts that a file lists, one a line; `#` begins a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Artifact.parse(line) for line in lines if line and not line.startswith("#")]


def fetch(artifacts: Iterable[Artifact], directory: Path, title: str) -> None:
    """Fills `directory` with exactly these artifacts, or does nothing when they are all there.

    Nothing is resolved: the lists name everything. Raises LocalError with Ivy's own words when
    Maven Central can't be reached.
    """
    wanted = list(artifacts)
    digest = hashlib.sha256("\n".join(a.file for a in wanted).encode()).hexdigest()[:16]
    stamp = directory / f"fetched-{digest}"
    if stamp.is_file() and all((directory / artifact.file).is_file() for artifact in wanted):
        return
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix="ivy-") as scratch:
        _retrieve(wanted, Path(scratch), title)
        for artifact in wanted:
            shutil.move(Path(scratch) / "found" / artifact.file, directory / artifact.file)
    stamp.touch()


def _retrieve(wanted: list[Artifact], scratch: Path, title: str) -> None:
    (scratch / "settings.xml").write_text(_SETTINGS.format(cache=scratch / "cache"))
    (scratch / "ivy.xml").write_bytes(_module(wanted))
    (ivy,) = (SPARK_HOME / "jars").glob("ivy-*.jar")
    pattern = "[organisation]_[artifact]-[revision].[ext]"
    command = [
        str(JAVA_HOME / "bin" / "java"), *trust_options(scratch), "-cp", str(ivy),
        "org.apache.ivy.Main", "-settings", str(scratch / "settings.xml"),
        "-ivy", str(scratch / "ivy.xml"), "-retrieve", str(scratch / "found" / pattern),
    ]  # fmt: skip
    result = subprocess.run(
        command, env=base_environment(), capture_output=True, text=True, check=False
    )
    missing = [a.file for a in wanted if not (scratch / "found" / a.file).is_file()]
    if result.returncode or missing:
        told = [
            line.strip() for line in result.stdout.splitlines() if "[FAILED" in line or "::" in line
        ]
        cause = told[-1] if told else result.stderr.strip()[-300:] or "no answer"
        raise LocalError(
            f"{title} could not be fetched from Maven Central: {len(missing)} of {len(wanted)} "
            f"files are missing, {', '.join(missing[:3])} among them ({cause}); check the network "
            "and run the same command again"
        )


def _module(wanted: list[Artifact]) -> bytes:
    module = ElementTree.Element("ivy-module", version="2.0")
    ElementTree.SubElement(module, "info", organisation="lakehouse", module="fetched")
    dependencies = ElementTree.SubElement(module, "dependencies")
    for one in wanted:
        dependency = ElementTree.SubElement(
            dependencies, "dependency", org=one.organisation, name=one.name, rev=one.version,
            transitive="false",
        )  # fmt: skip
        ElementTree.SubElement(
            dependency, "artifact", name=one.name, type=one.extension, ext=one.extension
        )
    return ElementTree.tostring(module)
