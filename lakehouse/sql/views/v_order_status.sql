-- Orders by status, their share in percent, and how long the oldest one has waited, in hours.
SELECT
    status,
    orders,
    revenue,
    CAST(
        CAST(
            round(CAST(orders AS double) * 10000 / CAST(sum(orders) OVER () AS double))
            AS decimal(16, 0)
        ) * CAST(0.01 AS decimal(3, 2)) AS decimal(5, 2)
    ) AS share,
    CAST(
        (to_unixtime(current_timestamp) - to_unixtime(oldest_created_at)) / 3600 AS decimal(12, 1)
    ) AS oldest_age_hours,
    CAST(date_trunc('second', oldest_created_at AT TIME ZONE 'UTC') AS timestamp(3)) AS oldest_created_at
FROM ${gold}.order_status
