/* provide_many.c — the keys of many requests at once: where they are in one statement, their records in another,
 * whatever the number of requests. What a statement does not settle (former states, a changed code, more than one) is
 * left to provide_look. */
#include "registry/provide_parts.h"

#include "registry/ledger_row.h"
#include "registry/location.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define RESIDENT_COLUMNS "r.code, r.municipality, r.revision, r.removed, r.successor, " LEDGER_FIELDS
#define ATTRIBUTES 4 /* parameters of a key by attributes, and its place in the list */

/* The texts, each for PROVIDE_TOGETHER keys: of fewer the rest are empty, which nobody is. */
static struct {
    char locations[400], residents[1600], people[3200];
} texts;

static void many_values(char *out, size_t size, const char *begin, int columns, const char *end)
{
    size_t used = (size_t)snprintf(out, size, "%s", begin);
    for (int i = 0; i < PROVIDE_TOGETHER * columns && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s?%d%s",
                                 i % columns ? ", "
                                 : i         ? ", ("
                                             : "(",
                                 i + 1, i % columns == columns - 1 ? ")" : "");
    snprintf(out + used, size - used, "%s", end);
}

static void many_texts(void)
{
    size_t used = (size_t)snprintf(texts.locations, sizeof texts.locations,
                                   "SELECT key, code, municipality FROM location WHERE key IN (");
    for (int i = 0; i < PROVIDE_TOGETHER; i++)
        used += (size_t)snprintf(texts.locations + used, sizeof texts.locations - used, "%s?%d", i ? ", " : "", i + 1);
    snprintf(texts.locations + used, sizeof texts.locations - used, ")");
    many_values(texts.residents, sizeof texts.residents, "WITH wanted (code, municipality) AS (VALUES ", 2,
                ") SELECT " RESIDENT_COLUMNS
                " FROM wanted w JOIN resident r ON r.code = w.code AND r.municipality = w.municipality");
    many_values(texts.people, sizeof texts.people,
                "WITH wanted (place, wanted_birth, wanted_address, wanted_municipality) AS (VALUES ", ATTRIBUTES,
                ") SELECT " RESIDENT_COLUMNS ", w.place FROM wanted w JOIN resident r ON r.birth = w.wanted_birth AND "
                "r.municipality = w.wanted_municipality AND r.address = w.wanted_address WHERE r.successor = ''");
}

static bool many_by_number(const struct provide_key *key)
{
    return key->code[0] || key->number[0];
}

static const char *many_number(const struct provide_key *key)
{
    return key->code[0] ? key->code : key->number;
}

