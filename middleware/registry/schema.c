/* schema.c — the tables of a node's store, for all roles. Plain SQL that PostgreSQL reads too. Times are seconds since
 * 1970, dates are texts. */
#include "registry/schema.h"

#include <string.h>

#define ATTRIBUTE_COLUMNS \
    "name TEXT NOT NULL, name_substitutes TEXT NOT NULL, birth TEXT NOT NULL, sex TEXT NOT NULL, " \
    "address TEXT NOT NULL, address_substitutes TEXT NOT NULL"

#define ADD_TEXT(table, column) "ALTER TABLE " table " ADD COLUMN " column " TEXT NOT NULL DEFAULT '';"

#define RECORD_COLUMNS(table) \
    ADD_TEXT(table, "furigana") ADD_TEXT(table, "former_name") ADD_TEXT(table, "former_furigana") \
    ADD_TEXT(table, "alias") ADD_TEXT(table, "personal_number") ADD_TEXT(table, "household") \
    ADD_TEXT(table, "position") ADD_TEXT(table, "relation") ADD_TEXT(table, "foreign_resident") \
    ADD_TEXT(table, "romaji") ADD_TEXT(table, "resident_since") ADD_TEXT(table, "address_since") \
    ADD_TEXT(table, "notified") ADD_TEXT(table, "former_address")

#define KEPT_TEXT(column) column " TEXT NOT NULL DEFAULT '', "
#define RECORD_TEXTS \
    KEPT_TEXT("furigana") KEPT_TEXT("former_name") KEPT_TEXT("former_furigana") KEPT_TEXT("alias") \
    KEPT_TEXT("personal_number") KEPT_TEXT("household") KEPT_TEXT("position") KEPT_TEXT("relation") \
    KEPT_TEXT("foreign_resident") KEPT_TEXT("romaji") KEPT_TEXT("resident_since") KEPT_TEXT("address_since") \
    KEPT_TEXT("notified") KEPT_TEXT("former_address") KEPT_TEXT("original_name") KEPT_TEXT("original_address")
#define RECORD_NAMES "name, name_substitutes, birth, sex, address, address_substitutes, furigana, former_name, " \
    "former_furigana, alias, personal_number, household, position, relation, foreign_resident, romaji, resident_since, " \
    "address_since, notified, former_address, original_name, original_address"
