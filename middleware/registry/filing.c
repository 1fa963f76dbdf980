/* filing.c — the record of use into its index. */
#include "registry/filing.h"

#include "base/clock.h"
#include "base/fault.h"
#include "registry/day.h"
#include "store/storerows.h"


#define FILING_PORTION 2000  /* rows in a transaction: others wait for it */
#define FILING_BUSY 1000     /* uses a second: while there are more, filing waits for a better time, */
#define FILING_MOST 1000000  /* but not when so many rows are to be filed: to look through them takes a part of a second */
#define FILING_RECORD 64     /* more than a code or a serial number has is nobody's record */
#define FILING_BRIEF 20000   /* so many at a time otherwise, so that it ends when others come */

struct filing_portion {
    struct {
        int64_t id;
        char day[11], record[FILING_RECORD];
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

/* Up to this row they are filed, or nobody's. */
static enum rc filing_mark(void *context, struct store *store, struct err *err)
{
    const int64_t *until = context;
    return store_run(store, "UPDATE filing SET until = ?1", BINDS(BIND_INTEGER(*until)), NULL, err);
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
        column_copy(rows, 2, portion->rows[portion->count++].record, FILING_RECORD);
    }
    return rc;
}

/* Row by row in the order of the index, in portions: whoever asks meanwhile waits for one of them. After a crash some are filed already. */
static enum rc filing_file(struct filing *filing, int64_t after, int64_t until, struct err *err)
{
    struct statement *rows = NULL;
    struct filing_portion portion;
    enum rc rc = store_query(filing->reader, "SELECT id, time, record FROM usage WHERE id > ?1 AND id <= ?2 AND record <> '' AND action <> 'denied' "
                                             "AND length(record) < ?3 ORDER BY day, record, id",
                             BINDS(BIND_INTEGER(after), BIND_INTEGER(until), BIND_INTEGER(FILING_RECORD)), &rows, err);
    while (!rc) {
        enum rc taken = filing_take(rows, &portion, err);
        rc = taken == RC_NOT_FOUND ? RC_OK : taken;
        if (!rc && portion.count)
            rc = storegroup_run(filing->group, filing_write, &portion, err);
        if (taken)
            break;
    }
    statement_done(rows);
    return rc ? rc : storegroup_run(filing->group, filing_mark, &until, err);
}

/* Up to which row it is filed, and the newest. */
static enum rc filing_look(struct filing *filing, int64_t *filed, int64_t *newest, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(filing->reader, "SELECT until, (SELECT coalesce(max(id), 0) FROM usage) FROM filing", NULL, &s, err);
    *filed = rc ? 0 : column_integer(s, 0);
    *newest = rc ? 0 : column_integer(s, 1);
    statement_done(s);
    return rc;
}

enum rc filing_deliver(void *context, struct err *err)
{
    struct filing *filing = context;
    int64_t filed, newest, now = clock_ticks();
    enum rc rc = filing_look(filing, &filed, &newest, err);
    if (rc)
        return rc;
    bool busy = (newest - filing->newest) * 1000 > FILING_BUSY * (now - filing->looked), much = newest - filed >= FILING_MOST;
    filing->newest = newest;
    filing->looked = now;
    if (newest <= filed || (busy && !much))
        return RC_NOT_FOUND;
    int64_t most = much ? FILING_MOST : FILING_BRIEF;
    return filing_file(filing, filed, newest - filed < most ? newest : filed + most, err);
}

enum rc filing_all(struct filing *filing, int64_t *rows, struct err *err)
{
    int64_t filed, newest;
    enum rc rc = filing_look(filing, &filed, &newest, err);
    *rows = newest > filed ? newest - filed : 0;
    return rc || !*rows ? rc : filing_file(filing, filed, newest, err);
}
