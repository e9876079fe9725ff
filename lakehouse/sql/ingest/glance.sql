-- Whether rows lie outside every window, and whether this window may have a change. A poll that finds
-- nothing reads no more than this.
SELECT
    ${unreachable},
    EXISTS (SELECT FROM ${relation} AS source WHERE ${range}) OR ${has_tombstones}
