/* report.c — counting in SQL. */
#include "ca/report.h"

#define REASONS 7

static enum rc report_read(struct statement *s, struct report_row *out)
{
    struct report_row row = {.issued = column_integer(s, 2), .confirmed = column_integer(s, 3)};
    const char *authority = column_text(s, 0);
    enum rc rc = authority ? authority_parse(authority, &row.authority) : RC_BUG;
    column_copy(s, 1, row.municipality, sizeof row.municipality);
    for (int i = 0; i < REASONS; i++) {
        row.by_reason[i] = column_integer(s, 4 + i);
        row.revoked += row.by_reason[i];
    }
    if (!rc)
        *out = row;
    return rc;
}

struct telling {
    report_fn each;
    report_trail_fn each_trail;
    void *context;
};

static enum rc report_row_tell(void *context, struct statement *s)
{
    const struct telling *telling = context;
    struct report_row row;
    enum rc rc = report_read(s, &row);
    return rc ? rc : telling->each(telling->context, &row);
}

static enum rc report_trail_tell(void *context, struct statement *s)
{
    const struct telling *telling = context;
    const struct report_trail row = {.sequence = column_integer(s, 0),
                                     .time = column_integer(s, 1),
                                     .actor = column_text(s, 2),
                                     .action = column_text(s, 3),
                                     .subject = column_text(s, 4),
                                     .detail = column_text(s, 5),
                                     .hash = column_blob(s, 6)};
    return telling->each_trail(telling->context, &row);
}

#define REVOKED(reason) ", SUM(CASE WHEN revoked_at >= ?1 AND revoked_at < ?2 AND reason = " #reason " THEN 1 ELSE 0 END)"
#define WITHIN(column) "(" column " >= ?1 AND " column " < ?2)"

enum rc report_each(struct store *store, int64_t from, int64_t to, report_fn each, void *context, struct err *err)
{
    struct telling telling = {.each = each, .context = context};
    return book_each_row(
        store,
        "SELECT authority, municipality, SUM(CASE WHEN " WITHIN("created") " THEN 1 ELSE 0 END), SUM(CASE WHEN "
        WITHIN("confirmed_at") " THEN 1 ELSE 0 END)" REVOKED(0) REVOKED(1) REVOKED(2) REVOKED(3) REVOKED(4) REVOKED(5) REVOKED(6)
        " FROM certificates WHERE certificate IS NOT NULL AND (" WITHIN("created") " OR " WITHIN("confirmed_at") " OR "
        WITHIN("revoked_at") ") GROUP BY authority, municipality ORDER BY authority, municipality",
        BINDS(BIND_INTEGER(from), BIND_INTEGER(to)), report_row_tell, &telling, err);
}

enum rc report_each_trail(struct store *store, int64_t after, int max, report_trail_fn each, void *context,
                          struct err *err)
{
    struct telling telling = {.each_trail = each, .context = context};
    return book_each_row(store,
                         "SELECT sequence, time, actor, action, subject, detail, hash FROM audit WHERE sequence > ?1"
                         " ORDER BY sequence LIMIT ?2",
                         BINDS(BIND_INTEGER(after), BIND_INTEGER(max)), report_trail_tell, &telling, err);
}

enum rc report_count_stale(struct store *store, int64_t now, int64_t *count, struct err *err)
{
    return store_integer(store, "SELECT COUNT(*) FROM lists WHERE next_update <= ?1",
                         BINDS(BIND_INTEGER(now)), count, err);
}
