"""The context of a job."""

from pyspark import SparkContext
from pyspark.sql import SparkSession


class GlueContext:
    """Holds the session."""

    def __init__(self, sparkContext: SparkContext) -> None:  # noqa: N803
        self.spark_session: SparkSession = SparkSession.builder.getOrCreate()
        self.spark_context = sparkContext

    def get_logger(self) -> object:
        """Spark's own logger."""
        return self.spark_context._jvm.org.apache.log4j.LogManager.getLogger("glue")  # type: ignore
