"""Arguments of a job run."""

from collections.abc import Sequence


class GlueArgumentError(Exception):
    """A required argument is missing."""


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:  # noqa: N802
    """Values of `--name value` and `--name=value` for each name in `options`, without the dashes.

    Arguments that are not asked for are passed over, as on Glue; a missing one raises
    GlueArgumentError with its name.
    """
    given: dict[str, str] = {}
    position = 1
    while position < len(args):
        word = args[position]
        position += 1
        if not word.startswith("--"):
            continue
        name, assigned, value = word[2:].partition("=")
        if not assigned and position < len(args):
            value = args[position]
            position += 1
        given[name] = value
    if missing := [name for name in options if name not in given]:
        names = ", ".join(f"--{name}" for name in missing)
        raise GlueArgumentError(f"the following arguments are required: {names}")
    return {name: given[name] for name in options}
