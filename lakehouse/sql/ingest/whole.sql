-- The whole table on disk; rows that can't be carried have a state that no good row has.
COPY (
    SELECT captured.*, CASE WHEN _op = '!' THEN -1 - ${row_hash} ELSE ${row_hash} END AS _state
    FROM (${captured}) AS captured
) TO ${path} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ${encoding})