#define RESIDENT_NAMES "code, municipality, revision, removed, successor, " RECORD_NAMES
#define HISTORY_NAMES "code, revision, municipality, reason, date, recorded, previous_code, previous_number, " RECORD_NAMES
#define CARD_NAMES "code, card, municipality, type, state, issued, expires, since, events"
#define CARD_EVENT_NAMES "card, number, event, reason, state, date, recorded, notice"
#define LINK_NAMES "authority, serial, code, revision, not_after, recorded, notice, changed, removed"

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

    /* the whole record: what is told beside the four attributes, what stays in the municipality, and what became of a code
     * that was changed */
    RECORD_COLUMNS("resident") RECORD_COLUMNS("history")
    ADD_TEXT("resident", "successor") ADD_TEXT("history", "previous_code") ADD_TEXT("history", "previous_number")
    "CREATE INDEX resident_number ON resident (personal_number);"
    "CREATE INDEX resident_household ON resident (household);"
    /* a request's record: also of a change that nobody else hears of */
    ADD_TEXT("request", "code") "ALTER TABLE request ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;"
    "UPDATE request SET code = (SELECT n.code FROM notice n WHERE n.sequence = request.notice), "
    "revision = (SELECT n.revision FROM notice n WHERE n.sequence = request.notice);"
    /* settings that are not the program's */
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE counter (name TEXT PRIMARY KEY, last INTEGER NOT NULL)",

    /* the card ledger: present state, every event, the certificates on a card; and requests by their names with the answers */
    "CREATE TABLE card (card TEXT PRIMARY KEY, code TEXT NOT NULL, municipality TEXT NOT NULL, type TEXT NOT NULL, "
    "state TEXT NOT NULL, issued TEXT NOT NULL, expires TEXT NOT NULL, since TEXT NOT NULL, events INTEGER NOT NULL);"
    "CREATE INDEX card_code ON card (code);"
    "CREATE UNIQUE INDEX card_one ON card (code) WHERE state IN ('valid', 'locked', 'lost', 'lost-locked');"
    "CREATE INDEX card_end ON card (expires) WHERE state IN ('valid', 'locked', 'lost', 'lost-locked');"
    "CREATE TABLE card_event (card TEXT NOT NULL REFERENCES card, number INTEGER NOT NULL, event TEXT NOT NULL, "
    "reason TEXT NOT NULL, state TEXT NOT NULL, date TEXT NOT NULL, recorded BIGINT NOT NULL, notice BIGINT NOT NULL, "
    "PRIMARY KEY (card, number));"
    "CREATE INDEX card_event_notice ON card_event (notice);"
    "CREATE TABLE card_certificate (authority TEXT NOT NULL, serial TEXT NOT NULL, card TEXT NOT NULL REFERENCES card, "
    "PRIMARY KEY (authority, serial));"
    "CREATE INDEX card_certificate_card ON card_certificate (card);"
    "CREATE TABLE asked (request TEXT PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL, answer TEXT NOT NULL)",
    /* numbers: a municipality's stock of codes, and who waits for a 個人番号 */
    "CREATE TABLE spare (code TEXT PRIMARY KEY, given INTEGER NOT NULL);"
    "CREATE INDEX spare_given ON spare (given, code);"
    "CREATE TABLE wanted (request TEXT PRIMARY KEY, code TEXT NOT NULL, previous TEXT NOT NULL, reason TEXT NOT NULL, "
    "date TEXT NOT NULL, why TEXT NOT NULL, recorded INTEGER NOT NULL, number TEXT NOT NULL);"
    "CREATE INDEX wanted_code ON wanted (code);"
    "CREATE INDEX wanted_number ON wanted (number, recorded);"
    /* what the national node assigned and designated */
    "CREATE TABLE assignment (municipality TEXT NOT NULL, request TEXT NOT NULL, first INTEGER NOT NULL, "
    "count INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (municipality, request));"
    "CREATE TABLE number (number TEXT PRIMARY KEY, code TEXT NOT NULL, successor TEXT NOT NULL, time INTEGER NOT NULL);"
    "CREATE INDEX number_code ON number (code);"
    /* letters to the residents */
    "CREATE TABLE posted (code TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL, date TEXT NOT NULL, "
    "recorded INTEGER NOT NULL, printed INTEGER NOT NULL, PRIMARY KEY (code, revision, kind))",

    /* copies that were issued, and residents of whom none is given out (支援措置) */
    "CREATE TABLE copy (number TEXT PRIMARY KEY, action TEXT NOT NULL, home TEXT NOT NULL, asker TEXT NOT NULL, "
    "issued BIGINT NOT NULL, pdf BLOB NOT NULL);"
    "CREATE TABLE withheld (code TEXT PRIMARY KEY, until TEXT NOT NULL)",

    /* how a 転出届 was made, and the first 転入届 elsewhere of who has moved out */
    "CREATE TABLE departure (code TEXT PRIMARY KEY, planned TEXT NOT NULL, notified TEXT NOT NULL, channel TEXT NOT NULL);"
    "CREATE TABLE arrival (code TEXT PRIMARY KEY, municipality TEXT NOT NULL, moved TEXT NOT NULL, arrival TEXT NOT NULL)",

    /* services by ordinance: what is offered, who chose what (ended: '' or the day), each use; and the 印鑑登録証 of paper */
    "CREATE TABLE service_offer (service TEXT PRIMARY KEY, offered INTEGER NOT NULL, minors INTEGER NOT NULL, "
    "wards INTEGER NOT NULL);"
    "CREATE TABLE service_choice (card TEXT NOT NULL REFERENCES card, service TEXT NOT NULL, chosen TEXT NOT NULL, "
    "ended TEXT NOT NULL, PRIMARY KEY (card, service));"
    "CREATE TABLE service_use (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, service TEXT NOT NULL, card TEXT NOT NULL, "
    "place TEXT NOT NULL, name TEXT NOT NULL);"
    "CREATE INDEX service_use_card ON service_use (card, time);"
    "CREATE TABLE seal_paper (code TEXT PRIMARY KEY, held INTEGER NOT NULL)",

    /* moves between municipalities: who leaves, who is expected, letters to and from other nodes */
    "CREATE TABLE leaving (request TEXT PRIMARY KEY, code TEXT NOT NULL, destination TEXT NOT NULL, date TEXT NOT NULL, "
    "address TEXT NOT NULL, letter TEXT NOT NULL, recorded INTEGER NOT NULL, notice INTEGER NOT NULL, "
    "struck INTEGER NOT NULL, closed INTEGER NOT NULL);"
    "CREATE INDEX leaving_code ON leaving (code);"
    "CREATE INDEX leaving_due ON leaving (struck, date);"
    "CREATE TABLE incoming (origin TEXT NOT NULL, sequence INTEGER NOT NULL, code TEXT NOT NULL, date TEXT NOT NULL, "
    "letter TEXT NOT NULL, recorded INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (origin, sequence));"
    "CREATE INDEX incoming_code ON incoming (code, revision);"
    "CREATE TABLE letter (municipality TEXT NOT NULL, sequence INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, "
    "recorded INTEGER NOT NULL, sent INTEGER NOT NULL, PRIMARY KEY (municipality, sequence));"
    "CREATE INDEX letter_sent ON letter (sent, municipality, sequence);"
    "CREATE TABLE mailbox (municipality TEXT PRIMARY KEY, sequence INTEGER NOT NULL);"
    /* the prefecture hears the same notices */
    "INSERT INTO outbox (peer, last, acknowledged) SELECT 'prefecture', last, 0 FROM outbox WHERE peer = 'national';"
    /* what a receiver keeps of each notice, whose record passed on by a release, and what compares */
    "CREATE TABLE received (municipality TEXT NOT NULL, sequence INTEGER NOT NULL, body TEXT NOT NULL, "
    "signature TEXT NOT NULL, signer TEXT NOT NULL, PRIMARY KEY (municipality, sequence));"
    "CREATE TABLE signer (serial TEXT PRIMARY KEY, certificate TEXT NOT NULL);"
    "CREATE TABLE passed (code TEXT NOT NULL, municipality TEXT NOT NULL, PRIMARY KEY (code, municipality));"
    "CREATE INDEX resident_place ON resident (municipality, code);"
    /* a notice that is refused, and what was decided */
    "CREATE TABLE refusal (peer TEXT PRIMARY KEY, sequence INTEGER NOT NULL, words TEXT NOT NULL, since INTEGER NOT NULL, "
    "times INTEGER NOT NULL);"
    "CREATE TABLE decision (peer TEXT NOT NULL, sequence INTEGER NOT NULL, decided INTEGER NOT NULL, decision TEXT NOT NULL, "
    "why TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (peer, sequence, decided, decision))",

    /* what the register writes where a certificate has a substituted character */
    ADD_TEXT("resident", "original_name") ADD_TEXT("resident", "original_address")
    ADD_TEXT("history", "original_name") ADD_TEXT("history", "original_address"),
    /* tasks of the law; what a provision says in the record of use; what residents want corrected */
    "CREATE TABLE task (agency TEXT NOT NULL, task TEXT NOT NULL, from_day TEXT NOT NULL, until_day TEXT NOT NULL, "
    "law TEXT NOT NULL, title TEXT NOT NULL, fields INTEGER NOT NULL, keys INTEGER NOT NULL, legacy_code INTEGER NOT NULL, "
    "PRIMARY KEY (agency, task, from_day));"
    ADD_TEXT("usage", "task") ADD_TEXT("usage", "way") ADD_TEXT("usage", "why") ADD_TEXT("usage", "fields") ADD_TEXT("usage", "day")
    "CREATE INDEX usage_day ON usage (action, day);"
    "CREATE INDEX history_person ON history (birth, name);"
    "CREATE INDEX history_number ON history (previous_number) WHERE previous_number <> '';"
    "CREATE INDEX history_code ON history (previous_code) WHERE previous_code <> '';"
    "CREATE TABLE correction (id INTEGER PRIMARY KEY, code TEXT NOT NULL, wish TEXT NOT NULL, received TEXT NOT NULL, "
    "due TEXT NOT NULL, answered TEXT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL);"
    "CREATE INDEX correction_code ON correction (code)",

    /* what residents consented to: until, and withdrawn (0, or the time in the withdrawal); who may have serial numbers linked */
    "CREATE TABLE consent (digest TEXT NOT NULL, serial TEXT NOT NULL, service TEXT NOT NULL, signed BIGINT NOT NULL, "
    "until BIGINT NOT NULL, withdrawn BIGINT NOT NULL, PRIMARY KEY (digest, serial));"
    "CREATE INDEX consent_service ON consent (serial, service);"
    "CREATE TABLE linker (verifier TEXT PRIMARY KEY, since BIGINT NOT NULL)",

    /* why a peer was not reached the last time */
    "CREATE TABLE delivery (peer TEXT PRIMARY KEY, error TEXT NOT NULL, since BIGINT NOT NULL)",

    /* whose signed notice it is, the row of history that it made (0: none), and when it was recorded (0: taken before this was
     * kept, and not erased by time); and what was erased: counts only */
    ADD_TEXT("received", "code") "ALTER TABLE received ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE received ADD COLUMN recorded BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX received_code ON received (code, revision);"
    /* a 転出届 that was withdrawn before its day: when, 0: it was not */
    "ALTER TABLE leaving ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;"
    /* whose record a correction is about, since when that municipality has it, the notice of the act; there: its number at the nation (0:
     * asked at the own counter), and whether the nation has heard the answer */
    ADD_TEXT("correction", "municipality") ADD_TEXT("correction", "forwarded")
    "ALTER TABLE correction ADD COLUMN notice BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE correction ADD COLUMN origin BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE correction ADD COLUMN told BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX correction_municipality ON correction (municipality, answered);"
    "CREATE INDEX correction_origin ON correction (origin);"
    "CREATE TABLE erasure (id INTEGER PRIMARY KEY, time BIGINT NOT NULL, kind TEXT NOT NULL, before BIGINT NOT NULL, "
    "count BIGINT NOT NULL)",

    /* the municipality in the keys of the large tables, so that they can be partitioned by it, and no foreign keys between
     * them. A person's history stays where it was written. */
    "CREATE TABLE history_next (code TEXT NOT NULL, revision BIGINT NOT NULL, municipality TEXT NOT NULL, "
    "reason TEXT NOT NULL, date TEXT NOT NULL, recorded BIGINT NOT NULL, " KEPT_TEXT("previous_code")
    KEPT_TEXT("previous_number") ATTRIBUTE_COLUMNS ", " RECORD_TEXTS "PRIMARY KEY (code, revision, municipality));"
    "INSERT INTO history_next (" HISTORY_NAMES ") SELECT " HISTORY_NAMES " FROM history;"
    "DROP TABLE history; ALTER TABLE history_next RENAME TO history;"
    "CREATE INDEX history_person ON history (birth, municipality, name);"
    "CREATE INDEX history_number ON history (previous_number) WHERE previous_number <> '';"
    "CREATE INDEX history_code ON history (previous_code) WHERE previous_code <> '';"
    "CREATE TABLE link_next (authority TEXT NOT NULL, serial TEXT NOT NULL, code TEXT NOT NULL, "
    "revision BIGINT NOT NULL, not_after BIGINT NOT NULL, recorded BIGINT NOT NULL, notice BIGINT NOT NULL, "
    "changed BIGINT NOT NULL, removed BIGINT NOT NULL, PRIMARY KEY (authority, serial));"
    "INSERT INTO link_next (" LINK_NAMES ") SELECT " LINK_NAMES " FROM link;"
    "DROP TABLE link; ALTER TABLE link_next RENAME TO link;"
    "CREATE INDEX link_code ON link (code);"
    "CREATE INDEX link_notice ON link (notice)",

    /* and where a code or a number is looked for */
    "CREATE TABLE resident_next (code TEXT NOT NULL, municipality TEXT NOT NULL, revision BIGINT NOT NULL, "
    "removed BIGINT NOT NULL, " KEPT_TEXT("successor") ATTRIBUTE_COLUMNS ", " RECORD_TEXTS
    "PRIMARY KEY (code, municipality));"
    "INSERT INTO resident_next (" RESIDENT_NAMES ") SELECT " RESIDENT_NAMES " FROM resident;"
    "CREATE TABLE location (key TEXT NOT NULL, code TEXT NOT NULL, municipality TEXT NOT NULL, PRIMARY KEY (key, code));"
    "INSERT INTO location (key, code, municipality) SELECT code, code, municipality FROM resident;"
    "INSERT INTO location (key, code, municipality) SELECT personal_number, code, municipality FROM resident "
    "WHERE personal_number <> '';"
    "DROP TABLE resident; ALTER TABLE resident_next RENAME TO resident;"
    "CREATE INDEX resident_person ON resident (birth, municipality, name);"
    "CREATE INDEX resident_household ON resident (household);"
    "CREATE INDEX resident_place ON resident (municipality, code)",

    /* whose card a member of the household without one comes with */
    ADD_TEXT("departure", "rides") "CREATE INDEX departure_rides ON departure (rides) WHERE rides <> ''",

    /* the card ledger likewise: a card is its holder's, so that one that is not void a person stays a rule of the store; by its
     * number it is looked for where numbers are */
    "CREATE TABLE card_event_next (card TEXT NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL, reason TEXT NOT NULL, "
    "state TEXT NOT NULL, date TEXT NOT NULL, recorded BIGINT NOT NULL, notice BIGINT NOT NULL, PRIMARY KEY (card, number));"
    "INSERT INTO card_event_next (" CARD_EVENT_NAMES ") SELECT " CARD_EVENT_NAMES " FROM card_event;"
    "DROP TABLE card_event; ALTER TABLE card_event_next RENAME TO card_event;"
    "CREATE INDEX card_event_notice ON card_event (notice);"
    "CREATE TABLE card_certificate_next (authority TEXT NOT NULL, serial TEXT NOT NULL, card TEXT NOT NULL, "
    "PRIMARY KEY (authority, serial));"
    "INSERT INTO card_certificate_next (authority, serial, card) SELECT authority, serial, card FROM card_certificate;"
    "DROP TABLE card_certificate; ALTER TABLE card_certificate_next RENAME TO card_certificate;"
    "CREATE INDEX card_certificate_card ON card_certificate (card);"
    "CREATE TABLE service_choice_next (card TEXT NOT NULL, service TEXT NOT NULL, chosen TEXT NOT NULL, ended TEXT NOT NULL, "
    "PRIMARY KEY (card, service));"
    "INSERT INTO service_choice_next (card, service, chosen, ended) SELECT card, service, chosen, ended FROM service_choice;"
    "DROP TABLE service_choice; ALTER TABLE service_choice_next RENAME TO service_choice;"
    "CREATE TABLE card_next (code TEXT NOT NULL, card TEXT NOT NULL, municipality TEXT NOT NULL, type TEXT NOT NULL, "
    "state TEXT NOT NULL, issued TEXT NOT NULL, expires TEXT NOT NULL, since TEXT NOT NULL, events INTEGER NOT NULL, "
    "PRIMARY KEY (code, card));"
    "INSERT INTO card_next (" CARD_NAMES ") SELECT " CARD_NAMES " FROM card;"
    "INSERT INTO location (key, code, municipality) SELECT card, code, municipality FROM card;"
    "DROP TABLE card; ALTER TABLE card_next RENAME TO card;"
    "CREATE UNIQUE INDEX card_one ON card (code) WHERE state IN ('valid', 'locked', 'lost', 'lost-locked');"
    "CREATE INDEX card_end ON card (expires) WHERE state IN ('valid', 'locked', 'lost', 'lost-locked');"
    "CREATE INDEX card_place ON card (municipality, code);"
    "CREATE INDEX event_certificate_serial ON event_certificate (serial)",

    /* where a correction was asked that a municipality has: "national", "prefecture", "" at the own counter */
    ADD_TEXT("correction", "peer") "UPDATE correction SET peer = 'national' WHERE origin <> 0",

    /* the record of use by day and record (usage.h), and up to which row it was filed */
    "DROP INDEX usage_record;"
    "CREATE TABLE usage_filed (day TEXT NOT NULL, record TEXT NOT NULL, usage BIGINT NOT NULL, PRIMARY KEY (day, record, usage));"
    "CREATE TABLE filing (until BIGINT NOT NULL);"
    "INSERT INTO filing (until) VALUES (0)",
};

