"""The CDK app: reads one stage and composes its stacks in the order the data travels.

cdk synth  -c stage=dev
cdk deploy -c stage=dev --all
cdk deploy -c stage=mine -c stages=FOLDER --all        (stage files of one's own)
cdk deploy -c delivery=true -c repository=OWNER/NAME   (once: who may deploy from GitHub)
"""

import sys
from pathlib import Path

import aws_cdk as cdk

from lakehouse.cost.estimate import check_ceiling, estimate_stage, stated_volume
from lakehouse.cost.inventory import read_templates
from lakehouse.errors import ConfigurationError
from lakehouse.settings import DIRECTORY, Stage, load_stage, stage_names
from stacks.delivery import compose_delivery
from stacks.platform import compose


def main() -> None:
    """Synthesizes what the context names; one line and exit 1 when a setting is wrong.

    So it does when a month of the stage is estimated above its ceiling.
    """
    app = cdk.App()
    name = app.node.try_get_context("stage")
    try:
        if app.node.try_get_context("delivery"):
            compose_delivery(app)
            app.synth()
        elif name:
            folder = app.node.try_get_context("stages")
            _synthesize(app, load_stage(name, Path(folder) if folder else DIRECTORY))
        else:
            raise ConfigurationError(f"say which stage: -c stage={'|'.join(stage_names())}")
    except ConfigurationError as wrong:
        sys.exit(f"error: {wrong}")


def _synthesize(app: cdk.App, stage: Stage) -> None:
    compose(app, stage)
    templates = read_templates(Path(app.synth().directory))
    if app.node.try_get_context("ceiling") != "unchecked":  # `make cost` has to show what it is
        check_ceiling(stage, estimate_stage(stage, templates, stated_volume(stage)))


if __name__ == "__main__":
    main()
