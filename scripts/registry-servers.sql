-- registry-servers.sql — partitions of a national registry store go to another PostgreSQL server: docs/OPERATIONS.md,
-- "Partitions on other servers". The node is stopped; the server is known by its name (CREATE SERVER) and has the same
-- tables, empty.
--   psql -X -v server=east -v parts=1,4,7 -f registry-servers.sql postgresql://…
-- One transaction: rows are copied within it, and a failure leaves all as it was.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
SELECT set_config('servers.name', :'server', true), set_config('servers.parts', :'parts', true) \g /dev/null
SELECT one FROM writer WHERE one = 1 FOR UPDATE \g /dev/null

-- A table of which parts lie elsewhere can have no key over all parts: each part has its own, and as the column that tells
-- the part is in it, a key is one of its kind in all of them.
CREATE FUNCTION pg_temp.keys_to_parts(whole regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    key text;
    part regclass;
BEGIN
    SELECT conname, pg_get_constraintdef(oid) INTO name, key FROM pg_constraint WHERE conrelid = whole AND contype = 'p';
    IF key IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', whole, name);
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = whole LOOP
        EXECUTE format('ALTER TABLE %s ADD %s', part, key);
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.part_to_server(whole regclass, part name, bound text, away boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    old name := part || '_before';
    rows bigint;
BEGIN
    EXECUTE format('ALTER TABLE %I RENAME TO %I', part, old);
    EXECUTE format('CREATE FOREIGN TABLE %I PARTITION OF %s %s SERVER %I OPTIONS (schema_name %L, table_name %L)', part,
                   whole, bound, current_setting('servers.name'), current_schema(), part);
    EXECUTE format('SELECT count(*) FROM %I', part) INTO rows;
    IF rows > 0 THEN
        RAISE EXCEPTION 'server % has % rows in its % already', current_setting('servers.name'), rows, part;
    END IF;
    EXECUTE format('INSERT INTO %I SELECT * FROM %I', part, old);
    IF away THEN -- the rows of a foreign table outlive it
        EXECUTE format('DELETE FROM %I', old);
    END IF;
    EXECUTE format('DROP %s %I', CASE WHEN away THEN 'FOREIGN TABLE' ELSE 'TABLE' END, old);
END $$;

DO $$
DECLARE
    whole regclass;
    part record;
    wanted int[] := string_to_array(current_setting('servers.parts'), ',')::int[];
BEGIN
    FOREACH whole IN ARRAY '{resident,history,received}'::regclass[] LOOP
        CREATE TEMPORARY TABLE going ON COMMIT DROP AS
            SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound, c.relkind = 'f' AS away
            FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = whole
            AND CAST(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'remainder (\d+)') AS int) = ANY (wanted);
        FOR part IN SELECT * FROM going LOOP
            EXECUTE format('ALTER TABLE %s DETACH PARTITION %I', whole, part.name);
        END LOOP;
        IF (SELECT count(*) FROM going) <> cardinality(wanted) THEN
            RAISE EXCEPTION '% has no such partitions: %', whole, wanted;
        END IF;
        PERFORM pg_temp.keys_to_parts(whole);
        PERFORM pg_temp.part_to_server(whole, name, bound, away) FROM going;
        DROP TABLE going;
    END LOOP;
END $$;
COMMIT;
ANALYZE resident, history, received;
