"""Container images without containers: a Dockerfile's steps done with folders and a real `pip`.

An image is a folder with what `COPY` brings, beside a folder with the packages that its `RUN pip
install` names, by their digests and from nowhere else. It runs on this machine's Python 3.11, which
has to be the one of `FROM`, and sees no other package. What needs a container is not shown:
accounts, file systems, networks of its own.
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lakehouse.errors import LocalError
from local import layout

PACKAGES = layout.LOCAL / "build" / "images"
_PIP_INSTALL = re.compile(r"pip install .*-r (\S+)")
_IGNORED = ("USER", "EXPOSE", "HEALTHCHECK")


@dataclass
class Image:
    """What an image runs: its folder, its packages, its command and its environment."""

    folder: str
    packages: str = ""
    directory: str = "/"
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """As text, in a stable order."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Image":
        """What `to_json` wrote."""
        return cls(**json.loads(text))

    def process(self, variables: Mapping[str, str]) -> tuple[list[str], dict[str, str], Path]:
        """Command, environment and directory of a process of this image."""
        place = Path(self.folder) / self.directory.lstrip("/")
        program, *arguments = self.command
        if program != "python":
            raise LocalError(f"CMD runs {program}; the local AWS runs images of python only")
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        paths = os.pathsep.join([self.packages, str(place)])
        # Not the Python that the local AWS lives in: a package that the image lacks is missing.
        python = Path(sys.base_prefix) / "bin" / "python3.11"
        environment = {**keep, **self.environment, **variables, "PYTHONPATH": paths}
        return [str(python), "-s", *arguments], environment, place


def build(context: Path, dockerfile: Path, target: Path) -> Image:
    """The image of a Dockerfile, in the folder `target`; raises LocalError naming the step."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    image = Image(str(target))
    for step, rest in _steps(dockerfile.read_text()):
        here = target / image.directory.lstrip("/")
        if step == "FROM":
            _require_python(rest)
        elif step == "ENV":
            image.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif step == "WORKDIR":
            image.directory = rest
            (target / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif step == "COPY":
            _copy(context, here, *shlex.split(rest))
        elif step == "CMD":
            image.command = json.loads(rest)
        elif step == "RUN" and (install := _PIP_INSTALL.search(rest)):
            image.packages = str(_packages(here / install[1]))
        elif not (step in _IGNORED or (step == "RUN" and rest.startswith("useradd "))):
            raise LocalError(f"{dockerfile.name}: the local AWS does not know '{step} {rest}'")
    return image


def _steps(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            step, _, rest = line.strip().partition(" ")
            yield step.upper(), " ".join(rest.split())


def _require_python(base: str) -> None:
    wanted = re.match(r"python:(\d+\.\d+)\.", base)
    found = ".".join(platform.python_version_tuple()[:2])
    if wanted is None or wanted[1] != found:
        raise LocalError(f"FROM {base}: the local AWS has Python {found} and nothing else")


def _copy(context: Path, here: Path, source: str, target: str) -> None:
    found, place = context / source, here / target
    if not found.exists():
        raise LocalError(f"COPY {source}: it is not in the image's context")
    if found.is_dir():
        shutil.copytree(found, place, dirs_exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, place)


def _packages(lock: Path) -> Path:
    """A folder with exactly what a lock names, made once for each lock."""
    if not lock.is_file():
        raise LocalError(f"pip install -r {lock.name}: nothing has copied it into the image")
    place = PACKAGES / hashlib.sha256(lock.read_bytes()).hexdigest()[:16] / "site-packages"
    if place.is_dir():
        return place
    unfinished = place.with_suffix(f".{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
    command += ["--only-binary", ":all:", "--target", str(unfinished), "-r", str(lock)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise LocalError(f"pip install -r {lock.name}: {ended.stderr.strip()[-600:]}")
    try:
        unfinished.rename(place)
    except OSError:  # another build was faster, with the same
        shutil.rmtree(unfinished)
    return place
