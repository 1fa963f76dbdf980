#!/bin/bash
# registry-servers.sh — three PostgreSQL servers for one nation: the one of postgres.sh around, which holds the store, and
# `east` and `west`, to which partitions go as docs/OPERATIONS.md says.
# usage: postgres.sh run registry-servers.sh run COMMAND… two more servers, then the command
#        registry-servers.sh share STORE      a national store's partitions go to the servers
#        registry-servers.sh untear STORE     what was torn is taken back
#        registry-servers.sh half-move STORE  of the tables on `east`: somebody leaves there and arrives nowhere
#        registry-servers.sh hold STORE       of the same tables on `east`: commits there can be held
#        registry-servers.sh kill | start SERVER
set -euo pipefail

url_of() { # of a schema on a server
    echo "postgresql://jpki@/postgres?host=$1&options=-csearch_path%3D$2"
}

# The same tables, empty, under the same names, and what tells whose store it is and which version.
shape() {
    psql -Xqd "$2" -c "CREATE SCHEMA $3"
    pg_dump --schema-only --no-owner --no-privileges -t "$3.*" -d "$1" | psql -Xqd "$2" -v ON_ERROR_STOP=1 > /dev/null
    pg_dump --data-only --no-owner -t "$3.migration" -t "$3.node" -t "$3.setting" -t "$3.writer" -d "$1" |
        psql -Xqd "$2" -v ON_ERROR_STOP=1 > /dev/null
}

share() {
    local schema
    schema=$(psql -XAtd "$1" -c "SELECT current_schema()")
    shape "$1" "$(url_of "$JPKI_TEST_EAST" "$schema")" "$schema"
    shape "$1" "$(url_of "$JPKI_TEST_WEST" "$schema")" "$schema"
    psql -Xqd "$1" -v ON_ERROR_STOP=1 <<SQL
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public;
CREATE SERVER IF NOT EXISTS east FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$JPKI_TEST_EAST', dbname 'postgres', batch_size '100', async_capable 'true');
CREATE SERVER IF NOT EXISTS west FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$JPKI_TEST_WEST', dbname 'postgres', batch_size '100', async_capable 'true');
CREATE USER MAPPING IF NOT EXISTS FOR jpki SERVER east OPTIONS (user 'jpki');
CREATE USER MAPPING IF NOT EXISTS FOR jpki SERVER west OPTIONS (user 'jpki');
SQL
    psql -Xd "$1" -v server=east -v parts=0,1,3,5 -f "$SERVERS_SQL/registry-servers.sql"
    psql -Xd "$1" -v server=west -v parts=4,5,6 -f "$SERVERS_SQL/registry-servers.sql" # one of them from server to server
}

case $1 in
run)
    shift
    if [ -z "${JPKI_TEST_EAST:-}" ]; then
        JPKI_TEST_SERVERS_SH=$(realpath "$0")
        SERVERS_SQL=$(realpath "$(dirname "$0")/../../scripts")
        export JPKI_TEST_SERVERS_SH SERVERS_SQL JPKI_TEST_EAST="$JPKI_TEST_POSTGRES"
        exec "$JPKI_TEST_POSTGRES_SH" run "$0" run "$@"
    elif [ -z "${JPKI_TEST_WEST:-}" ]; then
        export JPKI_TEST_WEST="$JPKI_TEST_POSTGRES"
        exec "$JPKI_TEST_POSTGRES_SH" run "$0" run "$@"
    fi
    exec "$@"
    ;;
share)
    share "$2"
    ;;
hold) # a commit on `east` that took a notice waits for the row of `writer` there
    psql -Xqd "$2" -v ON_ERROR_STOP=1 <<'SQL'
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN PERFORM one FROM writer FOR UPDATE; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON received_8_3 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold();
SQL
    ;;
half-move) # what a move leaves when only the server of the former municipality commits
    psql -Xqd "$2" -v ON_ERROR_STOP=1 <<'SQL'
CREATE TEMPORARY TABLE left_behind AS SELECT * FROM history ORDER BY code LIMIT 1;
UPDATE left_behind SET revision = revision + 1, reason = '国内転出';
INSERT INTO history SELECT * FROM left_behind;
DELETE FROM resident WHERE code IN (SELECT code FROM left_behind);
SQL
    ;;
untear)
    psql -Xd "$2" -f "$SERVERS_SQL/registry-torn.sql"
    ;;
kill | start)
    case $2 in east) at=$JPKI_TEST_EAST ;; *) at=$JPKI_TEST_WEST ;; esac
    JPKI_TEST_POSTGRES=$at "$JPKI_TEST_POSTGRES_SH" "$1"
    ;;
esac
