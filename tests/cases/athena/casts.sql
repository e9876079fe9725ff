-- double to whole number rounds half away from zero
SELECT CAST(2.5e0 AS integer), CAST(-2.5e0 AS bigint), CAST(2.5 AS integer), CAST(1.4e0 AS smallint)
--> integer, bigint, integer, smallint
--> 3 | -3 | 3 | 1

-- double to decimal goes by the printed digits
SELECT CAST(1.115e0 AS decimal(10,2)), CAST(0.1e0 AS decimal(20,18)), CAST(1e0 / 3 AS decimal(5,4))
--> decimal(10,2), decimal(20,18), decimal(5,4)
--> 1.12 | 0.100000000000000000 | 0.3333

-- decimal to a smaller scale rounds half up
SELECT CAST(1.125 AS decimal(5,2)), CAST(-1.125 AS decimal(5,2)), CAST(1 AS decimal(12,2))
--> decimal(5,2), decimal(5,2), decimal(12,2)
--> 1.13 | -1.13 | 1.00

-- a decimal that does not fit fails
SELECT CAST(12345 AS decimal(4,0))
--! INVALID_CAST_ARGUMENT

-- text to numbers: no fraction in a whole number
SELECT CAST('12' AS integer), CAST('-1' AS bigint), CAST('1.235' AS decimal(5,2)), CAST('1e3' AS double), CAST('true' AS boolean)
--> integer, bigint, decimal(5,2), double, boolean
--> 12 | -1 | 1.24 | 1000.0 | true

-- text with a fraction is no integer, DuckDB would round it
SELECT CAST('1.5' AS integer)
--! INVALID_CAST_ARGUMENT: Cannot cast '1.5' to INT

-- TRY_CAST
SELECT TRY_CAST('1.5' AS integer), TRY_CAST('x' AS date), TRY_CAST('2026-01-02' AS date), TRY_CAST('7' AS bigint)
--> integer, date, date, bigint
--> NULL | NULL | 2026-01-02 | 7

-- numbers to text: floating point always with an exponent
SELECT CAST(1e10 AS varchar), CAST(1e-5 AS varchar), CAST(0.1e0 AS varchar), CAST(100e0 AS varchar), CAST(12.30 AS varchar), CAST(7 AS varchar), CAST(true AS varchar)
--> varchar, varchar, varchar, varchar, varchar, varchar, varchar
--> 1.0E10 | 1.0E-5 | 1.0E-1 | 1.0E2 | 12.30 | 7 | true

-- doubles in results
SELECT 1e7, 12345.678e0, 1e-3, 123456789e0, -0e0, CAST(0.1 AS real)
--> double, double, double, double, double, real
--> 1.0E7 | 12345.678 | 0.001 | 1.23456789E8 | -0.0 | 0.1

-- text is cut to a bounded varchar
SELECT CAST('abcdef' AS varchar(3)), CAST('ab' AS varchar(3))
--> varchar(3), varchar(3)
--> abc | ab

-- a type that Trino does not know
SELECT CAST(1 AS string)
--! TYPE_MISMATCH

-- a cast that Trino does not have
SELECT CAST(DATE '2026-01-01' AS integer)
--! TYPE_MISMATCH

-- branches meet in one type
SELECT CASE WHEN true THEN 1 ELSE 2.5 END, coalesce(NULL, 1, 2e0), nullif(1, 1), if(false, 'a'), if(true, 1, 2.5)
--> decimal(11,1), double, integer, varchar(1), decimal(11,1)
--> 1.0 | 1.0 | NULL | NULL | 1.0

-- branches that can't meet
SELECT CASE WHEN true THEN 1 ELSE 'a' END
--! TYPE_MISMATCH

-- a condition must be boolean
SELECT 1 WHERE 1
--! TYPE_MISMATCH: line 1:16: WHERE clause must evaluate to a boolean: actual type integer
