-- How far the keys go: the first and the last user, the last sale; 0 where there is none.
SELECT
    (SELECT coalesce(min(user_id), 0) FROM dim_users) AS first_user,
    (SELECT coalesce(max(user_id), 0) FROM dim_users) AS last_user,
    (SELECT coalesce(max(sale_id), 0) FROM fact_sales) AS last_sale
