-- Rows of the landed file, and the content of those whose values can be carried.
SELECT count(*), coalesce(sum(_row_hash) FILTER (WHERE _op <> '!'), 0)
FROM read_parquet(${path})
