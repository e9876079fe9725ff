"""The CDK app: reads one stage and composes its stacks in the order the data travels.

cdk synth  -c stage=dev
cdk deploy -c stage=dev --all
cdk deploy -c delivery=true -c repository=OWNER/NAME   (once: who may deploy from GitHub)
"""

import sys

import aws_cdk as cdk

from lakehouse.errors import ConfigurationError
from lakehouse.settings import load_stage, stage_names
from stacks.delivery import compose_delivery
from stacks.platform import compose


def main() -> None:
    """Synthesizes what the context names; one line and exit 1 when a setting is wrong."""
    app = cdk.App()
    name = app.node.try_get_context("stage")
    try:
        if app.node.try_get_context("delivery"):
            compose_delivery(app)
        elif name:
            compose(app, load_stage(name))
        else:
            raise ConfigurationError(f"say which stage: -c stage={'|'.join(stage_names())}")
    except ConfigurationError as wrong:
        sys.exit(f"error: {wrong}")
    app.synth()


if __name__ == "__main__":
    main()
