"""The commands of delivery; `make smoke` and the workflows call them."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from delivery import comment, rollback, smoke
from lakehouse.errors import DeliveryError, LakehouseError
from lakehouse.settings import load_stage


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 1 with one line that says what to do when it did not work."""
    chosen = _parser().parse_args(arguments)
    try:
        match chosen.command:
            case "smoke":
                smoke.run(load_stage(chosen.stage), minutes=chosen.minutes)
            case "rollback-advice":
                print(rollback.advice(load_stage(chosen.stage), rollback.earlier()))
            case "comment":
                comment.publish(chosen.diffs, os.environ)
        return 0
    except LakehouseError as wrong:
        print(f"error: {wrong}", file=sys.stderr)
    except (BotoCoreError, ClientError) as refused:
        print(f"error: {_told(refused)}", file=sys.stderr)
    return 1


def _told(refused: Exception) -> DeliveryError:
    words = " ".join(str(refused).split())
    return DeliveryError(f"AWS: {words}; check the credentials: aws sts get-caller-identity")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("smoke", help="one run of a stage, followed and checked")
    command.add_argument("stage")
    command.add_argument(
        "--minutes",
        type=float,
        help="wait so long for a run that tells; default: as a run may take",
    )
    command = commands.add_parser("rollback-advice", help="how to go back to the former commit")
    command.add_argument("stage")
    command = commands.add_parser("comment", help="puts diffs into one comment of a pull request")
    command.add_argument("diffs", nargs="+", type=Path, help="files named diff-STAGE.txt")
    return parser


if __name__ == "__main__":
    sys.exit(main())
