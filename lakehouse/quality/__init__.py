"""Quality rules in DQDL, the language of AWS Glue Data Quality: one file per table contract."""
