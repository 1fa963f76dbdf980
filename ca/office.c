/* office.c — the officers' requests: read strictly, done under the lock, answered as JSON. */
#include "ca/office.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "ca/approval.h"
#include "ca/hall.h"
#include "ca/report.h"
#include "ca/revoke.h"
#include "ca/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 200
#define TRAIL_MAX 500
#define JAPAN (9 * 3600) /* reports are about months in Japan */

/* What a handler does under the lock once the peer's certificate is known to count; the value becomes the answer. */
typedef enum rc (*office_work)(struct hall *hall, const struct request *request, void *detail, json_t *answer,
                               struct err *err);

static enum rc office_run(struct hall *hall, const struct request *request, struct response *response, office_work work,
                          void *detail, struct err *err)
{
    json_t *answer = json_object();
    if (!answer)
        return RC_NOMEM;
    ca_lock(hall->ca);
    enum rc rc = hall_check_peer(hall, request->peer, err);
    if (!rc)
        rc = work(hall, request, detail, answer, err);
    ca_unlock(hall->ca);
    if (rc) {
        log_warning("%s %s: %s %s refused: %s", role_name(request->peer->role), request->peer->serial, request->method,
                    request->path, err_text(err, rc));
        json_decref(answer);
        return rc;
    }
    return hall_answer(answer, response);
}

static enum rc office_number(const char *text, int64_t *number, struct err *err)
{
    size_t len = text ? strlen(text) : 0;
    if (!len || len > 15 || strspn(text, "0123456789") != len)
        return err_set(err, RC_FORMAT, "a number is wanted, of at most 15 digits");
    *number = strtoll(text, NULL, 10);
    return RC_OK;
}

static void set_time(json_t *object, const char *member, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    json_object_set_new(object, member, json_string(text));
}

/* --- approvals
 * --------------------------------------------------------------------------------------------------------- */

static json_t *approval_json(const struct approval *a)
{
    json_t *json =
        json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", (json_int_t)a->id, "authority",
                  authority_name(a->authority), "state", approval_state_name(a->state), "request", a->request, "key",
                  a->key_hash, "municipality", a->municipality, "officer", a->officer, "asked_by", a->asked_by);
    set_time(json, "asked", a->created);
    if (a->decided_at) {
        set_time(json, "decided", a->decided_at);
        json_object_set_new(json, "decided_by", json_string(a->decided_by));
        json_object_set_new(json, "why", json_string(a->why));
    }
    return json;
}

static enum rc list_one(void *context, const struct approval *approval)
{
    return json_array_append_new(context, approval_json(approval)) ? RC_NOMEM : RC_OK;
}

static enum rc list_work(struct hall *hall, const struct request *request, void *detail, json_t *answer,
                         struct err *err)
{
    (void)detail;
    json_t *list = json_array();
    enum rc rc = approval_each_waiting(hall->ca->store, request->peer->municipality, LIST_MAX, list_one, list, err);
    json_object_set_new(answer, "approvals", list);
    return rc;
}

enum rc office_list(void *context, const struct request *request, struct response *response, struct err *err)
{
    return office_run(context, request, response, list_work, NULL, err);
}

/* The one place where the attributes are shown: to the officer who judges this request, while it waits. */
static enum rc show_work(struct hall *hall, const struct request *request, void *detail, json_t *answer,
                         struct err *err)
{
    struct approval row = {0};
    const int64_t *id = detail;
    enum rc rc = approval_find(hall->ca->store, *id, &row, err);
    if (!rc && strcmp(request->peer->municipality, "000000") != 0 &&
        strcmp(request->peer->municipality, row.municipality) != 0)
        rc = RC_NOT_FOUND;
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such request") : rc;
    json_t *json = approval_json(&row);
    if (row.state == APPROVAL_WAITING && request->peer->role == ROLE_APPROVER)
        json_object_set_new(json, "attributes",
                            json_pack("{s:s,s:s,s:s,s:s}", "name", row.attributes.name, "birth", row.attributes.birth,
                                      "sex", row.attributes.sex, "address", row.attributes.address));
    if (json_object_update(answer, json))
        rc = RC_NOMEM;
    json_decref(json);
    approval_wipe(&row);
    return rc;
}

