/* certlink.c — certificates and their residents. */
#include "registry/certlink.h"

#include <stdio.h>
#include <string.h>

enum rc certlink_find(struct store *store, enum authority authority, const char *serial, struct certlink *link,
                      struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT code, revision, not_after, recorded, notice, changed, removed FROM link "
                           "WHERE authority = ?1 AND serial = ?2",
                           BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(serial)), &s, err);
    if (!rc) {
        *link = (struct certlink) {
            .certificate = { .authority = authority, .not_after = column_integer(s, 2) },
            .revision = column_integer(s, 1), .recorded = column_integer(s, 3), .notice = column_integer(s, 4),
            .changed = column_integer(s, 5), .removed = column_integer(s, 6),
        };
        snprintf(link->certificate.serial, sizeof link->certificate.serial, "%s", serial);
        column_copy(s, 0, link->code, sizeof link->code);
    }
    statement_done(s);
    return rc;
}

enum rc certlink_add(struct store *store, const struct certlink *link, struct err *err)
{
    return store_run(store,
                     "INSERT INTO link (authority, serial, code, revision, not_after, recorded, notice, "
                     "changed, removed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                     BINDS(BIND_TEXT(authority_name(link->certificate.authority)), BIND_TEXT(link->certificate.serial),
                           BIND_TEXT(link->code), BIND_INTEGER(link->revision),
                           BIND_INTEGER(link->certificate.not_after), BIND_INTEGER(link->recorded),
                           BIND_INTEGER(link->notice), BIND_INTEGER(link->changed), BIND_INTEGER(link->removed)),
                     NULL, err);
}

enum rc certlink_mark(struct store *store, const char *code, enum effect effect, int64_t since, struct err *err)
{
    if (effect == EFFECT_NONE || effect == EFFECT_CARD) /* a void card says nothing of its holder */
        return RC_OK;
    return store_run(store,
                     effect == EFFECT_CHANGED
                     ? "UPDATE link SET changed = ?2 WHERE code = ?1 AND changed = 0"
                     : effect == EFFECT_ABROAD /* 継続利用: the authentication certificate goes on */
                     ? "UPDATE link SET removed = ?2 WHERE code = ?1 AND removed = 0 AND authority = 'sign'"
                     : "UPDATE link SET removed = ?2 WHERE code = ?1 AND removed = 0",
                     BINDS(BIND_TEXT(code), BIND_INTEGER(since)), NULL, err);
}

enum rc certlink_collect(struct store *store, const char *sql, const struct bind *binds, struct certificate *certificates,
                         size_t *count, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_query(store, sql, binds, &s, err);
    if (rc)
        return rc;
    size_t have = 0;
    while (!(rc = statement_step(s, err))) {
        if (have == NOTICE_CERTIFICATES)
            rc = err_set(err, RC_BUG, "more certificates than a notice has");
        else
            rc = certificate_name(column_text(s, 0), column_text(s, 1), &certificates[have], err);
        if (rc)
            break;
        certificates[have++].not_after = column_integer(s, 2);
    }
    statement_done(s);
    if (rc != RC_NOT_FOUND)
        return rc;
    *count = have;
    return RC_OK;
}

enum rc certlink_of_notice(struct store *store, int64_t notice, struct certificate *certificates, size_t *count,
                           struct err *err)
{
    return certlink_collect(store, "SELECT authority, serial, not_after FROM link WHERE notice = ?1 ORDER BY authority, serial",
                            BINDS(BIND_INTEGER(notice)), certificates, count, err);
}

enum rc certlink_confirm(struct store *store, enum authority authority, const char *serial, struct confirmation *out,
                         struct err *err)
{
    struct certlink link;
    struct confirmation confirmation = { .status = CONFIRM_UNKNOWN };
    enum rc rc = certlink_find(store, authority, serial, &link, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    if (!rc) {
        confirmation.status = link.removed ? CONFIRM_REMOVED : link.changed ? CONFIRM_CHANGED : CONFIRM_CURRENT;
        /* From the earlier of the two on it was no longer so: a signature made between them must not pass. */
        bool changed_first = link.changed && (!link.removed || link.changed < link.removed);
        confirmation.since = changed_first ? link.changed : link.removed;
    }
    *out = confirmation;
    return RC_OK;
}
