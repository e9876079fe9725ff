-- aggregates of whole numbers
SELECT count(*), count(x), sum(x), avg(x), min(x), max(x), count(DISTINCT x) FROM (VALUES 1, 2, 2, NULL) AS t(x)
--> bigint, bigint, bigint, double, integer, integer, bigint
--> 4 | 3 | 5 | 1.6666666666666667 | 1 | 2 | 2

-- aggregates of decimals: a sum is decimal(38,s), an average keeps the type and rounds half up
SELECT sum(x), avg(x), max(x) FROM (VALUES CAST(1.10 AS decimal(12,2)), 2.25, 0.00) AS t(x)
--> decimal(38,2), decimal(12,2), decimal(12,2)
--> 3.35 | 1.12 | 2.25

-- nothing to aggregate
SELECT count(*), sum(x), avg(x), max(x) FROM (VALUES 1) AS t(x) WHERE x > 1
--> bigint, bigint, double, integer
--> 0 | NULL | NULL | NULL

-- an average of no decimals
SELECT avg(x), sum(x) FROM (VALUES 1.5) AS t(x) WHERE x > 2
--> decimal(2,1), decimal(38,1)
--> NULL | NULL

-- FILTER, count_if, bool_or, max_by with NULLs
SELECT count(*) FILTER (WHERE a > 1), count_if(a > 1), bool_or(a = 1), max_by(a, b), min_by(a, b), sum(a) FILTER (WHERE b = 9) FROM (VALUES (1, 1), (NULL, 2), (3, NULL)) AS t(a, b)
--> bigint, bigint, boolean, integer, integer, bigint
--> 1 | 1 | true | NULL | 1 | NULL

-- approx_percentile gives a value of the column, as bigint, double or real
SELECT approx_percentile(x, 0.5), approx_percentile(CAST(x AS double), 0.9), approx_percentile(x, 0.0) FROM (VALUES 40, 10, 30, 20) AS t(x)
--> bigint, double, bigint
--> 30 | 40.0 | 10

-- array_agg keeps NULLs, listagg orders
SELECT array_agg(x ORDER BY x DESC), listagg(y, ',') WITHIN GROUP (ORDER BY x) FROM (VALUES (1, 'b'), (2, 'a')) AS t(x, y)
--> array(integer), varchar
--> [2, 1] | b,a

-- GROUP BY a position, an expression; HAVING; NULL is a group
SELECT x % 2, count(*) FROM (VALUES 1, 2, 3, NULL) AS t(x) GROUP BY 1 HAVING count(*) > 0 ORDER BY 1
--> integer, bigint
--> 0 | 1
--> 1 | 2
--> NULL | 1

-- a column that is not grouped
SELECT x, y FROM (VALUES (1, 2)) AS t(x, y) GROUP BY x
--! EXPRESSION_NOT_AGGREGATE

-- an alias can't be grouped by
SELECT x + 1 AS z FROM (VALUES 1) AS t(x) GROUP BY z
--! COLUMN_NOT_FOUND: line 1:52: Column 'z' cannot be resolved

-- ROLLUP and grouping()
SELECT a, sum(b), grouping(a) FROM (VALUES ('x', 1), ('y', 2)) AS t(a, b) GROUP BY ROLLUP (a) ORDER BY 2
--> varchar(1), bigint, integer
--> x | 1 | 0
--> y | 2 | 0
--> NULL | 3 | 1

-- windows
SELECT x, row_number() OVER (ORDER BY x DESC), rank() OVER (ORDER BY x), sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), lag(x) OVER (ORDER BY x), avg(d) OVER () FROM (VALUES (1, 1.0), (2, 2.5)) AS t(x, d) ORDER BY x
--> integer, bigint, bigint, bigint, integer, decimal(2,1)
--> 1 | 2 | 1 | 1 | NULL | 1.8
--> 2 | 1 | 2 | 3 | 1 | 1.8

-- a named window, and NULLs left out
SELECT x, last_value(y) IGNORE NULLS OVER w FROM (VALUES (1, 'a'), (2, NULL)) AS t(x, y) WINDOW w AS (ORDER BY x) ORDER BY x
--> integer, varchar(1)
--> 1 | a
--> 2 | a

-- NULLs sort last in both directions
SELECT x FROM (VALUES 1, NULL, 2) AS t(x) ORDER BY x DESC
--> integer
--> 2
--> 1
--> NULL
