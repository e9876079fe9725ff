"""Names of the columns that the platform itself writes, one constant each.

An underscore prefix means "written by us". Nothing is partitioned by such a name: Hive-style
readers skip every path segment that begins with an underscore.
"""

from typing import Final

OP: Final = "_op"
"""string: `I` (first load), `U` (the row's last state in the window) or `D` (deleted)."""

BATCH_ID: Final = "_batch_id"
"""string, 12 digits: the batch's number per table, so that text order is capture order."""

INGESTED_AT: Final = "_ingested_at"
"""timestamp, UTC: when the batch was opened; the same for every row of a batch and every retry."""

ROW_HASH: Final = "_row_hash"
"""bigint: 60 bits of the MD5 of the row's source columns in canonical text (see `rowhash`)."""

METADATA: Final = (OP, BATCH_ID, INGESTED_AT, ROW_HASH)
"""The metadata columns of every bronze row, in file order, after the source's columns."""

INGEST_DATE: Final = "ingest_date"
"""date partition of bronze (`ingest_date=YYYY-MM-DD`): the UTC day the batch was opened on."""

VALID_FROM: Final = "valid_from"
"""timestamp, UTC: the source's change time from which a version holds (inclusive)."""

VALID_TO: Final = "valid_to"
"""timestamp, UTC: when the version ended (exclusive); NULL for the current one."""

IS_CURRENT: Final = "is_current"
"""boolean: true exactly for the versions whose `valid_to` is NULL."""

DELETED_BATCH_ID: Final = "_deleted_batch_id"
"""string: the batch whose delete ended this version; NULL where an update did, or nothing yet."""

WRITTEN_BY_US: Final = frozenset(
    {*METADATA, INGEST_DATE, VALID_FROM, VALID_TO, IS_CURRENT, DELETED_BATCH_ID}
)
"""All of them: a source's column of such a name can't be carried beside ours."""
