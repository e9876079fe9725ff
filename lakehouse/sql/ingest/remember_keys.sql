-- The newest _op of each key in one object of bronze, kept for the sweep.
INSERT OR REPLACE INTO known BY NAME
SELECT ${keys}, arg_max(_op, _batch_id) AS _op FROM read_parquet(${path}) GROUP BY ${keys}