enum rc office_show(void *context, const struct request *request, struct response *response, struct err *err)
{
    int64_t id;
    enum rc rc = office_number(request->rest, &id, err);
    return rc ? rc : office_run(context, request, response, show_work, &id, err);
}

struct decision {
    int64_t id;
    bool approve;
    const char *why;
};

static enum rc decide_work(struct hall *hall, const struct request *request, void *detail, json_t *answer,
                           struct err *err)
{
    const struct decision *d = detail;
    enum rc rc = approval_decide(hall->ca, d->id, request->peer, d->approve, d->why, err);
    if (!rc)
        json_object_set_new(answer, "state",
                            json_string(approval_state_name(d->approve ? APPROVAL_APPROVED : APPROVAL_REFUSED)));
    return rc;
}

enum rc office_decide(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct decision decision = {.why = ""};
    json_t *body = NULL;
    const char *word = "";
    enum rc rc = office_number(request->rest, &decision.id, err);
    if (!rc)
        rc = json_read(request->body, &body, err);
    if (!rc)
        rc = json_want_text(body, "decision", 10, &word, err);
    if (!rc && strcmp(word, "approve") != 0 && strcmp(word, "refuse") != 0)
        rc = err_set(err, RC_FORMAT, "decision: approve or refuse");
    if (!rc && json_object_get(body, "why"))
        rc = json_want_text(body, "why", APPROVAL_WHY_MAX, &decision.why, err);
    decision.approve = strcmp(word, "approve") == 0;
    if (!rc)
        rc = office_run(context, request, response, decide_work, &decision, err);
    json_decref(body);
    return rc;
}

/* --- revocations
 * --------------------------------------------------------------------------------------------------------- */

struct ending {
    enum authority authority;
    const char *serial, *why;
    int reason;
};

/* Officers' own certificates are the administrator's, card certificates the revoker's: nobody's role reaches further.
 */
static enum rc revoke_check(struct hall *hall, const struct peer *peer, const struct ending *e, struct err *err)
{
    struct book_cert row = {0};
    bool operations = e->authority == AUTHORITY_OPS;
    if (operations != (peer->role == ROLE_ADMINISTRATOR))
        return err_set(err, RC_DENIED,
                       operations ? "operations certificates are ended by an administrator"
                                  : "card certificates are ended by a revoker");
    if (e->reason == REVOKE_CA_COMPROMISE || (operations && e->reason == REVOKE_HOLD))
        return err_set(err, RC_FORMAT, "reason %s is not one for this", revoke_reason_name(e->reason));
    enum rc rc = book_find_serial(hall->ca->store, e->authority, e->serial, &row, err);
    if (!rc && strcmp(peer->municipality, "000000") != 0 && strcmp(peer->municipality, row.municipality) != 0)
        rc = RC_NOT_FOUND; /* another municipality's: not even that it exists */
    if (rc == RC_NOT_FOUND)
        err_set(err, rc, "no such certificate");
    if (!rc && strcmp(e->serial, peer->serial) == 0 && operations)
        rc = err_set(err, RC_DENIED, "an administrator does not end the own certificate");
    book_cert_wipe(&row);
    return rc;
}

static enum rc revoke_work(struct hall *hall, const struct request *request, void *detail, json_t *answer,
                           struct err *err)
{
    const struct ending *e = detail;
    char officer[161];
    snprintf(officer, sizeof officer, "%s %s", role_name(request->peer->role), request->peer->serial);
    enum rc rc = revoke_check(hall, request->peer, e, err);
    if (!rc)
        rc = revoke_certificate(hall->ca, e->authority, e->serial, e->reason, officer, e->why, err);
    if (!rc)
        json_object_set_new(answer, "state", json_string("revoked"));
    return rc;
}

static bool plain_word(const char *text)
{
    return text[0] && strspn(text, "abcdefghijklmnopqrstuvwxyz-") == strlen(text);
}