/* Where the numbers are. A number of several codes has no place. */
static enum rc many_locate(struct store *store, const struct provide_key *const *keys, size_t count,
                           struct location *at, struct err *err)
{
    struct statement *s = NULL;
    bool several[PROVIDE_TOGETHER] = {0};
    enum rc rc = store_prepare(store, texts.locations, &s, err);
    for (size_t i = 0; !rc && i < PROVIDE_TOGETHER; i++)
        bind_text(s, (int)i + 1, i < count && many_by_number(keys[i]) ? many_number(keys[i]) : "");
    while (!rc && !(rc = statement_step(s, err))) {
        const char *number = column_text(s, 0), *code = column_text(s, 1), *municipality = column_text(s, 2);
        for (size_t i = 0; i < count; i++) {
            if (!many_by_number(keys[i]) || strcmp(number, many_number(keys[i])) != 0)
                continue;
            several[i] = at[i].code[0] != '\0';
            snprintf(at[i].code, sizeof at[i].code, "%s", code);
            snprintf(at[i].municipality, sizeof at[i].municipality, "%s", municipality);
        }
    }
    statement_done(s);
    for (size_t i = 0; i < count; i++)
        if (several[i])
            at[i] = (struct location){0};
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static void many_settle(const struct provide_key *key, struct provided *found)
{
    found->settled = !found->row.successor[0] && provide_agrees(key, found->names, &found->row.resident);
    found->result = found->row.removed ? PROVIDE_REMOVED : PROVIDE_ONE;
}

static enum rc many_numbers(struct store *store, const struct provide_key *const *keys, struct provided *const *found,
                            size_t count, struct err *err)
{
    struct location at[PROVIDE_TOGETHER] = {0};
    struct statement *s = NULL;
    enum rc rc = many_locate(store, keys, count, at, err);
    if (!rc)
        rc = store_prepare(store, texts.residents, &s, err);
    for (int i = 0; !rc && i < PROVIDE_TOGETHER; i++) {
        bind_text(s, 2 * i + 1, at[i].code);
        bind_text(s, 2 * i + 2, at[i].municipality);
    }
    while (!rc && !(rc = statement_step(s, err))) {
        const char *code = column_text(s, 0);
        for (size_t i = 0; i < count; i++)
            if (!found[i]->settled && at[i].code[0] && strcmp(at[i].code, code) == 0) {
                ledger_read_row(s, 0, &found[i]->row);
                many_settle(keys[i], found[i]);
            }
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* Birth and an address that says its municipality: one partition. What the name may mean is judged here. */
static bool many_is_person(const struct provide_key *key, char municipality[7])
{
    municipality[0] = '\0';
    if (many_by_number(key) || !key->birth[0] || !key->address[0])
        return false;
    location_of_address(key->address, municipality);
    return municipality[0] != '\0';
}

static enum rc many_people(struct store *store, const struct provide_key *const *keys, struct provided *const *found,
                           size_t count, struct err *err)
{
    struct statement *s = NULL;
    int registered[PROVIDE_TOGETHER] = {0};
    enum rc rc = store_prepare(store, texts.people, &s, err);
    for (int i = 0; !rc && i < PROVIDE_TOGETHER; i++) {
        char municipality[7];
        bool person = false;
        municipality[0] = '\0';
        if ((size_t)i < count)
            person = many_is_person(keys[i], municipality);
        bind_integer(s, ATTRIBUTES * i + 1, i);
        bind_text(s, ATTRIBUTES * i + 2, person ? keys[i]->birth : "");
        bind_text(s, ATTRIBUTES * i + 3, person ? keys[i]->address : "");
        bind_text(s, ATTRIBUTES * i + 4, municipality);
    }
    while (!rc && !(rc = statement_step(s, err))) {
        struct ledger_row row;
        size_t i = (size_t)column_integer(s, 5 + RECORD_FIELDS);
        ledger_read_row(s, 0, &row);
        if (i >= count || row.removed || !provide_agrees(keys[i], found[i]->names, &row.resident))
            continue; /* one that was struck out counts when there is no other: provide_look's */
        registered[i]++;
        found[i]->row = row;
        found[i]->result = PROVIDE_ONE;
    }
    statement_done(s);
    for (size_t i = 0; i < count; i++)
        found[i]->settled = found[i]->settled || registered[i] == 1;
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc provide_look_many(struct store *store, const struct provide_key *const *keys, struct provided *const *found,
                          size_t count, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool numbers = false, people = false;
    char municipality[7];
    pthread_once(&once, many_texts);
    for (size_t i = 0; i < count; i++) {
        found[i]->settled = false;
        numbers = numbers || many_by_number(keys[i]);
        people = people || many_is_person(keys[i], municipality);
    }
    enum rc rc = numbers ? many_numbers(store, keys, found, count, err) : RC_OK;
    if (!rc && people)
        rc = many_people(store, keys, found, count, err);
    for (size_t i = 0; !rc && i < count; i++)
        if (found[i]->settled)
            found[i]->match = provide_matched(keys[i], found[i]->names, &found[i]->row.resident);
        else
            rc =
                provide_look(store, keys[i], found[i]->names, &found[i]->result, &found[i]->row, &found[i]->match, err);
    return rc;
}
