-- Orders, units and revenue of each product, with its name and category of today.
SELECT
    product_id,
    name,
    category,
    total_orders,
    units_sold,
    total_revenue,
    net_revenue
FROM ${gold}.product_performance
