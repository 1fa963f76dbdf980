/* provide_many.c — the keys of many requests at once: where they are in one statement, their records in another,
 * whatever the number of requests. What a statement does not settle (former states, a changed code, more than one) is
 * left to provide_look. */
#include "registry/provide_parts.h"

#include "registry/ledger_row.h"
#include "registry/location.h"
#include "store/storerows.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define RESIDENT_COLUMNS "r.code, r.municipality, r.revision, r.removed, r.successor, " LEDGER_FIELDS
#define ATTRIBUTES 4 /* parameters of a key by attributes, and its place in the list */

/* The texts for so many keys: of fewer the rest are empty, which nobody is. */
static struct many_texts {
    size_t keys;
    char numbers[2000], people[4000];
} texts[] = { { .keys = 1 }, { .keys = 8 }, { .keys = PROVIDE_TOGETHER } };

static void many_text(char *out, size_t size, const char *begin, size_t keys, int columns, const char *end)
{
    snprintf(out, size, "%s", begin);
    store_places(out, size, keys, columns);
    strncat(out, end, size - strlen(out) - 1);
}

static void many_write_texts(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct many_texts *t = &texts[i];
        many_text(t->numbers, sizeof t->numbers, "WITH wanted (number) AS (VALUES ", t->keys, 1,
                  ") SELECT " RESIDENT_COLUMNS ", l.key FROM wanted w JOIN location l ON l.key = w.number "
                  "JOIN resident r ON r.code = l.code AND r.municipality = l.municipality");
        many_text(t->people, sizeof t->people, "WITH wanted (place, wanted_birth, wanted_address, wanted_municipality) AS (VALUES ", t->keys,
                  ATTRIBUTES,
                  ") SELECT " RESIDENT_COLUMNS ", w.place FROM wanted w JOIN resident r ON r.birth = w.wanted_birth AND "
                  "r.municipality = w.wanted_municipality AND r.address = w.wanted_address WHERE r.successor = ''");
    }
}

/* The smallest that so many keys fit in. */
static const struct many_texts *many_texts_for(size_t count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct many_texts *t = texts;
    pthread_once(&once, many_write_texts);
    while (t->keys < count)
        t++;
    return t;
}

static bool many_by_number(const struct provide_key *key)
{
    return key->code[0] || key->number[0];
}

static const char *many_number(const struct provide_key *key)
{
    return key->code[0] ? key->code : key->number;
}

static void many_settle(const struct provide_key *key, struct provided *found)
{
    found->settled = !found->row.successor[0] && provide_agrees(key, found->names, &found->row.resident);
    found->result = found->row.removed ? PROVIDE_REMOVED : PROVIDE_ONE;
}

/* By the number's place. A number of several codes is not settled here. */
static enum rc many_numbers(struct store *store, const struct provide_key *const *keys, struct provided *const *found,
                            size_t count, struct err *err)
{
    const struct many_texts *t = many_texts_for(count);
    struct statement *s = NULL;
    bool one[PROVIDE_TOGETHER] = {0}, several[PROVIDE_TOGETHER] = {0};
    enum rc rc = store_prepare(store, t->numbers, &s, err);
    for (size_t i = 0; !rc && i < t->keys; i++)
        bind_text(s, (int)i + 1, i < count && many_by_number(keys[i]) ? many_number(keys[i]) : "");
    while (!rc && !(rc = statement_step(s, err))) {
        const char *code = column_text(s, 0), *number = column_text(s, 5 + RECORD_FIELDS);
        for (size_t i = 0; i < count; i++) {
            if (!many_by_number(keys[i]) || strcmp(many_number(keys[i]), number) != 0)
                continue;
            several[i] = several[i] || (one[i] && strcmp(found[i]->row.resident.code, code) != 0);
            one[i] = true;
            ledger_read_row(s, 0, &found[i]->row);
            many_settle(keys[i], found[i]);
        }
    }
    statement_done(s);
    for (size_t i = 0; i < count; i++)
        found[i]->settled = found[i]->settled && !several[i];
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
    const struct many_texts *t = many_texts_for(count);
    struct statement *s = NULL;
    int registered[PROVIDE_TOGETHER] = {0};
    enum rc rc = store_prepare(store, t->people, &s, err);
    for (int i = 0; !rc && i < (int)t->keys; i++) {
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
    bool numbers = false, people = false;
    char municipality[7];
    bool together = !store_is_apart(store); /* a join would ask every server, for all its rows */
    for (size_t i = 0; i < count; i++) {
        found[i]->settled = false;
        numbers = numbers || (together && many_by_number(keys[i]));
        people = people || (together && many_is_person(keys[i], municipality));
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
