/* schema.c — the tables of a node's store, for both roles. Plain SQL that PostgreSQL reads too. Times are seconds since
 * 1970, dates are texts. */
#include "registry/schema.h"

#define ATTRIBUTE_COLUMNS \
    "name TEXT NOT NULL, name_substitutes TEXT NOT NULL, birth TEXT NOT NULL, sex TEXT NOT NULL, " \
    "address TEXT NOT NULL, address_substitutes TEXT NOT NULL"

const char *const registry_migrations[] = {
    /* whose store this is */
    "CREATE TABLE node (one BIGINT PRIMARY KEY CHECK (one = 1), role TEXT NOT NULL, municipality TEXT NOT NULL);"

    /* the present state, and every state there was */
    "CREATE TABLE resident (code TEXT PRIMARY KEY, municipality TEXT NOT NULL, revision BIGINT NOT NULL, "
    "removed BIGINT NOT NULL, " ATTRIBUTE_COLUMNS ");"
    "CREATE INDEX resident_person ON resident (birth, name);"
    "CREATE TABLE history (code TEXT NOT NULL REFERENCES resident, revision BIGINT NOT NULL, municipality TEXT NOT NULL, "
    "reason TEXT NOT NULL, date TEXT NOT NULL, recorded BIGINT NOT NULL, " ATTRIBUTE_COLUMNS ", "
    "PRIMARY KEY (code, revision));"

    /* which certificate is whose: revision is the state at issue; changed and removed are 0 or when it became so */
    "CREATE TABLE link (authority TEXT NOT NULL, serial TEXT NOT NULL, code TEXT NOT NULL REFERENCES resident, "
    "revision BIGINT NOT NULL, not_after BIGINT NOT NULL, recorded BIGINT NOT NULL, notice BIGINT NOT NULL, "
    "changed BIGINT NOT NULL, removed BIGINT NOT NULL, PRIMARY KEY (authority, serial));"
    "CREATE INDEX link_code ON link (code);"
    "CREATE INDEX link_notice ON link (notice);"

    /* what is to be told, to whom how much was told; a notice names its row of history, so nothing is kept twice */
    "CREATE TABLE notice (sequence BIGINT PRIMARY KEY, kind TEXT NOT NULL, code TEXT NOT NULL, revision BIGINT NOT NULL, "
    "date TEXT NOT NULL, recorded BIGINT NOT NULL);"
    "CREATE TABLE request (request TEXT PRIMARY KEY, notice BIGINT NOT NULL);"
    "CREATE TABLE event (sequence BIGINT PRIMARY KEY, event TEXT NOT NULL, time BIGINT NOT NULL);"
    "CREATE TABLE event_certificate (sequence BIGINT NOT NULL REFERENCES event, authority TEXT NOT NULL, "
    "serial TEXT NOT NULL, PRIMARY KEY (sequence, authority, serial));"
    "CREATE TABLE outbox (peer TEXT PRIMARY KEY, last BIGINT NOT NULL, acknowledged BIGINT NOT NULL);"
    "INSERT INTO outbox (peer, last, acknowledged) VALUES ('national', 0, 0), ('ca', 0, 0);"

    /* what was heard */
    "CREATE TABLE intake (municipality TEXT PRIMARY KEY, acknowledged BIGINT NOT NULL);"

    /* who used what */
    "CREATE TABLE usage (id INTEGER PRIMARY KEY, time BIGINT NOT NULL, role TEXT NOT NULL, municipality TEXT NOT NULL, "
    "name TEXT NOT NULL, serial TEXT NOT NULL, action TEXT NOT NULL, record TEXT NOT NULL, result TEXT NOT NULL);"
    "CREATE INDEX usage_record ON usage (record, time)",
};

const size_t registry_migration_count = sizeof registry_migrations / sizeof registry_migrations[0];
