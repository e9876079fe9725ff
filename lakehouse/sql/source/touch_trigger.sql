CREATE OR REPLACE TRIGGER lakehouse_touched BEFORE INSERT OR UPDATE ON ${relation}
    FOR EACH ROW EXECUTE FUNCTION ${schema}.${function}();
