-- How long orders stayed in a status before the next, by the day on which they left it.
WITH steps AS (
    SELECT
        lag(status) OVER (PARTITION BY sale_id ORDER BY _batch_id, changed_at) AS from_status,
        status AS to_status,
        lag(changed_at) OVER (PARTITION BY sale_id ORDER BY _batch_id, changed_at) AS entered_at,
        changed_at AS left_at
    FROM ${silver}.fact_sales_status
),
timed AS (
    SELECT
        from_status,
        to_status,
        CAST(left_at AT TIME ZONE 'UTC' AS date) AS left_on,
        greatest(CAST(floor((to_unixtime(left_at) - to_unixtime(entered_at)) / 60) AS bigint), 0) AS whole_minutes
    FROM steps
    WHERE from_status IS NOT NULL
)
SELECT
    CASE
        WHEN left_on >= date_add('day', -61, CAST(current_timestamp AT TIME ZONE 'UTC' AS date)) THEN left_on
        ELSE CAST(date_trunc('month', left_on) AS date)
    END AS changed_on,
    from_status,
    to_status,
    CASE
        WHEN whole_minutes < 60 THEN whole_minutes
        WHEN whole_minutes < 2880 THEN whole_minutes - whole_minutes % 60
        ELSE whole_minutes - whole_minutes % 1440
    END AS "minutes",
    count(*) AS orders
FROM timed
GROUP BY 1, 2, 3, 4
