-- Whether rows exist whose cursor lies outside every window.
SELECT ${conditions}
