/* spare.c — the stock of codes. */
#include "registry/spare.h"

#include "base/clock.h"
#include "base/random.h"
#include "registry/code.h"
#include "registry/ledger.h"

#include <stdio.h>
#include <string.h>

#define COUNTER "codes-asked"

enum rc spare_left(struct store *store, int64_t *left, struct err *err)
{
    return ledger_count(store, "SELECT count(*) FROM spare WHERE given = 0", left, err);
}

static enum rc spare_pick(struct store *store, int64_t left, char code[12], struct err *err)
{
    uint64_t chance;
    enum rc rc = random_bytes(&chance, sizeof chance);
    if (!rc)
        rc = store_text(store, "SELECT code FROM spare WHERE given = 0 ORDER BY code LIMIT 1 OFFSET ?1",
                        BINDS(BIND_INTEGER((int64_t)(chance % (uint64_t)left))), code, 12, err);
    if (rc)
        return rc;
    return store_run(store, "UPDATE spare SET given = ?2 WHERE code = ?1",
                     BINDS(BIND_TEXT(code), BIND_INTEGER(clock_now())), NULL, err);
}

enum rc spare_draw(struct store *store, char code[12], struct err *err)
{
    for (;;) {
        struct ledger_row row;
        int64_t left = 0;
        enum rc rc = spare_left(store, &left, err);
        if (!rc && left == 0)
            rc = err_set(err, RC_RANGE, "no 住民票コード is left: the national node has been asked for more");
        if (!rc)
            rc = spare_pick(store, left, code, err);
        if (!rc)
            rc = ledger_find_code(store, code, &row, err); /* one that a resident has already is passed over */
        if (rc)
            return rc == RC_NOT_FOUND ? RC_OK : rc;
    }
}

enum rc spare_request(struct store *store, char request[32], struct err *err)
{
    int64_t last = 0;
    enum rc rc = store_integer(store, "SELECT last FROM counter WHERE name = '" COUNTER "'", NULL, &last, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    snprintf(request, 32, "codes-%lld", (long long)last + 1);
    return RC_OK;
}

static enum rc spare_close(struct store *store, const char *request, struct err *err)
{
    char next[32];
    enum rc rc = spare_request(store, next, err);
    if (rc || strcmp(next, request) != 0) /* answered before */
        return rc;
    return store_run(store,
                     "INSERT INTO counter (name, last) VALUES ('" COUNTER "', 1) "
                     "ON CONFLICT (name) DO UPDATE SET last = counter.last + 1",
                     NULL, NULL, err);
}

enum rc spare_stock(struct store *store, const char *request, const char *const *codes, size_t count, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc =
        store_prepare(store, "INSERT INTO spare (code, given) VALUES (?1, 0) ON CONFLICT (code) DO NOTHING", &s, err);
    for (size_t i = 0; !rc && i < count; i++) {
        if (code_check(codes[i]))
            rc = err_set(err, RC_FORMAT, "a spare code has a wrong check digit");
        if (rc)
            break;
        bind_text(s, 1, codes[i]);
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return rc ? rc : spare_close(store, request, err);
}
