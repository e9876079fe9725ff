"""Stand-in for the package that exists only on AWS Glue: EvaluateDataQuality on plain Spark."""
