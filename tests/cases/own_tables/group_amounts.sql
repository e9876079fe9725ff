-- What the lines of each group come to.
-- name: group_amounts
-- grain: group
-- refresh: run
-- doubled: Twice the amounts, as the source has them.
SELECT `group`, sum(doubled) AS doubled, count(*) AS lines
FROM ${silver}.`order`
WHERE is_current
GROUP BY `group`
