"""The job's life."""

from collections.abc import Mapping

from awsglue.context import GlueContext


class Job:
    """Bookmarks are a service of Glue; a job that does not use them needs only these calls."""

    def __init__(self, glue_context: GlueContext) -> None:
        self.glue_context = glue_context

    def init(self, job_name: str, args: Mapping[str, str] | None = None) -> None:
        """Begins the run."""

    def commit(self) -> None:
        """Ends the run."""