enum rc office_revoke(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct ending e = {0};
    json_t *body = NULL;
    const char *authority = NULL, *reason = NULL;
    enum rc rc = json_read(request->body, &body, err);
    if (!rc)
        rc = json_want_text(body, "authority", 8, &authority, err);
    if (!rc && authority_parse(authority, &e.authority))
        rc = err_set(err, RC_FORMAT, "authority: sign, auth or ops");
    if (!rc)
        rc = json_want_text(body, "serial", BOOK_SERIAL_SIZE - 1, &e.serial, err);
    if (!rc && (!e.serial[0] || strspn(e.serial, "0123456789ABCDEF") != strlen(e.serial)))
        rc = err_set(err, RC_FORMAT, "serial: upper-case hex");
    if (!rc)
        rc = json_want_text(body, "reason", 30, &reason, err);
    if (!rc && revoke_reason_parse(reason, &e.reason))
        rc = err_set(err, RC_FORMAT, "reason: none of the CRL's");
    if (!rc)
        rc = json_want_text(body, "why", 40, &e.why, err);
    if (!rc && !plain_word(e.why)) /* it goes into the trail, where no personal data may stand */
        rc = err_set(err, RC_FORMAT, "why: a word of small letters and '-', as holder-request or hotline");
    if (!rc)
        rc = office_run(context, request, response, revoke_work, &e, err);
    json_decref(body);
    return rc;
}

/* --- reports, trail
 * ------------------------------------------------------------------------------------------------------- */

struct month {
    int64_t from, to;
};

static enum rc report_one(void *context, const struct report_row *row)
{
    json_t *reasons = json_object();
    for (int i = 0; i < 7; i++)
        if (row->by_reason[i])
            json_object_set_new(reasons, revoke_reason_name(i), json_integer((json_int_t)row->by_reason[i]));
    json_t *json = json_pack("{s:s,s:s,s:I,s:I,s:I,s:o}", "authority", authority_name(row->authority), "municipality",
                             row->municipality, "issued", (json_int_t)row->issued, "confirmed",
                             (json_int_t)row->confirmed, "revoked", (json_int_t)row->revoked, "reasons", reasons);
    return json_array_append_new(context, json) ? RC_NOMEM : RC_OK;
}

static enum rc report_work(struct hall *hall, const struct request *request, void *detail, json_t *answer,
                           struct err *err)
{
    (void)request;
    const struct month *month = detail;
    json_t *rows = json_array();
    enum rc rc = report_each(hall->ca->store, month->from, month->to, report_one, rows, err);
    json_object_set_new(answer, "rows", rows);
    set_time(answer, "from", month->from);
    set_time(answer, "to", month->to);
    return rc;
}

enum rc office_report(void *context, const struct request *request, struct response *response, struct err *err)
{
    const char *text = request->query(request, "month");
    int year, number;
    char end;
    if (!text || strlen(text) != 7 || sscanf(text, "%4d-%2d%c", &year, &number, &end) != 2 || year < 2000 ||
        number < 1 || number > 12)
        return err_set(err, RC_FORMAT, "month: YYYY-MM");
    struct month month = {clock_from_date(year, number, 1) - JAPAN,
                          clock_from_date(number == 12 ? year + 1 : year, number % 12 + 1, 1) - JAPAN};
    return office_run(context, request, response, report_work, &month, err);
}

static enum rc audit_one(void *context, const struct report_trail *row)
{
    char hash[65] = "";
    if (row->hash.len == 32)
        hex_encode(row->hash, hash);
    json_t *json = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s}", "sequence", (json_int_t)row->sequence, "actor", row->actor,
                             "action", row->action, "subject", row->subject, "detail", row->detail, "hash", hash);
    set_time(json, "time", row->time);
    return json_array_append_new(context, json) ? RC_NOMEM : RC_OK;
}

static enum rc audit_work(struct hall *hall, const struct request *request, void *detail, json_t *answer,
                          struct err *err)
{
    (void)request;
    json_t *rows = json_array();
    enum rc rc = report_each_trail(hall->ca->store, *(const int64_t *)detail, TRAIL_MAX, audit_one, rows, err);
    json_object_set_new(answer, "rows", rows);
    return rc;
}

