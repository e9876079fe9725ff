"""What to type when a deployment turned out wrong, and what it leaves as it is."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from lakehouse.settings import Stage

ROOT = Path(__file__).parent.parent

_ADVICE = """\
{stage} was deployed, and its smoke run did not succeed. To go back to {name}:

  by the workflow   gh workflow run deploy.yml -f ref={ref}
  by hand           git checkout {ref}
                    make cdk ARGS="deploy -c stage={stage} --all"
                    make smoke STAGE={stage}
  for good          git revert {failed}, by a pull request

If {name} was not good either, take the commit of the last green run: gh run list -w deploy.yml

This replaces code, definitions and settings. It leaves alone: the source database, every object in
bronze, the rows of silver and gold, the quarantine, watermarks and batches. A run that failed has
lost nothing: the next one takes what has come since. Rows that the new code wrote stay; if these
are wrong, have silver and gold made again from bronze beside the live tables, and compared; with
"swap": true in the input they take their place:

  aws stepfunctions start-execution --input '{{"task": "rebuild"}}' \\
    --state-machine-arn arn:aws:states:REGION:ACCOUNT:stateMachine:{prefix}-upkeep
"""


@dataclass(frozen=True)
class Earlier:
    """Where to go back to."""

    failed: str
    """The commit that was deployed."""
    ref: str
    """The commit before it on the main line."""
    tag: str = ""
    """The tag of that commit, if it has one."""


def earlier(root: Path = ROOT) -> Earlier:
    """Asks git; where it can't tell (a shallow or first commit), names say what to put there."""
    failed = _git(root, "rev-parse", "HEAD") or "THE-DEPLOYED-COMMIT"
    ref = _git(root, "rev-parse", "HEAD^1") or "THE-COMMIT-BEFORE"
    tag = _git(root, "describe", "--tags", "--exact-match", ref)
    return Earlier(failed, ref, tag)


def advice(stage: Stage, back: Earlier) -> str:
    """The commands, exactly, and what stays untouched."""
    return _ADVICE.format(
        stage=stage.name,
        prefix=stage.prefix,
        ref=back.tag or back.ref,
        name=back.tag or back.ref[:12],
        failed=back.failed,
    )


def _git(root: Path, *arguments: str) -> str:
    asked = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""
