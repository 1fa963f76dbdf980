/* location.c — codes and numbers, and the municipalities that they are looked for in. */
#include "registry/location.h"

#include "pki/municipality.h"
#include "registry/record.h"

#include <string.h>

enum rc location_find(struct store *store, const char *code, char municipality[7], struct err *err)
{
    return store_text(store, "SELECT municipality FROM location WHERE key = ?1 AND code = ?1",
                      BINDS(BIND_TEXT(code)), municipality, 7, err);
}

enum rc location_of_number(struct store *store, const char *number, struct location *locations, size_t *count,
                           struct err *err)
{
    struct statement *s = NULL;
    size_t have = 0;
    enum rc rc = store_query(store, "SELECT code, municipality FROM location WHERE key = ?1 ORDER BY code",
                             BINDS(BIND_TEXT(number)), &s, err);
    while (!rc && have < LOCATIONS_MAX && !(rc = statement_step(s, err))) {
        column_copy(s, 0, locations[have].code, sizeof locations->code);
        column_copy(s, 1, locations[have].municipality, sizeof locations->municipality);
        have++;
    }
    statement_done(s);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    *count = have;
    return RC_OK;
}

enum rc location_of_card(struct store *store, const char *card, struct location *location, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT code, municipality FROM location WHERE key = ?1", BINDS(BIND_TEXT(card)), &s, err);
    if (!rc) {
        column_copy(s, 0, location->code, sizeof location->code);
        column_copy(s, 1, location->municipality, sizeof location->municipality);
    }
    statement_done(s);
    return rc;
}

/* A number is one card's: what stood there before is another holder's or another municipality's, and is over. */
enum rc location_put_card(struct store *store, const char *card, const struct location *location, struct err *err)
{
    enum rc rc = store_run(store, "DELETE FROM location WHERE key = ?1", BINDS(BIND_TEXT(card)), NULL, err);
    return rc ? rc : store_run(store, "INSERT INTO location (key, code, municipality) VALUES (?1, ?2, ?3)",
                               BINDS(BIND_TEXT(card), BIND_TEXT(location->code), BIND_TEXT(location->municipality)), NULL, err);
}

void location_of_address(const char *address, char municipality[7])
{
    size_t count, longest = 0, prefecture = 0;
    const struct municipality *rows = municipality_rows(&count);
    const char *last = NULL; /* the prefectures stand together */
    bool within = false;
    municipality[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (rows[i].prefecture != last) {
            last = rows[i].prefecture;
            prefecture = strlen(last);
            within = strncmp(address, last, prefecture) == 0;
        }
        size_t name = within ? strlen(rows[i].name) : 0;
        if (name > longest && strncmp(address + prefecture, rows[i].name, name) == 0) {
            longest = name; /* a ward begins with its city */
            memcpy(municipality, rows[i].code, 7);
        }
    }
}

static enum rc location_write(struct store *store, const char *key, const struct resident *resident, struct err *err)
{
    return store_run(store,
                     "INSERT INTO location (key, code, municipality) VALUES (?1, ?2, ?3) ON CONFLICT (key, code) "
                     "DO UPDATE SET municipality = ?3",
                     BINDS(BIND_TEXT(key), BIND_TEXT(resident->code), BIND_TEXT(resident->municipality)), NULL, err);
}

enum rc location_put(struct store *store, const struct resident *before, const struct resident *now, struct err *err)
{
    const char *number = now->particulars.personal_number, *former = before ? before->particulars.personal_number : "";
    bool moved = !before || strcmp(before->municipality, now->municipality) != 0;
    bool renumbered = strcmp(former, number) != 0;
    enum rc rc = moved ? location_write(store, now->code, now, err) : RC_OK;
    if (!rc && renumbered && former[0])
        rc = store_run(store, "DELETE FROM location WHERE key = ?1 AND code = ?2",
                       BINDS(BIND_TEXT(former), BIND_TEXT(now->code)), NULL, err);
    if (!rc && number[0] && (moved || renumbered))
        rc = location_write(store, number, now, err);
    return rc;
}