enum rc office_audit(void *context, const struct request *request, struct response *response, struct err *err)
{
    const char *text = request->query(request, "after");
    int64_t after = 0;
    enum rc rc = text ? office_number(text, &after, err) : RC_OK;
    return rc ? rc : office_run(context, request, response, audit_work, &after, err);
}

/* --- metrics
 * --------------------------------------------------------------------------------------------------------------- */

static enum rc metric(struct buf *out, const char *name, const char *labels, int64_t value)
{
    char line[200];
    int len = snprintf(line, sizeof line, "%s%s %lld\n", name, labels, (long long)value);
    return len > 0 && (size_t)len < sizeof line ? buf_append(out, line, (size_t)len) : RC_BUG;
}

static enum rc metric_head(struct buf *out, const char *name, const char *kind, const char *help)
{
    char line[300];
    int len = snprintf(line, sizeof line, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
    return len > 0 && (size_t)len < sizeof line ? buf_append(out, line, (size_t)len) : RC_BUG;
}

static const struct {
    const char *name, *kind, *help;
} families[] = {
    {"jpki_ca_certificates", "gauge", "Certificates in the book."},
    {"jpki_ca_certificates_active", "gauge", "Confirmed and not revoked."},
    {"jpki_ca_certificates_revoked", "gauge", "Revoked."},
    {"jpki_ca_crl_number", "gauge", "The highest number of a revocation list."},
    {"jpki_ca_crl_age_seconds", "gauge", "Age of the oldest revocation list."},
};

static int64_t family_value(size_t family, const struct book_counts *c, int64_t now)
{
    const int64_t values[] = {c->certificates, c->active, c->revoked, c->crl_number,
                              c->crl_issued ? now - c->crl_issued : 0};
    return values[family];
}

static enum rc metrics_authorities(struct ca *ca, struct buf *out, struct err *err)
{
    struct book_counts counts[AUTHORITY_COUNT];
    enum rc rc = RC_OK;
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = book_count(ca->store, a, &counts[a], err);
    for (size_t i = 0; !rc && i < sizeof families / sizeof families[0]; i++) {
        rc = metric_head(out, families[i].name, families[i].kind, families[i].help);
        for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
            char label[32];
            snprintf(label, sizeof label, "{authority=\"%s\"}", authority_name(a));
            rc = metric(out, families[i].name, label, family_value(i, &counts[a], clock_now()));
        }
    }
    return rc;
}

static enum rc metrics_all(struct hall *hall, const struct request *request, struct buf *out, struct err *err)
{
    struct ca *ca = hall->ca;
    int64_t event = 0, waiting = 0, stale = 0, rows = 0;
    uint8_t hash[32];
    enum rc rc = hall_check_peer(hall, request->peer, err);
    if (!rc)
        rc = metrics_authorities(ca, out, err);
    if (!rc)
        rc = book_last_event(ca->store, &event, err);
    if (!rc)
        rc = approval_count_waiting(ca->store, &waiting, err);
    if (!rc)
        rc = report_count_stale(ca->store, clock_now(), &stale, err);
    if (!rc)
        rc = trail_head(ca->store, &rows, hash, err);
    const struct {
        const char *name, *kind, *help;
        int64_t value;
    } singles[] = {
        {"jpki_ca_event_sequence", "gauge", "The last event of the registry that was applied.", event},
        {"jpki_ca_approvals_waiting", "gauge", "Requests that wait for a second officer.", waiting},
        {"jpki_ca_crl_stale", "gauge", "Revocation lists whose validity is over.", stale},
        {"jpki_ca_audit_rows_total", "counter", "Rows of the audit trail.", rows},
    };
    for (size_t i = 0; !rc && i < sizeof singles / sizeof singles[0]; i++) {
        rc = metric_head(out, singles[i].name, singles[i].kind, singles[i].help);
        if (!rc)
            rc = metric(out, singles[i].name, "", singles[i].value);
    }
    return rc;
}

enum rc office_metrics(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct hall *hall = context;
    ca_lock(hall->ca);
    enum rc rc = metrics_all(hall, request, &response->body, err);
    ca_unlock(hall->ca);
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return rc;
}
