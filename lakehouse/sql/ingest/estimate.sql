-- What the planner expects of the table; nothing is read.
EXPLAIN (FORMAT JSON) SELECT * FROM ${relation} AS source
