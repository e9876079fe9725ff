"""The dashboard's image, an asset that the CDK CLI builds and pushes when it deploys."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as assets
from constructs import Construct

ROOT = Path(__file__).parent.parent.parent
CONTEXT = ("lakehouse", "dashboard")
PORT = 8501
MEMORY_MIB = 1024
CPU_UNITS = 512
"""Half a processor: Streamlit draws a page in less than a second with it."""


def dashboard_image(scope: Construct, construct_id: str) -> assets.DockerImageAsset:
    """`dashboard/Dockerfile` over the folders that it copies; nothing else changes its digest."""
    return assets.DockerImageAsset(
        scope,
        construct_id,
        directory=str(ROOT),
        file="dashboard/Dockerfile",
        # App Runner knows no other; and one image is enough.
        platform=assets.Platform.LINUX_AMD64,
        ignore_mode=cdk.IgnoreMode.DOCKER,
        exclude=["*", *(f"!{folder}" for folder in CONTEXT), "**/__pycache__"],
    )
