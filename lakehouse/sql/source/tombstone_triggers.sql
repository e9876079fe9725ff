-- The triggers of one table that write its tombstones; may be run again.
CREATE OR REPLACE TRIGGER lakehouse_deleted AFTER DELETE ON ${relation}
    FOR EACH ROW EXECUTE FUNCTION ${schema}.lakehouse_record_tombstone(${key_names});
-- A row that changes its key is, for whoever knows it by the old one, deleted.
CREATE OR REPLACE TRIGGER lakehouse_rekeyed AFTER UPDATE OF ${key} ON ${relation}
    FOR EACH ROW WHEN ((${old_key}) IS DISTINCT FROM (${new_key}))
    EXECUTE FUNCTION ${schema}.lakehouse_record_tombstone(${key_names});
CREATE OR REPLACE TRIGGER lakehouse_truncated AFTER TRUNCATE ON ${relation}
    FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.lakehouse_record_tombstone();
