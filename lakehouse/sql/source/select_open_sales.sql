-- The orders that have waited longest in one status. What another invocation moves right now is
-- skipped, so that two never wait for each other.
SELECT sale_id
FROM fact_sales
WHERE status = :status
ORDER BY updated_at, sale_id
LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED
