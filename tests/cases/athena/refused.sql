-- JSON path functions
SELECT json_query('{"a": 1}', 'lax $.a')
--! FUNCTION_NOT_FOUND: line 1:8: Function 'json_query' not registered, or not known to the local Athena

-- recursion
WITH RECURSIVE r(n) AS (SELECT 1) SELECT * FROM r
--! NOT_SUPPORTED: line 1:16: the local Athena does not run WITH RECURSIVE

-- samples
SELECT * FROM t TABLESAMPLE BERNOULLI (10)
--! NOT_SUPPORTED: line 1:15: the local Athena does not run TABLESAMPLE in FROM

-- TRY
SELECT TRY(1 / 0)
--! NOT_SUPPORTED: line 1:8: the local Athena does not run TRY()

-- quantified comparisons
SELECT 1 = ALL (SELECT 1)
--! NOT_SUPPORTED

-- lambdas
SELECT transform(ARRAY[1], x -> x + 1)
--! FUNCTION_NOT_FOUND: line 1:8: Function 'transform' not registered, or not known to the local Athena

-- natural joins
SELECT 1 FROM (VALUES 1) AS t(x) NATURAL JOIN (VALUES 1) AS u(x)
--! NOT_SUPPORTED

-- a format letter without equal
SELECT date_format(TIMESTAMP '2026-03-04 05:06:07', '%k')
--! NOT_SUPPORTED: line 1:8: the local Athena does not run the date format '%k'

-- a zone that is not a literal
SELECT TIMESTAMP '2026-01-01 00:00:00 UTC' AT TIME ZONE z FROM (VALUES 'UTC') AS t(z)
--! NOT_SUPPORTED

-- values of different zones in one column
SELECT TIMESTAMP '2026-01-01 00:00:00 UTC' UNION ALL SELECT TIMESTAMP '2026-01-01 00:00:00 Asia/Tokyo'
--! NOT_SUPPORTED: the local Athena does not run values of different time zones in one column

-- other dialects' operators
SELECT 1 ^ 2
--! NOT_SUPPORTED

-- DIV
SELECT 7 DIV 2
--! NOT_SUPPORTED

-- ILIKE
SELECT 'a' ILIKE 'A'
--! SYNTAX_ERROR: line 1:12: mismatched input 'ILIKE'

-- intervals of other dialects
SELECT INTERVAL 1 DAY
--! SYNTAX_ERROR

-- arrays of other dialects
SELECT x FROM (VALUES 1) AS t(x) WHERE x IN ([1, 2])
--! SYNTAX_ERROR

-- a format letter without equal in Joda
SELECT format_datetime(TIMESTAMP '2026-03-04 05:06:07', 'ZZZ')
--! NOT_SUPPORTED: line 1:8: the local Athena does not run the date format 'ZZZ'

-- other JSON functions
SELECT json_value('{"a": 1}', 'lax $.a')
--! FUNCTION_NOT_FOUND: line 1:8: Function 'json_value' not registered, or not known to the local Athena

-- several percentiles at once
SELECT approx_percentile(x, ARRAY[0.5, 0.9]) FROM (VALUES 1, 2) AS t(x)
--! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters

-- weighted percentiles
SELECT approx_percentile(x, 2, 0.5) FROM (VALUES 1, 2) AS t(x)
--! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters

-- buckets of uneven width
SELECT width_bucket(3, ARRAY[1.0, 2.0])
--! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters

-- Joda's weeks
SELECT format_datetime(TIMESTAMP '2026-03-04 05:06:07', 'xxxx-ww e')
--! NOT_SUPPORTED: line 1:8: the local Athena does not run the date format

-- maintenance of Iceberg tables
OPTIMIZE t REWRITE DATA USING BIN_PACK
--! NOT_SUPPORTED: the local Athena does not run OPTIMIZE

-- expiry of snapshots
VACUUM t
--! NOT_SUPPORTED: the local Athena does not run VACUUM

-- partitions by folder
MSCK REPAIR TABLE t
--! NOT_SUPPORTED: the local Athena does not run MSCK

-- MERGE
MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE
--! NOT_SUPPORTED: the local Athena does not run MERGE

-- a statement that the parser knows only as an opaque command
CALL system.flush()
--! SYNTAX_ERROR: line 1:1: mismatched input 'CALL'

-- another opaque command
GRANT SELECT ON t TO ROLE r
--! SYNTAX_ERROR: line 1:1: mismatched input 'GRANT'

-- DuckDB's own statements
COPY t TO 'file'
--! SYNTAX_ERROR: line 1:1: mismatched input 'COPY'

-- DuckDB's short form of SELECT
FROM t
--! SYNTAX_ERROR: line 1:1: mismatched input 'FROM'
