UPDATE dim_users AS person
SET address = move.address, city = move.city, country = move.country,
    updated_at = clock_timestamp()
FROM unnest(
    CAST(:users AS bigint[]), CAST(:addresses AS text[]),
    CAST(:cities AS text[]), CAST(:countries AS text[])
) AS move (user_id, address, city, country)
WHERE person.user_id = move.user_id
