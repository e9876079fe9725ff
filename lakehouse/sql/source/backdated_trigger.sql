-- Marks rows that are stamped earlier than their transaction's start, for a cursor that is a time.
CREATE OR REPLACE TRIGGER lakehouse_backdated AFTER INSERT OR UPDATE ON ${relation}
    FOR EACH ROW WHEN (NEW.${cursor} < now())
    EXECUTE FUNCTION ${schema}.lakehouse_record_tombstone(${key_names});
