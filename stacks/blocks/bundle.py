"""Builds the code directory of a Lambda without Docker: wheels for its platform plus our packages.

The directory's name is the digest of all that goes in, so an unchanged function is neither rebuilt
nor uploaded again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lakehouse.errors import ConfigurationError
from lakehouse.settings import LambdaSettings

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / ".local" / "build"
LOCK = ROOT / "requirements.lock"
SHOP = ROOT / "lakehouse" / "contracts"
PLACED = (".toml", ".dqdl", ".sql")
"""Files of a folder of contracts: tables, their rules, gold of one's own."""

_IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer")
"""The Lambda runtime brings these; where a dependency draws them in, they are left out."""

_PLATFORM = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}


def source_files(*packages: Path) -> Iterator[Path]:
    """The files of our packages that go into an artefact, in a stable order."""
    for package in packages:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def placed(files: Iterable[Path], contracts: Path) -> dict[str, Path]:
    """The place of each of our files in an artefact; `contracts` take the place of the shop's."""
    own = {str(path.relative_to(ROOT)): path for path in files if path.parent != SHOP}
    taken = (path for path in sorted(contracts.iterdir()) if path.suffix in PLACED)
    return own | {str(SHOP.relative_to(ROOT) / path.name): path for path in taken}


def digest(files: Mapping[str, Path], *texts: str) -> str:
    """Content digest of files (places and bytes) and texts, 16 hex digits."""
    state = hashlib.sha256("\0".join(texts).encode())
    for place, path in files.items():
        state.update(place.encode() + b"\0" + path.read_bytes())
    return state.hexdigest()[:16]


def copy_sources(files: Mapping[str, Path], target: Path) -> None:
    """Copies files to their places below `target`."""
    for place, path in files.items():
        copy = target / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def unfinished_of(target: Path) -> Path:
    """An empty place of this process's own to build `target` in, before `finish`."""
    place = target.with_suffix(f".{os.getpid()}")
    shutil.rmtree(place, ignore_errors=True)
    return place


def finish(unfinished: Path, target: Path) -> None:
    """Names it `target`, unless another synthesis was faster: that one has built the same."""
    try:
        unfinished.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(unfinished)


def bundle_function(name: str, settings: LambdaSettings, contracts: Path) -> Path:
    """Directory with all code of `lambdas/<name>`; ConfigurationError if a wheel is missing."""
    package = ROOT / "lambdas" / name
    requirements = package / "requirements.txt"
    files = placed(
        [*source_files(ROOT / "lakehouse", package), *sorted((ROOT / "lambdas").glob("*.py"))],
        contracts,
    )
    runtime = settings.model_dump_json(include={"python", "architecture"})
    runtime += settings.python_version + settings.machine
    target = BUILD / f"{name}-{digest(files | {LOCK.name: LOCK}, runtime)}"
    if target.is_dir():
        return target
    unfinished = unfinished_of(target)
    _install(requirements, unfinished, settings)
    for supplied in _IN_THE_RUNTIME:
        for path in unfinished.glob(f"{supplied}*"):
            shutil.rmtree(path)
    copy_sources(files, unfinished)
    finish(unfinished, target)
    return target


def _install(requirements: Path, target: Path, settings: LambdaSettings) -> None:
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--only-binary", ":all:"]
    command += ["--target", str(target), "-r", str(requirements), "-c", str(LOCK)]
    command += ["--python-version", settings.python_version]
    if settings.architecture != "host":
        command += ["--python-platform", _PLATFORM[settings.machine]]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ConfigurationError(
            f"{requirements.relative_to(ROOT)}: no wheels for Python {settings.python_version} "
            f"on {settings.machine}: {result.stderr.strip()}"
        )
