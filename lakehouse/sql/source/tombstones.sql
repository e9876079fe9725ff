-- Deletes leave a tombstone, since polling sees only what is still there; may be run again.
-- `lakehouse_record_tombstone` serves any table: its trigger names the key columns as arguments.
-- The tombstone of a key that lives says: look at this row again. Such are written for rows that
-- are stamped earlier than their transaction's start, which no cursor can promise to see.
-- `lakehouse.tombstones` fills in the schema, and adds a table's triggers.

CREATE TABLE IF NOT EXISTS ${schema}.lakehouse_tombstones (
    source_table text NOT NULL,
    row_key      jsonb, -- NULL: the whole table was truncated
    deleted_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_xid  xid8 NOT NULL DEFAULT pg_current_xact_id() -- read by strict cursors
);
ALTER TABLE ${schema}.lakehouse_tombstones
    ADD COLUMN IF NOT EXISTS deleted_xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX IF NOT EXISTS lakehouse_tombstones_cursor
    ON ${schema}.lakehouse_tombstones (source_table, deleted_at);
CREATE INDEX IF NOT EXISTS lakehouse_tombstones_strict
    ON ${schema}.lakehouse_tombstones (source_table, deleted_xid);

-- SECURITY DEFINER: whoever may delete rows need not be allowed to write tombstones by hand.
CREATE OR REPLACE FUNCTION ${schema}.lakehouse_record_tombstone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ${schema}, pg_temp AS $$
DECLARE
    changed jsonb;
    row_key jsonb;
    -- the trigger of a partitioned table fires in its partitions
    root    oid := coalesce(pg_partition_root(TG_RELID), TG_RELID);
BEGIN
    IF TG_OP <> 'TRUNCATE' THEN
        changed := CASE TG_NAME WHEN 'lakehouse_backdated' THEN to_jsonb(NEW) ELSE to_jsonb(OLD) END;
        SELECT jsonb_object_agg(name, changed -> name) INTO row_key FROM unnest(TG_ARGV) AS name;
    END IF;
    INSERT INTO lakehouse_tombstones (source_table, row_key)
    SELECT relname, row_key FROM pg_class WHERE oid = root;
    RETURN NULL;
END $$;

-- Stamps every change with its transaction, for a strict cursor `changed_xid xid8 NOT NULL`:
--     CREATE TRIGGER lakehouse_stamped BEFORE INSERT OR UPDATE ON <table>
--         FOR EACH ROW EXECUTE FUNCTION lakehouse_stamp_change();
CREATE OR REPLACE FUNCTION ${schema}.lakehouse_stamp_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    RETURN NEW;
END $$;
