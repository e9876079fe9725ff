"""The packages of the samples, pinned by version and digest, fetched once into `.local/samples`."""

import hashlib
import subprocess
import tarfile
import zipfile
from pathlib import Path

from lakehouse.errors import LocalError
from local import layout
from local.engines.ivy import Artifact, fetch
from local.toolchain import node_directory

PLACE = layout.ROOT / ".local" / "samples"


def jar(organisation: str, name: str, version: str, sha256: str) -> zipfile.ZipFile:
    """A jar of Maven Central, open for reading."""
    artifact = Artifact(organisation, name, version)
    fetch([artifact], PLACE / name, name)
    return zipfile.ZipFile(_checked(PLACE / name / artifact.file, sha256))


def npm(package: str, version: str, sha256: str) -> Path:
    """The folder of an npm package's files; nothing of it has run, nothing else is installed."""
    place = PLACE / f"{package.removeprefix('@').replace('/', '-')}-{version}"
    archive = place.with_name(f"{place.name}.tgz")
    if not archive.is_file():
        PLACE.mkdir(parents=True, exist_ok=True)
        npm_cli = node_directory().parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        result = subprocess.run(
            [node_directory() / "node", npm_cli, "pack", "--silent", f"{package}@{version}"],
            cwd=PLACE, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode:
            raise LocalError(f"{package}@{version} could not be fetched: {result.stderr[-300:]}")
    _checked(archive, sha256)
    if not place.is_dir():
        with tarfile.open(archive) as files:
            files.extractall(place, filter="data")
    return place / "package"


def _checked(path: Path, sha256: str) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise LocalError(f"{path.name} has the digest {found}, not {sha256}; remove it")
    return path
