-- Whether the window may have a change. A poll that finds nothing asks no more than this.
SELECT EXISTS (SELECT FROM ${relation} AS source WHERE ${range}) OR ${has_tombstones}
