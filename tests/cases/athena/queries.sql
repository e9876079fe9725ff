-- columns without a name, and the case of those with one
SELECT 1, 2 AS Two, x, count(*) AS "n" FROM (VALUES 1) AS t(X) GROUP BY x
--= _col0, Two, x, n
--> integer, integer, integer, bigint
--> 1 | 2 | 1 | 1

-- names are found whatever their case
SELECT "A", a, T.A FROM (SELECT 1 AS "A") AS t WHERE A = 1
--> integer, integer, integer
--> 1 | 1 | 1

-- outer joins and USING
WITH a AS (SELECT 1 AS id, 'x' AS n), b(id, v) AS (VALUES (2, 2.5)) SELECT * FROM a FULL JOIN b USING (id) ORDER BY id
--= id, n, v
--> integer, varchar(1), decimal(2,1)
--> 1 | x | NULL
--> 2 | NULL | 2.5

-- a join on a condition, a cross join, a comma
SELECT a.x, b.x, c.x FROM (VALUES 1, 2) AS a(x) JOIN (VALUES 2) AS b(x) ON a.x = b.x CROSS JOIN (VALUES 3) AS c(x), (VALUES 4) AS d(x)
--> integer, integer, integer
--> 2 | 2 | 3

-- set operations meet in a common type
SELECT 1 UNION ALL SELECT 2.5 ORDER BY 1 DESC
--> decimal(11,1)
--> 2.5
--> 1.0

-- set operations that can't
SELECT 1 UNION SELECT 'a'
--! TYPE_MISMATCH: line 1:8: column 1 in UNION query has incompatible types: integer, varchar(1)

-- EXCEPT, INTERSECT, DISTINCT, LIMIT, OFFSET
SELECT * FROM (SELECT DISTINCT x FROM (VALUES 1, 1, 2, 3) AS t(x) EXCEPT SELECT 2 INTERSECT SELECT 2) AS u ORDER BY x OFFSET 1 LIMIT 1
--> integer
--> 3

-- subqueries: scalar, correlated, IN, EXISTS
SELECT x, (SELECT max(y) FROM (VALUES 5, 7) AS u(y)), x IN (SELECT 1), EXISTS (SELECT 1 FROM (VALUES 2) AS v(z) WHERE z = t.x) FROM (VALUES 1, 2) AS t(x) ORDER BY x
--> integer, integer, boolean, boolean
--> 1 | 7 | true | false
--> 2 | 7 | false | true

-- NOT IN with a NULL is not true
SELECT 1 NOT IN (2, NULL), 1 IN (1, NULL), NULL IN (1), 1 BETWEEN NULL AND 0, 1 IS DISTINCT FROM NULL
--> boolean, boolean, boolean, boolean, boolean
--> NULL | true | NULL | false | true

-- UNNEST
SELECT e, n FROM (VALUES 1) AS t(x) CROSS JOIN UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS u(e, n)
--> varchar(1), bigint
--> a | 1
--> b | 2

-- a spine of days
SELECT d FROM UNNEST(sequence(DATE '2026-01-30', DATE '2026-02-01', INTERVAL '1' DAY)) AS t(d) ORDER BY d
--> date
--> 2026-01-30
--> 2026-01-31
--> 2026-02-01

-- the output's name comes before the table's in ORDER BY
SELECT -x AS x FROM (VALUES 1, 2) AS t(x) ORDER BY x
--> integer
--> -2
--> -1

-- a name that is not there, with its place
SELECT x,
  y FROM (VALUES 1) AS t(x)
--! COLUMN_NOT_FOUND: line 2:3: Column 'y' cannot be resolved

-- a name that is there twice
SELECT a FROM (SELECT 1 AS a, 2 AS a) AS t
--! AMBIGUOUS_NAME: line 1:8: Column 'a' is ambiguous

-- a function nobody knows
SELECT frobnicate(1)
--! FUNCTION_NOT_FOUND: line 1:8: Function 'frobnicate' not registered

-- other dialects' spellings are errors, as on Athena
SELECT x::integer FROM (VALUES 1) AS t(x)
--! SYNTAX_ERROR: line 1:9: mismatched input '::'

-- QUALIFY
SELECT x FROM (VALUES 1) AS t(x) QUALIFY row_number() OVER (ORDER BY x) = 1
--! SYNTAX_ERROR: line 1:34: mismatched input 'QUALIFY'

-- LIMIT with a comma
SELECT 1 LIMIT 1, 2
--! SYNTAX_ERROR

-- a table that is not there
SELECT * FROM lake.t
--! SCHEMA_NOT_FOUND: line 1:15: Schema 'lake' does not exist

-- VALUES alone
VALUES (1, 'a'), (2, NULL)
--= _col0, _col1
--> integer, varchar(1)
--> 1 | a
--> 2 | NULL
