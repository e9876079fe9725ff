-- Orders, revenue and premium market share of each city, with its rank by gross revenue.
SELECT
    city,
    country,
    total_orders,
    premium_orders,
    standard_orders,
    total_revenue,
    premium_revenue,
    standard_revenue,
    premium_market_share,
    net_revenue,
    cancelled_orders,
    rank() OVER (ORDER BY total_revenue DESC, city ASC, country ASC) AS "rank"
FROM ${gold}.city_performance
