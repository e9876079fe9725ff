"""Stands where the CDK CLI calls `docker` (CDK_DOCKER): builds, tags and pushes without it.

python -m local.container build --tag TAG [--file FILE] .
python -m local.container inspect TAG | tag TAG NAME | push NAME | login

Images lie in the account's folder; what is pushed is known to the local ECR by a manifest that
names the folder.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

import boto3

from lakehouse.errors import LakehouseError, LocalError
from local import layout
from local.engines.images import Image, build

IMAGES = layout.STATE / "images"
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def main() -> int:
    """Runs one command as docker does: 1 and a line when it can't."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments))
    except LakehouseError as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1


def _build(arguments: argparse.Namespace) -> int:
    context = Path(arguments.context)
    target = IMAGES / arguments.tag.rpartition(":")[2]
    image = build(context, context / (arguments.file or "Dockerfile"), target)
    _keep(arguments.tag, image)
    print(f"built {arguments.tag} in {target}")
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    return 0 if _place(arguments.tag).is_file() else 1


def _tag(arguments: argparse.Namespace) -> int:
    _keep(arguments.name, _kept(arguments.tag))
    return 0


def _push(arguments: argparse.Namespace) -> int:
    repository, _, tag = arguments.name.partition("/")[2].rpartition(":")
    text = _kept(arguments.name).to_json()
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    config = {"mediaType": "application/json", "digest": digest, "size": len(text)}
    manifest = {"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": config, "layers": []}
    manifest["annotations"] = {"local.image": text}
    boto3.client("ecr").put_image(
        repositoryName=repository,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=MEDIA_TYPE,
        imageTag=tag,
    )
    print(f"pushed {arguments.name}")
    return 0


def _login(_arguments: argparse.Namespace) -> int:
    sys.stdin.read()
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise LocalError("this stands for docker in the local AWS only; install docker")
    return 0


def _place(tag: str) -> Path:
    return IMAGES / f"{hashlib.sha256(tag.encode()).hexdigest()[:16]}.json"


def _keep(tag: str, image: Image) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    _place(tag).write_text(image.to_json())


def _kept(tag: str) -> Image:
    if not _place(tag).is_file():
        raise LocalError(f"no image {tag}; build it first")
    return Image.from_json(_place(tag).read_text())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="docker", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("build")
    command.set_defaults(run=_build)
    command.add_argument("--tag", required=True)
    command.add_argument("--file")
    command.add_argument("--platform", help="the machine's own, whatever is asked for")
    command.add_argument("context")
    command = commands.add_parser("inspect")
    command.set_defaults(run=_inspect)
    command.add_argument("tag")
    command = commands.add_parser("tag")
    command.set_defaults(run=_tag)
    command.add_argument("tag")
    command.add_argument("name")
    command = commands.add_parser("push")
    command.set_defaults(run=_push)
    command.add_argument("name")
    command = commands.add_parser("login")
    command.set_defaults(run=_login)
    command.add_argument("--username")
    command.add_argument("--password-stdin", action="store_true")
    command.add_argument("host")
    return parser


if __name__ == "__main__":
    sys.exit(main())
