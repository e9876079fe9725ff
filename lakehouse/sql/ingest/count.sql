SELECT count(*) FROM (${changes}) AS changes
