SELECT user_id, city
FROM dim_users
WHERE user_id = ANY (CAST(:users AS bigint[]))
ORDER BY user_id
FOR NO KEY UPDATE SKIP LOCKED
