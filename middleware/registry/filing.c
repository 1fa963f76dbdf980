/* filing.c — the record of use into its index. */
#include "registry/filing.h"

#include "base/clock.h"
#include "base/fault.h"
#include "registry/day.h"
#include "registry/usage.h"
#include "store/storerows.h"


#define FILING_PORTION 2000  /* rows in a transaction: others wait for it */
#define FILING_BUSY 1000     /* uses a second: while there are more, filing waits for a better time, */
#define FILING_MOST 1000000  /* but not when so many rows are to be filed: to look through them takes a part of a second */
#define FILING_BRIEF 20000   /* so many at a time otherwise, so that it ends when others come */

struct filing_portion {
    struct {
        int64_t id;
        char day[11], record[USAGE_RECORD_SIZE];
    } rows[FILING_PORTION];
    size_t count;
};

static void filing_bind(void *context, struct statement *s, int first, size_t row)
{
    const struct filing_portion *portion = context;
    bind_text(s, first, portion->rows[row].day);
    bind_text(s, first + 1, portion->rows[row].record);
    bind_integer(s, first + 2, portion->rows[row].id);
}

static enum rc filing_write(void *context, struct store *store, struct err *err)
{
    const struct store_rows rows = { "INSERT INTO usage_filed (day, record, usage) VALUES ", " ON CONFLICT (day, record, usage) DO NOTHING", 3,
                                     filing_bind, context };
    const struct filing_portion *portion = context;
    enum rc rc = store_insert(store, &rows, portion->count, err);
    fault_point("registry.before_filed");
    return rc;
}

/* What is not filed yet: the rows behind one up to another, and that one's time. */
struct filing_range {
    int64_t after, until, time;
};

/* Not when rows were erased meanwhile: a number whose row is gone may be given again, and its next row is to be filed, too. What has
 * been filed of erased ones goes with the next erasure, by its day. */
static enum rc filing_mark(void *context, struct store *store, struct err *err)
{
    const struct filing_range *range = context;
    return store_run(store, "UPDATE filing SET until = ?1 WHERE EXISTS (SELECT 1 FROM usage WHERE id = ?1 AND time = ?2)",
                     BINDS(BIND_INTEGER(range->until), BIND_INTEGER(range->time)), NULL, err);
}

/* A portion out of the rows as they come. RC_NOT_FOUND: they are at their end, and it may be empty. */
static enum rc filing_take(struct statement *rows, struct filing_portion *portion, struct err *err)
{
    enum rc rc = RC_OK;
    for (portion->count = 0; !rc && portion->count < FILING_PORTION;) {
        rc = statement_step(rows, err);
        if (rc)
            break;
        portion->rows[portion->count].id = column_integer(rows, 0);
        day_of(column_integer(rows, 1), portion->rows[portion->count].day);
        column_copy(rows, 2, portion->rows[portion->count++].record, USAGE_RECORD_SIZE);
    }
    return rc;
}

/* Row by row in the order of the index, in portions: whoever asks meanwhile waits for one of them. After a crash some are filed already. */
static enum rc filing_file(struct filing *filing, struct filing_range *range, struct err *err)
{
    struct statement *rows = NULL;
    struct filing_portion portion;
    enum rc rc = store_query(filing->reader, "SELECT id, time, record FROM usage WHERE id > ?1 AND id <= ?2 AND record <> '' AND action <> 'denied' "
                                             "AND length(record) < ?3 ORDER BY day, record, id",
                             BINDS(BIND_INTEGER(range->after), BIND_INTEGER(range->until), BIND_INTEGER(USAGE_RECORD_SIZE)), &rows, err);
    while (!rc) {
        enum rc taken = filing_take(rows, &portion, err);
        rc = taken == RC_NOT_FOUND ? RC_OK : taken;
        if (!rc && portion.count)
            rc = storegroup_run(filing->group, filing_write, &portion, err);
        if (taken)
            break;
    }
    statement_done(rows);
    return rc ? rc : storegroup_run(filing->group, filing_mark, range, err);
}

/* All of them. RC_NOT_FOUND: there are none. */
static enum rc filing_look(struct filing *filing, struct filing_range *range, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_integer(filing->reader, "SELECT until FROM filing", NULL, &range->after, err);
    if (!rc)
        rc = store_row(filing->reader, "SELECT id, time FROM usage WHERE id > ?1 ORDER BY id DESC LIMIT 1", BINDS(BIND_INTEGER(range->after)), &s, err);
    range->until = rc ? range->after : column_integer(s, 0);
    range->time = rc ? 0 : column_integer(s, 1);
    statement_done(s);
    return rc;
}

/* The first of them. */
static enum rc filing_cut(struct filing *filing, struct filing_range *range, int64_t most, struct err *err)
{
    struct statement *s = NULL;
    if (range->until - range->after <= most)
        return RC_OK;
    enum rc rc = store_row(filing->reader, "SELECT id, time FROM (SELECT id, time FROM usage WHERE id > ?1 ORDER BY id LIMIT ?2) first ORDER BY id "
                                           "DESC LIMIT 1", BINDS(BIND_INTEGER(range->after), BIND_INTEGER(most)), &s, err);
    if (!rc) {
        range->until = column_integer(s, 0);
        range->time = column_integer(s, 1);
    }
    statement_done(s);
    return rc;
}

enum rc filing_deliver(void *context, struct err *err)
{
    struct filing *filing = context;
    struct filing_range range = { 0 };
    int64_t now = clock_ticks();
    enum rc rc = filing_look(filing, &range, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    bool busy = (range.until - filing->newest) * 1000 > FILING_BUSY * (now - filing->looked), much = range.until - range.after >= FILING_MOST;
    filing->newest = range.until;
    filing->looked = now;
    if (rc || (busy && !much))
        return RC_NOT_FOUND;
    rc = filing_cut(filing, &range, much ? FILING_MOST : FILING_BRIEF, err);
    return rc ? rc : filing_file(filing, &range, err);
}

enum rc filing_all(struct filing *filing, int64_t *rows, struct err *err)
{
    struct filing_range range = { 0 };
    enum rc rc = filing_look(filing, &range, err);
    *rows = range.until - range.after;
    return rc == RC_NOT_FOUND ? RC_OK : rc ? rc : filing_file(filing, &range, err);
}
