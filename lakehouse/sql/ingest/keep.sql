-- The same file again, with the chosen rows alone or in another encoding.
COPY (SELECT * FROM read_parquet(${path}) ${chosen})
TO ${kept} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ${encoding}, KV_METADATA {attempt: ${owner}})
