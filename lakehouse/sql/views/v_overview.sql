-- The whole business in one row: gross and net revenue, orders and the premium share, in percent.
WITH totals AS (
    SELECT
        CAST(coalesce(sum(total_revenue), 0) AS decimal(18, 2)) AS total_revenue,
        CAST(coalesce(sum(premium_revenue), 0) AS decimal(18, 2)) AS premium_revenue,
        CAST(coalesce(sum(net_revenue), 0) AS decimal(18, 2)) AS net_revenue,
        CAST(coalesce(sum(total_orders), 0) AS bigint) AS total_orders,
        CAST(coalesce(sum(cancelled_orders), 0) AS bigint) AS cancelled_orders,
        count(CASE WHEN city <> 'UNKNOWN' THEN 1 END) AS cities
    FROM ${gold}.city_performance
)
SELECT
    total_revenue,
    net_revenue,
    total_orders,
    CAST(
        CASE
            WHEN total_orders = 0 THEN 0
            ELSE CAST(round(CAST(total_revenue * 100 AS double) / CAST(total_orders AS double)) AS decimal(16, 0))
        END * CAST(0.01 AS decimal(3, 2)) AS decimal(12, 2)
    ) AS average_order_value,
    CAST(
        CASE
            WHEN total_revenue = 0 THEN 0
            ELSE CAST(
                round(CAST(premium_revenue * 100 AS double) * 10000 / CAST(total_revenue * 100 AS double))
                AS decimal(16, 0)
            )
        END * CAST(0.01 AS decimal(3, 2)) AS decimal(5, 2)
    ) AS premium_market_share,
    cancelled_orders,
    cities
FROM totals
