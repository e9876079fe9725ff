-- The same file without the rows that were set aside.
COPY (SELECT * FROM read_parquet(${path}) WHERE _op NOT IN ('!', '?'))
TO ${kept} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ${encoding}, KV_METADATA {attempt: ${owner}}, ROW_GROUP_SIZE 61440)
