"""Stand-in for the package that exists only on AWS Glue: what the job uses, on plain Spark."""
