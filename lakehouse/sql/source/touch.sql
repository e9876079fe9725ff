-- Stamps a change whose writer left the column as it was; a time that a writer sets stays.
CREATE OR REPLACE FUNCTION ${schema}.${function}() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.${cursor} := coalesce(NEW.${cursor}, now());
    ELSIF NEW.${cursor} IS NOT DISTINCT FROM OLD.${cursor} THEN
        NEW.${cursor} := now();
    END IF;
    RETURN NEW;
END $$;
