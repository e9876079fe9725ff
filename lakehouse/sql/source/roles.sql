-- Creates the platform's database roles and their rights; may be run again at any time.
-- The names come as settings of the transaction, since a DO block takes no parameters.
DO $$
DECLARE
    ingest text := current_setting('lakehouse.ingest_role');
    generator text := current_setting('lakehouse.generator_role');
    member boolean;
    role text;
    owned regclass;
BEGIN
    FOREACH role IN ARRAY ARRAY[ingest, generator] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
    END LOOP;
    EXECUTE format('GRANT CREATE ON SCHEMA public TO %I', generator);

    -- The horizon needs every session's transaction start. Where the administrator may not give
    -- exactly this right away, the wider role that contains it does.
    IF NOT pg_has_role(ingest, 'pg_read_all_stats', 'USAGE') THEN
        BEGIN
            EXECUTE format('GRANT pg_read_all_stats TO %I', ingest);
        EXCEPTION WHEN insufficient_privilege THEN
            EXECUTE format('GRANT pg_monitor TO %I', ingest);
        END;
    END IF;

    -- Rights on a role's tables are given in its name. The membership ends with this transaction:
    -- through it the administrator would be a member of rds_iam and lose the password login.
    member := pg_has_role(current_user, generator, 'USAGE');
    IF NOT member THEN
        EXECUTE format('GRANT %I TO %I', generator, current_user);
    END IF;
    FOREACH role IN ARRAY ARRAY[current_user::text, generator] LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public '
                       'GRANT SELECT ON TABLES TO %I', role, ingest);
    END LOOP;
    -- The administrator works with the shop's rows as anyone's: by a grant, since the membership
    -- that would give it ends here.
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public '
                   'GRANT ALL ON TABLES TO %I', generator, current_user);
    FOR owned IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND NOT has_table_privilege(ingest, oid, 'SELECT')
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO %I', owned, ingest);
        EXECUTE format('GRANT ALL ON %s TO %I', owned, current_user);
    END LOOP;
    IF NOT member THEN
        EXECUTE format('REVOKE %I FROM %I', generator, current_user);
    END IF;

    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') THEN
        FOREACH role IN ARRAY ARRAY[ingest, generator] LOOP
            IF NOT pg_has_role(role, 'rds_iam', 'USAGE') THEN
                EXECUTE format('GRANT rds_iam TO %I', role);
            END IF;
        END LOOP;
    END IF;
END $$;
