"""What a command is typed in, whoever runs the tests."""

import os

_STRANGE = ("AWS_", "MAKE", "MFLAGS")


def environment(**more: str) -> dict[str, str]:
    """The caller's environment without their AWS settings, and `more`.

    Without make's own variables too: under `make test` an inner make would take itself for a part
    of the outer one, and print the directories that it enters and leaves.
    """
    return {k: v for k, v in os.environ.items() if not k.startswith(_STRANGE)} | more
