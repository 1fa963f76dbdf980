/* forget.c — by id, from the oldest: each transaction looks for the next ones. */
#include "ca/forget.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/opt.h"
#include "ca/trail.h"
#include "ca/validity.h"

#include <stdio.h>

#define BATCH 256

struct batch {
    int64_t ids[BATCH];
    char subjects[BATCH][sizeof "sign " + BOOK_SERIAL_SIZE];
    int count;
};

int64_t forget_limit(int64_t now)
{
    return validity_years(now, -FORGET_YEARS); /* the day before the one that is ten years ago has ended then */
}

#define OVER " FROM certificates WHERE municipality <> '' AND not_after <= ?1"

enum rc forget_count(struct ca *ca, int64_t *count, struct err *err)
{
    return store_integer(ca->store, "SELECT COUNT(*)" OVER, BINDS(BIND_INTEGER(forget_limit(clock_now()))), count, err);
}

static enum rc batch_take(void *context, struct statement *s)
{
    struct batch *batch = context;
    int i = batch->count++;
    batch->ids[i] = column_integer(s, 0);
    snprintf(batch->subjects[i], sizeof batch->subjects[i], "%s %s", column_text(s, 1), column_text(s, 2));
    return RC_OK;
}

static enum rc batch_find(struct store *store, int64_t after, struct batch *batch, struct err *err)
{
    batch->count = 0;
    return book_each_row(store, "SELECT id, authority, serial" OVER " AND id > ?2 ORDER BY id LIMIT ?3",
                         BINDS(BIND_INTEGER(forget_limit(clock_now())), BIND_INTEGER(after), BIND_INTEGER(BATCH)),
                         batch_take, batch, err);
}

/* What names the certificate goes before it. */
static enum rc forget_one(struct store *store, int64_t id, const char *subject, struct err *err)
{
    static const char *const steps[] = {
        "DELETE FROM transactions WHERE certificate = ?1",
        "UPDATE certificates SET replaces = NULL WHERE replaces = ?1",
        "DELETE FROM certificates WHERE id = ?1",
    };
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < sizeof steps / sizeof steps[0]; i++)
        rc = store_run(store, steps[i], BINDS(BIND_INTEGER(id)), NULL, err);
    return rc ? rc : trail_append(store, "clock", "forgotten", subject, NULL, err, "%d years after its end", FORGET_YEARS);
}

static enum rc forget_batch(struct store *store, const struct batch *batch, struct err *err)
{
    enum rc rc = store_begin(store, err);
    for (int i = 0; !rc && i < batch->count; i++)
        rc = forget_one(store, batch->ids[i], batch->subjects[i], err);
    fault_point("forget.before_commit");
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    fault_point("forget.after_commit");
    return rc;
}

enum rc forget_run(struct ca *ca, int64_t *count, struct err *err)
{
    static struct batch batch;
    enum rc rc = RC_OK;
    *count = batch.count = 0;
    do {
        rc = batch_find(ca->store, batch.count ? batch.ids[batch.count - 1] : 0, &batch, err);
        if (!rc && batch.count)
            rc = forget_batch(ca->store, &batch, err);
        *count += rc ? 0 : batch.count;
    } while (!rc && batch.count);
    return rc;
}

int forget_main(int argc, char **argv)
{
    const char *state = NULL;
    bool dry = false;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--dry-run", NULL, "only count", OPT_FLAG, &dry, false },
        { 0 },
    };
    int status;
    int64_t count = 0;
    struct err err = { 0 };
    struct ca *ca = NULL;
    if (opt_only("jpki-ca store forget [OPTIONS]",
                 "Forgets certificates, and the requests for them, ten years after the day after their end. The trail keeps their\n"
                 "numbers. From a timer, once a month; beside serve.",
                 opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    if (!rc)
        rc = dry ? forget_count(ca, &count, &err) : forget_run(ca, &count, &err);
    if (!rc)
        printf("%lld certificates %s\n", (long long)count, dry ? "to be forgotten" : "forgotten");
    ca_close(ca);
    return opt_end(rc, &err);
}
