"""The CDK app: reads one stage and composes its stacks in the order the data travels.

cdk synth  -c stage=dev
cdk deploy -c stage=dev --all
"""

import sys
from pathlib import Path

import aws_cdk as cdk

from lakehouse.cost.estimate import check_ceiling, estimate_stage, stated_volume
from lakehouse.cost.inventory import read_templates
from lakehouse.errors import ConfigurationError
from lakehouse.settings import load_stage, stage_names
from stacks.platform import compose


def main() -> None:
    """Synthesizes the stage named by `-c stage=`; one line and exit 1 when a setting is wrong.

    So it does when a month of the stage is estimated above its ceiling.
    """
    app = cdk.App()
    name = app.node.try_get_context("stage")
    try:
        if not name:
            raise ConfigurationError(f"say which stage: -c stage={'|'.join(stage_names())}")
        stage = load_stage(name)
        compose(app, stage)
        templates = read_templates(Path(app.synth().directory))
        if app.node.try_get_context("ceiling") != "unchecked":  # `make cost` has to show what it is
            check_ceiling(stage, estimate_stage(stage, templates, stated_volume(stage)))
    except ConfigurationError as wrong:
        sys.exit(f"error: {wrong}")


if __name__ == "__main__":
    main()
