-- Lines that were changed on each of the last 30 days.
-- name: lines_by_day
-- grain: day
-- refresh: read
-- chart: bar
SELECT CAST(modified AS date) AS day, count(*) AS lines
FROM ${silver}."order"
WHERE is_current AND modified > current_timestamp - INTERVAL '30' DAY
GROUP BY CAST(modified AS date)
