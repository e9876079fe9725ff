COPY (
    SELECT
        ${columns},
        ${op} AS _op,
        ${batch} AS _batch_id,
        ${ingested_at}::TIMESTAMPTZ AS _ingested_at,
        ${row_hash} AS _row_hash
    FROM (${captured}) AS captured
) TO ${path} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ${encoding}, KV_METADATA {attempt: ${owner}})
