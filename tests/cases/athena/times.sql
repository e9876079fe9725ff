-- literals have the precision they are written with
SELECT TIMESTAMP '2026-11-24 03:00:00', TIMESTAMP '2026-11-24 03:00:00.123', TIMESTAMP '2026-11-24 03:00:00.123000 UTC', DATE '2026-11-24'
--> timestamp(0), timestamp(3), timestamp(6) with time zone, date
--> 2026-11-24 03:00:00 | 2026-11-24 03:00:00.123 | 2026-11-24 03:00:00.123000 UTC | 2026-11-24

-- fewer digits round half up
SELECT CAST(TIMESTAMP '2026-01-01 00:00:00.123556' AS timestamp(3)), CAST(TIMESTAMP '1969-12-31 23:59:59.999500' AS timestamp(3)), CAST(TIMESTAMP '2026-01-01 00:00:00.5' AS timestamp(0)), CAST(TIMESTAMP '2026-01-01 00:00:00' AS timestamp(6))
--> timestamp(3), timestamp(3), timestamp(0), timestamp(6)
--> 2026-01-01 00:00:00.124 | 1970-01-01 00:00:00.000 | 2026-01-01 00:00:01 | 2026-01-01 00:00:00.000000

-- zones: the same instant, another wall
SELECT TIMESTAMP '2026-01-01 23:30:00 UTC' AT TIME ZONE 'Europe/Berlin', CAST(TIMESTAMP '2026-01-01 23:30:00 UTC' AT TIME ZONE 'Europe/Berlin' AS date), hour(TIMESTAMP '2026-07-01 12:00:00 UTC' AT TIME ZONE 'America/New_York'), CAST(TIMESTAMP '2026-11-24 03:00:00.123456 UTC' AS timestamp(3))
--> timestamp(0) with time zone, date, bigint, timestamp(3)
--> 2026-01-02 00:30:00 Europe/Berlin | 2026-01-02 | 8 | 2026-11-24 03:00:00.123

-- whole units have passed, boundaries are not counted
SELECT date_diff('day', TIMESTAMP '2026-01-01 10:00:00', TIMESTAMP '2026-01-02 09:00:00'), date_diff('day', DATE '2026-01-01', DATE '2026-02-01'), date_diff('hour', TIMESTAMP '2026-01-01 10:59:00', TIMESTAMP '2026-01-01 11:00:00'), date_diff('month', DATE '2026-01-15', DATE '2026-03-14'), date_diff('day', DATE '2026-01-02', DATE '2026-01-01')
--> bigint, bigint, bigint, bigint, bigint
--> 0 | 31 | 0 | 1 | -1

-- date_trunc and date_add keep the type
SELECT date_trunc('month', DATE '2026-05-06'), date_trunc('week', DATE '2026-11-24'), date_trunc('hour', TIMESTAMP '2026-01-01 10:59:59.123'), date_add('month', 1, DATE '2026-01-31'), date_add('minute', -90, TIMESTAMP '2026-01-01 01:00:00')
--> date, date, timestamp(3), date, timestamp(0)
--> 2026-05-01 | 2026-11-23 | 2026-01-01 10:00:00.000 | 2026-02-28 | 2025-12-31 23:30:00

-- intervals
SELECT DATE '2026-01-31' + INTERVAL '1' MONTH, DATE '2026-01-01' - INTERVAL '1' DAY, TIMESTAMP '2026-01-01 00:00:00.123' + INTERVAL '90' MINUTE, TIMESTAMP '2026-01-02 00:00:00' - TIMESTAMP '2026-01-01 12:00:00'
--> date, date, timestamp(3), interval day to second
--> 2026-02-28 | 2025-12-31 | 2026-01-01 01:30:00.123 | 0 12:00:00.000

-- parts: ISO weeks, Monday is one
SELECT year(DATE '2026-11-24'), extract(quarter FROM DATE '2026-11-24'), day_of_week(DATE '2026-11-22'), week(DATE '2027-01-01'), day_of_year(DATE '2026-02-01'), millisecond(TIMESTAMP '2026-01-01 00:00:02.345'), last_day_of_month(DATE '2026-02-02')
--> bigint, bigint, bigint, bigint, bigint, bigint, date
--> 2026 | 4 | 7 | 53 | 32 | 345 | 2026-02-28

-- formats of MySQL and of Joda
SELECT date_format(TIMESTAMP '2026-03-04 05:06:07', '%Y/%m/%d %H:%i:%s'), format_datetime(TIMESTAMP '2026-03-04 05:06:07', 'yyyy-MM-dd''T''HH:mm:ss'), date_parse('2026-03-04', '%Y-%m-%d'), to_iso8601(TIMESTAMP '2026-03-04 05:06:07.000 UTC')
--> varchar, varchar, timestamp(3), varchar(32)
--> 2026/03/04 05:06:07 | 2026-03-04T05:06:07 | 2026-03-04 00:00:00.000 | 2026-03-04T05:06:07.000Z

-- epoch seconds
SELECT to_unixtime(TIMESTAMP '2026-01-01 00:00:00 UTC'), from_unixtime(1.5), to_unixtime(TIMESTAMP '2026-01-01 00:00:00.250')
--> double, timestamp(3) with time zone, double
--> 1.7672256E9 | 1970-01-01 00:00:01.500 UTC | 1.76722560025E9

-- epoch seconds of six digits with a zone are a sum of two doubles
SELECT to_unixtime(TIMESTAMP '2026-11-26 21:13:33.038193 UTC'), to_unixtime(TIMESTAMP '2026-11-26 21:13:33.038193'), to_unixtime(TIMESTAMP '1969-12-31 23:59:59.999500 UTC')
--> double, double, double
--> 1.7957276130381932E9 | 1.795727613038193E9 | -5.0E-4

-- from text, strictly
SELECT CAST('2026-01-02' AS date), CAST('2026-01-02 03:04:05.678' AS timestamp), CAST('2026-01-02 03:04' AS timestamp(0)), from_iso8601_timestamp('2026-01-02T03:04:05Z')
--> date, timestamp(3), timestamp(0), timestamp(3) with time zone
--> 2026-01-02 | 2026-01-02 03:04:05.678 | 2026-01-02 03:04:00 | 2026-01-02 03:04:05.000 UTC

-- a date with slashes is none
SELECT CAST('2026/01/02' AS date)
--! INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2026/01/02

-- times to text
SELECT CAST(TIMESTAMP '2026-01-02 03:04:05.6' AS varchar), CAST(DATE '2026-01-02' AS varchar), CAST(TIMESTAMP '2026-01-02 03:04:05.678 UTC' AS varchar)
--> varchar, varchar, varchar
--> 2026-01-02 03:04:05.6 | 2026-01-02 | 2026-01-02 03:04:05.678 UTC

-- dates and timestamps compare
SELECT DATE '2026-01-01' < TIMESTAMP '2026-01-01 00:00:01', TIMESTAMP '2026-01-01 00:00:00' = TIMESTAMP '2026-01-01 00:00:00 UTC'
--> boolean, boolean
--> true | true

-- what now is
SELECT typeof(current_timestamp), typeof(now()), typeof(localtimestamp), typeof(current_date)
--> varchar, varchar, varchar, varchar
--> timestamp(3) with time zone | timestamp(3) with time zone | timestamp(3) | date
