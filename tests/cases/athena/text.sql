-- concatenation with NULL is NULL
SELECT 'a' || CAST(NULL AS varchar), concat('a', CAST(NULL AS varchar)), concat('a', 'b', 'c'), concat_ws(',', 'a', NULL, 'b')
--> varchar, varchar, varchar, varchar
--> NULL | NULL | abc | a,b

-- only text can be concatenated
SELECT 'a' || 1
--! FUNCTION_NOT_FOUND

-- substr counts from one, from the end when negative, and is empty outside
SELECT substr('abcde', 2), substr('abcde', 2, 2), substr('abcde', -2), substr('abcde', 0), substr('abcde', -9), substr('abcde', 2, -1), substring('abcde' FROM 2 FOR 3)
--> varchar(5), varchar(5), varchar(5), varchar(5), varchar(5), varchar(5), varchar(5)
--> bcde | bc | de |  |  |  | bcd

-- the usual ones
SELECT length('äöü'), upper('aß'), lower('ÄB'), trim('  a '), replace('aXbX', 'X', '-'), strpos('abc', 'c'), position('z' IN 'abc'), reverse('abc'), starts_with('abc', 'ab')
--> bigint, varchar(2), varchar(2), varchar(4), varchar(9), bigint, bigint, varchar(3), boolean
--> 3 | Aß | äb | a | a-b- | 3 | 0 | cba | true

-- LIKE
SELECT 'abc' LIKE 'a%', 'abc' NOT LIKE 'a_', 'a%c' LIKE 'a$%c' ESCAPE '$', NULL LIKE 'a'
--> boolean, boolean, boolean, boolean
--> true | true | true | NULL

-- regular expressions; no match is NULL
SELECT regexp_like('2026-01', '^\d{4}'), regexp_extract('a12', '\d+'), regexp_extract('a12', 'x(\d)', 1), regexp_replace('a1b2', '\d', '#')
--> boolean, varchar(3), varchar(3), varchar(14)
--> true | 12 | NULL | a#b#

-- padding and splitting
SELECT lpad('7', 3, '0'), rpad('abc', 2, 'x'), split('a,b', ','), array_join(ARRAY[1, NULL, 3], '-')
--> varchar, varchar, array(varchar(3)), varchar
--> 007 | ab | [a, b] | 1-3

-- quotes and letters beyond ASCII
SELECT 'it''s', '"x"', 'São Paulo', ''
--> varchar(4), varchar(3), varchar(9), varchar(0)
--> it's | "x" | São Paulo | 

-- arrays: from one, loud outside
SELECT ARRAY[1, 2][1], element_at(ARRAY[1, 2], 3), cardinality(ARRAY['a']), contains(ARRAY[1, 2], 2), contains(ARRAY[1, NULL], 2), ARRAY[1, NULL]
--> integer, integer, bigint, boolean, boolean, array(integer)
--> 1 | NULL | 1 | true | NULL | [1, null]

-- beyond the array
SELECT ARRAY[1, 2][3]
--! INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 3 > 2