const size_t registry_migration_count = sizeof registry_migrations / sizeof registry_migrations[0];

/* What grows with the nation. A record and its history are asked for in their municipality, a certificate by its serial
 * number, a number by itself, cards by whose they are, what happened to one by its number; notices are kept by who sent them, uses by what was used. */
static const struct {
    const char *table, *column;
} spread_tables[] = {
    { "resident", "municipality" }, { "history", "municipality" }, { "received", "municipality" },
    { "link", "serial" },           { "location", "key" },         { "card", "code" },
    { "card_event", "card" },       { "usage", "record" },
    { "usage_filed", "record" },
};

#define SPREAD_TABLES (sizeof spread_tables / sizeof spread_tables[0])

enum rc schema_spread(struct store *store, int parts, struct err *err)
{
    enum rc rc = parts < 0 || parts > SCHEMA_PARTITIONS_MAX ? err_set(err, RC_RANGE, "partitions: 0 (none) to %d", SCHEMA_PARTITIONS_MAX)
                                                            : RC_OK;
    for (size_t i = 0; !rc && i < SPREAD_TABLES; i++)
        rc = store_spread(store, spread_tables[i].table, spread_tables[i].column, parts, err);
    return rc;
}

static enum rc schema_wanted(struct store *store, int *parts, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'partitions'", NULL, &s, err);
    *parts = rc ? SCHEMA_PARTITIONS : (int)column_integer(s, 0);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc schema_settle(struct store *store, struct err *err)
{
    int parts, wanted;
    enum rc rc = store_begin(store, err);
    if (!rc)
        rc = schema_wanted(store, &wanted, err);
    for (size_t i = 0; !rc && wanted && i < SPREAD_TABLES; i++) {
        rc = store_parts(store, spread_tables[i].table, &parts, err);
        if (!rc && !parts)
            rc = store_spread(store, spread_tables[i].table, spread_tables[i].column, wanted, err);
    }
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

enum rc schema_keep_partitions(struct store *store, int parts, struct err *err)
{
    enum rc rc = schema_spread(store, parts, err);
    return rc ? rc : store_run(store, "INSERT INTO setting (name, value) VALUES ('partitions', CAST(?1 AS TEXT)) ON CONFLICT (name) "
                                      "DO UPDATE SET value = CAST(?1 AS TEXT)", BINDS(BIND_INTEGER(parts)), NULL, err);
}

enum rc schema_shape(struct store *from, struct store *to, struct err *err)
{
    struct statement *s = NULL;
    int parts = 0;
    enum rc rc = store_row(from, "SELECT count(*) FROM migration", NULL, &s, err);
    bool older = !rc && column_integer(s, 0) < (int64_t)registry_migration_count;
    statement_done(s);
    if (rc || older) /* the next start brings it up to date, and partitions it */
        return rc;
    rc = store_row(from, "SELECT role FROM node", NULL, &s, err);
    bool national = !rc && strcmp(column_text(s, 0), "national") == 0;
    statement_done(s);
    if (rc == RC_NOT_FOUND)
        rc = RC_OK;
    if (!rc && national)
        rc = schema_wanted(from, &parts, err);
    return rc ? rc : schema_spread(to, parts, err);
}
