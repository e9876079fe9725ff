-- Rows of the landed file that break a rule.
SELECT ${row_key} AS row_key, ${raw_row} AS raw_row, ${reasons} AS failed_rules
FROM read_parquet(${path})
WHERE _op = '?'
