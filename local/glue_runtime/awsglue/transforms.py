"""Transforms of frames."""

from typing import Any

from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection


class SelectFromCollection:
    """Takes one frame out of a collection."""

    @classmethod
    def apply(cls, dfc: DynamicFrameCollection, key: str, **_: Any) -> DynamicFrame:
        """The frame under `key`."""
        return dfc.select(key)
