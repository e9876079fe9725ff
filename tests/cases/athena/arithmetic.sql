-- whole division truncates toward zero, DuckDB's `/` would not
SELECT 1 / 2, -7 / 2, 7 / -2, 7 % -3, -7 % 3
--> integer, integer, integer, integer, integer
--> 0 | -3 | -3 | 1 | -1

-- whole division by zero fails, DuckDB gives NULL
SELECT x / 0 FROM (VALUES 1) AS t(x)
--! DIVISION_BY_ZERO: Division by zero

-- remainder by zero fails
SELECT 1 % 0
--! DIVISION_BY_ZERO: Division by zero

-- division of doubles by zero is IEEE's
SELECT 1e0 / 0, -1e0 / 0, 0e0 / 0
--> double, double, double
--> Infinity | -Infinity | NaN

-- a decimal divided keeps a scale of its own and rounds half up
SELECT DECIMAL '1.00' / 3, DECIMAL '2.00' / 3, DECIMAL '-2.00' / 3, DECIMAL '1.00' / DECIMAL '3.000'
--> decimal(3,2), decimal(3,2), decimal(3,2), decimal(7,3)
--> 0.33 | 0.67 | -0.67 | 0.333

-- integer by decimal
SELECT 7 / 2.0, 10 / 4.00
--> decimal(12,1), decimal(14,2)
--> 3.5 | 2.50

-- decimal division by zero fails
SELECT 1.5 / 0
--! DIVISION_BY_ZERO: Division by zero

-- money: a sum divided by a count
SELECT sum(x) / count(*), sum(x) / 3, sum(x) * 100 / 7 FROM (VALUES CAST(10.10 AS decimal(12,2)), CAST(0.01 AS decimal(12,2))) AS t(x)
--> decimal(38,2), decimal(38,2), decimal(38,2)
--> 5.06 | 3.37 | 144.43

-- decimal sums, differences and products widen
SELECT 1.5 + 2.25, 1.5 - 2.25, 1.5 * 2.25, 5.5 % 2
--> decimal(4,2), decimal(4,2), decimal(5,3), decimal(2,1)
--> 3.75 | -0.75 | 3.375 | 1.5

-- decimal with double is double
SELECT 1.5 + 1e0, CAST(1 AS bigint) * 2e0
--> double, double
--> 2.5 | 2.0

-- whole numbers overflow loudly
SELECT 2147483647 + 1
--! NUMERIC_VALUE_OUT_OF_RANGE

-- big literals are bigint
SELECT 2147483647, 2147483648, 0.5, 00.50, 1e3, -3
--> integer, bigint, decimal(1,1), decimal(2,2), double, integer
--> 2147483647 | 2147483648 | 0.5 | 0.50 | 1000.0 | -3

-- text is no number, in arithmetic or comparison
SELECT '1' + 1
--! TYPE_MISMATCH

-- text compared to a number
SELECT 1 WHERE '1' = 1
--! TYPE_MISMATCH

-- a date compared to text
SELECT 1 WHERE DATE '2026-01-01' < '2026-01-02'
--! TYPE_MISMATCH

-- NaN equals nothing and exceeds nothing
SELECT nan() = nan(), nan() <> nan(), nan() > 1, nan() < 1, nan() >= nan()
--> boolean, boolean, boolean, boolean, boolean
--> false | true | false | false | false

-- rounding
SELECT round(2.5), round(-2.5), round(2.567, 1), round(2.5e0), round(-0.5e0), round(1234, -2), floor(-2.5), ceil(2.1), truncate(2.9), abs(-1.5)
--> decimal(2,0), decimal(2,0), decimal(5,3), double, double, integer, decimal(2,0), decimal(2,0), decimal(1,0), decimal(2,1)
--> 3 | -3 | 2.600 | 3.0 | -1.0 | 1200 | -3 | 3 | 2 | 1.5

-- functions of doubles
SELECT sqrt(2), power(2, 3), sqrt(-1), sign(-2), sign(-2.5e0), mod(7, 4), exp(0)
--> double, double, double, integer, double, integer, double
--> 1.4142135623730951 | 8.0 | NaN | -1 | -1.0 | 3 | 1.0

-- width_bucket
SELECT width_bucket(5.3, 0.2, 10.6, 5), width_bucket(0, 1, 10, 3), width_bucket(10, 1, 10, 3), width_bucket(2, 10, 1, 3)
--> bigint, bigint, bigint, bigint
--> 3 | 0 | 4 | 3

-- greatest and least are NULL if anything is
SELECT greatest(1, 2), greatest(1, NULL), least('a', 'b'), least(1.5, 2)
--> integer, integer, varchar(1), decimal(11,1)
--> 2 | NULL | a | 1.5

-- width_bucket of what is no number
SELECT width_bucket(nan(), 2, 3, 1)
--! INVALID_FUNCTION_ARGUMENT: operand must not be NaN

-- width_bucket without a finite bound
SELECT width_bucket(1, 2, infinity(), 1)
--! INVALID_FUNCTION_ARGUMENT: second bound must be finite

-- whole division inside other arithmetic, from left to right
SELECT 10 / 4 * 2, 2 * 10 / 4, 7 / 2 / 2, 5 / 2.50, CAST(5 AS decimal(10,0)) / 3
--> integer, integer, integer, decimal(14,2), decimal(10,0)
--> 4 | 5 | 1 | 2.00 | 2
