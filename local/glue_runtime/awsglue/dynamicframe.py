"""Glue's frames as thin wrappers of a Spark DataFrame."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import DataFrame


class DynamicFrame:
    """A DataFrame with a name."""

    def __init__(self, frame: DataFrame, glue_ctx: Any, name: str = "") -> None:
        self._frame, self.glue_ctx, self.name = frame, glue_ctx, name

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: Any, name: str) -> "DynamicFrame":  # noqa: N802
        """Wraps a DataFrame."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self) -> DataFrame:  # noqa: N802
        """The wrapped DataFrame."""
        return self._frame


class DynamicFrameCollection:
    """Frames by key."""

    def __init__(self, frames: Mapping[str, DynamicFrame], glue_ctx: Any) -> None:
        self._frames, self.glue_ctx = dict(frames), glue_ctx

    def keys(self) -> Iterable[str]:
        """The frames' keys."""
        return self._frames.keys()

    def select(self, key: str) -> DynamicFrame:
        """The frame under `key`; raises KeyError naming the keys that exist."""
        if key not in self._frames:
            raise KeyError(f"no frame {key!r}; there are {', '.join(self._frames)}")
        return self._frames[key]
