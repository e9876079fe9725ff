"""The CDK app: reads one stage and composes its stacks in the order the data travels.

cdk synth  -c stage=dev
cdk deploy -c stage=dev --all
"""

import sys

import aws_cdk as cdk

from lakehouse.errors import ConfigurationError
from lakehouse.settings import load_stage, stage_names
from stacks.platform import compose


def main() -> None:
    """Synthesizes the stage named by `-c stage=`; one line and exit 1 when a setting is wrong."""
    app = cdk.App()
    name = app.node.try_get_context("stage")
    try:
        if not name:
            raise ConfigurationError(f"say which stage: -c stage={'|'.join(stage_names())}")
        compose(app, load_stage(name))
    except ConfigurationError as wrong:
        sys.exit(f"error: {wrong}")
    app.synth()


if __name__ == "__main__":
    main()
