/* revoke.c — rows for reasons and events; one transaction a revocation or event. */
#include "ca/revoke.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "ca/trail.h"
#include "pki/cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const reason_names[] = { "unspecified",        "keyCompromise", "cACompromise",
                                            "affiliationChanged", "superseded",    "cessationOfOperation",
                                            "certificateHold" };
enum { REASON_COUNT = sizeof reason_names / sizeof reason_names[0] };

/* 公的個人認証法 12, 31 and what municipalities do (docs/PROFILE.md): reasons for sign and auth, -1 for none. */
static const struct {
    const char *event;
    int sign, auth;
} events[] = {
    { "attributes-changed", REVOKE_AFFILIATION_CHANGED, -1 },
    { "removed", REVOKE_AFFILIATION_CHANGED, REVOKE_AFFILIATION_CHANGED },
    { "removed-abroad", REVOKE_AFFILIATION_CHANGED, -1 }, /* with 継続利用: the card stays */
    { "card-lost", REVOKE_HOLD, REVOKE_HOLD },
    { "card-returned", REVOKE_CESSATION, REVOKE_CESSATION },
};

const char *revoke_reason_name(int reason)
{
    return reason >= 0 && reason < REASON_COUNT ? reason_names[reason] : "?";
}

enum rc revoke_reason_parse(const char *text, int *reason)
{
    for (int i = 0; i < REASON_COUNT; i++) {
        char number[4];
        snprintf(number, sizeof number, "%d", i);
        if (strcmp(text, reason_names[i]) == 0 || strcmp(text, number) == 0) {
            *reason = i;
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
}

enum rc revoke_event_reason(const char *event, enum authority authority, int *reason)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (strcmp(events[i].event, event) == 0) {
            *reason = authority == AUTHORITY_SIGN ? events[i].sign : authority == AUTHORITY_AUTH ? events[i].auth : -1;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

/* Inside a transaction. */
static enum rc revoke_row(struct ca *ca, const struct book_cert *row, int reason, const char *actor, const char *why,
                          struct err *err)
{
    char subject[64];
    int64_t revocation;
    snprintf(subject, sizeof subject, "%s %s", authority_name(row->authority), row->serial);
    enum rc rc = trail_append(ca->store, actor, "revoked", subject, &revocation, err, "%s: %s",
                              revoke_reason_name(reason), why);
    if (!rc)
        rc = book_set_revoked(ca->store, row->id, clock_now(), reason, revocation, err);
    if (!rc)
        log_info("revoked %s (%s)", subject, revoke_reason_name(reason));
    return rc;
}

static enum rc revoke_found(struct ca *ca, enum rc rc, const struct book_cert *row, int reason, const char *actor,
                            const char *why, struct err *err)
{
    if (!rc && row->revoked_at && row->reason != reason)
        rc = err_set(err, RC_STATE, "the certificate is revoked already (%s)", revoke_reason_name(row->reason));
    else if (!rc && !row->revoked_at) {
        rc = revoke_row(ca, row, reason, actor, why, err);
        if (!rc)
            rc = store_commit(ca->store, err);
    }
    store_rollback(ca->store);
    fault_point("ca.after_revoke");
    return rc;
}

enum rc revoke_certificate(struct ca *ca, enum authority authority, const char *serial, int reason, const char *actor,
                           const char *why, struct err *err)
{
    struct book_cert row = { 0 };
    fault_point("ca.before_revoke");
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_find_serial(ca->store, authority, serial, &row, err);
    if (rc == RC_NOT_FOUND)
        err_set(err, rc, "no certificate %s of authority %s", serial, authority_name(authority));
    rc = revoke_found(ca, rc, &row, reason, actor, why, err);
    book_cert_wipe(&row);
    return rc;
}

enum rc revoke_by_id(struct ca *ca, int64_t id, int reason, const char *actor, const char *why, struct err *err)
{
    struct book_cert row = { 0 };
    fault_point("ca.before_revoke");
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_find_id(ca->store, id, &row, err);
    rc = revoke_found(ca, rc, &row, reason, actor, why, err);
    book_cert_wipe(&row);
    return rc;
}

enum rc revoke_replaced(struct ca *ca, int64_t id, const char *actor, const char *successor, struct err *err)
{
    struct book_cert row = { 0 };
    char why[80];
    snprintf(why, sizeof why, "renewed by %s", successor);
    enum rc rc = book_find_id(ca->store, id, &row, err);
    if (!rc && !row.revoked_at)
        rc = revoke_row(ca, &row, REVOKE_SUPERSEDED, actor, why, err);
    book_cert_wipe(&row);
    return rc;
}

#define GENERATION_STEP 256 /* certificates in one transaction */

/* As many as one transaction takes. *count 0: nothing was left. */
static enum rc revoke_some(struct ca *ca, enum authority authority, unsigned generation, const char *actor, size_t *count,
                           struct err *err)
{
    int64_t ids[GENERATION_STEP];
    size_t found = 0;
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_list_living(ca->store, authority, generation, clock_now(), ids, GENERATION_STEP, &found, err);
    for (size_t i = 0; !rc && i < found; i++) {
        struct book_cert row = { 0 };
        rc = book_find_id(ca->store, ids[i], &row, err);
        if (!rc)
            rc = revoke_row(ca, &row, REVOKE_CA_COMPROMISE, actor, "the authority's key is compromised", err);
        book_cert_wipe(&row);
    }
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    fault_point("ca.after_compromise");
    *count = found;
    return rc;
}

enum rc revoke_generation(struct ca *ca, enum authority authority, unsigned generation, const char *actor, size_t *count,
                          struct err *err)
{
    size_t some = 0;
    enum rc rc = RC_OK;
    *count = 0;
    if (!ca_cert(ca, authority, generation))
        return err_set(err, RC_NOT_FOUND, "authority %s has no key %u", authority_name(authority), generation);
    do {
        rc = revoke_some(ca, authority, generation, actor, &some, err);
        *count += rc ? 0 : some;
    } while (!rc && some);
    return rc;
}

enum rc revoke_check_key(struct ca *ca, enum authority authority, unsigned generation, struct err *err)
{
    struct buf serial = { 0 };
    int64_t revoked_at = 0;
    int reason = 0;
    enum rc rc = cert_serial(ca_cert(ca, authority, generation), &serial);
    const char *text = rc ? NULL : buf_string(&serial);
    if (!rc)
        rc = text ? book_status(ca->store, authority, generation, text, &revoked_at, &reason, err) : RC_NOMEM;
    buf_wipe(&serial);
    if (!rc && revoked_at)
        return err_set(err, RC_STATE, "key %u of authority %s is revoked (%s): it issues nothing more", generation,
                       authority_name(authority), revoke_reason_name(reason));
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* One certificate of an event, inside its transaction. */
static enum rc revoke_linked(struct ca *ca, const char *event, const struct revoke_link *link, const char *actor,
                             struct err *err)
{
    struct book_cert row = { 0 };
    char subject[64];
    int reason;
    enum rc rc = revoke_event_reason(event, link->authority, &reason);
    if (rc || reason < 0)
        return rc;
    snprintf(subject, sizeof subject, "%s %s", authority_name(link->authority), link->serial);
    rc = book_find_serial(ca->store, link->authority, link->serial, &row, err);
    if (rc == RC_NOT_FOUND) {
        log_warning("an event names %s, which is not in the book", subject);
        rc = trail_append(ca->store, actor, "unknown", subject, NULL, err, "%s", event);
    } else if (!rc && !row.revoked_at) {
        rc = revoke_row(ca, &row, reason, actor, event, err);
    }
    book_cert_wipe(&row);
    return rc;
}

enum rc revoke_on_event(struct ca *ca, int64_t sequence, const char *event, const char *time,
                        const struct revoke_link *links, size_t count, int64_t *expected, struct err *err)
{
    int64_t last;
    int reason;
    char actor[40];
    if (revoke_event_reason(event, AUTHORITY_SIGN, &reason))
        return err_set(err, RC_FORMAT, "'%s' is no event of the registry", event);
    snprintf(actor, sizeof actor, "registry event %lld", (long long)sequence);
    fault_point("ca.before_event");
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_last_event(ca->store, &last, err);
    if (!rc && sequence > last + 1) {
        *expected = last + 1;
        rc = err_set(err, RC_CONFLICT, "event %lld cannot come before event %lld", (long long)sequence,
                     (long long)(last + 1));
    } else if (!rc && sequence == last + 1) {
        for (size_t i = 0; !rc && i < count; i++)
            rc = revoke_linked(ca, event, &links[i], actor, err);
        if (!rc)
            rc = book_add_event(ca->store, sequence, event, time, err);
        if (!rc)
            rc = store_commit(ca->store, err);
    }
    store_rollback(ca->store);
    fault_point("ca.after_event");
    return rc;
}
