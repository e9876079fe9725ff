COPY (
    SELECT
        ${table} AS source_table,
        json(row_key)::VARCHAR AS row_key,
        raw_row,
        failed_rules,
        ${batch} AS _batch_id,
        ${ingested_at}::TIMESTAMPTZ AS _ingested_at
    FROM (${captured}) AS captured
) TO ${path} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {attempt: ${owner}})
