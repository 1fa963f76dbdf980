/* front.c — routes as rows; the work is done in issue, revoke and publish under one lock. */
#include "ca/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "ca/approval.h"
#include "ca/ceremony.h"
#include "ca/confine.h"
#include "ca/hall.h"
#include "ca/issue.h"
#include "ca/ocspbox.h"
#include "ca/office.h"
#include "ca/opsanchors.h"
#include "ca/publish.h"
#include "ca/revoke.h"
#include "ca/seal.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TICK 500            /* milliseconds between looks at what is due */
#define SWEEP_SECONDS 3600
#define LINKS_MAX 64        /* certificates in one event */

static enum rc handle_cmp(struct hall *hall, enum authority authority, const struct request *request,
                          struct response *response, struct err *err)
{
    if (!request->content_type || strncmp(request->content_type, "application/pkixcmp", 19) != 0)
        return err_set(err, RC_FORMAT, "the content type must be application/pkixcmp");
    enum rc rc = cmpserver_answer(&hall->cmp, authority, request->peer, request->body, &response->body, err);
    if (!rc)
        response->content_type = "application/pkixcmp";
    return rc;
}

static enum rc handle_cmp_sign(void *context, const struct request *request, struct response *response, struct err *err)
{
    return handle_cmp(context, AUTHORITY_SIGN, request, response, err);
}

static enum rc handle_cmp_auth(void *context, const struct request *request, struct response *response, struct err *err)
{
    return handle_cmp(context, AUTHORITY_AUTH, request, response, err);
}

static enum rc hall_health(struct hall *hall, json_t *authorities, int64_t *event, struct err *err)
{
    enum rc rc = book_last_event(hall->ca->store, event, err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        struct book_counts counts;
        char issued[CLOCK_TEXT_SIZE];
        rc = book_count(hall->ca->store, a, &counts, err);
        if (rc)
            break;
        clock_format(counts.crl_issued, issued);
        json_array_append_new(authorities,
                              json_pack("{s:s,s:I,s:I,s:I,s:I,s:s}", "authority", authority_name(a), "certificates",
                                        (json_int_t)counts.certificates, "active", (json_int_t)counts.active, "revoked",
                                        (json_int_t)counts.revoked, "crl_number", (json_int_t)counts.crl_number,
                                        "crl_issued", issued));
    }
    return rc;
}

static enum rc handle_health(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct hall *hall = context;
    json_t *authorities = json_array();
    int64_t event = 0;
    ca_lock(hall->ca);
    enum rc rc = hall_check_peer(hall, request->peer, err);
    if (!rc)
        rc = hall_health(hall, authorities, &event, err);
    ca_unlock(hall->ca);
    if (rc) {
        json_decref(authorities);
        return rc;
    }
    return hall_answer(json_pack("{s:o,s:I}", "authorities", authorities, "event", (json_int_t)event), response);
}

static enum rc event_links(const json_t *body, struct revoke_link links[LINKS_MAX], size_t *count, struct err *err)
{
    json_t *list;
    enum rc rc = json_want_array(body, "certificates", &list, err);
    if (!rc && json_array_size(list) > LINKS_MAX)
        rc = err_set(err, RC_RANGE, "more than %d certificates in one event", LINKS_MAX);
    for (size_t i = 0; !rc && i < json_array_size(list); i++) {
        const char *authority;
        rc = json_want_text(json_array_get(list, i), "authority", 8, &authority, err);
        if (!rc && authority_parse(authority, &links[i].authority))
            rc = err_set(err, RC_FORMAT, "no such authority");
        if (!rc)
            rc = json_want_text(json_array_get(list, i), "serial", BOOK_SERIAL_SIZE - 1, &links[i].serial, err);
        if (!rc && (!links[i].serial[0] || strspn(links[i].serial, "0123456789ABCDEF") != strlen(links[i].serial)))
            rc = err_set(err, RC_FORMAT, "a serial number is upper-case hex");
    }
    if (!rc)
        *count = json_array_size(list);
    return rc;
}

/* 409 that says which sequence must come. */
static enum rc answer_gap(int64_t expected, const struct err *why, struct response *response)
{
    json_t *json = json_error(RC_CONFLICT, err_text(why, RC_CONFLICT));
    if (json)
        json_object_set_new(json, "expected", json_integer((json_int_t)expected));
    response->status = net_status_of_rc(RC_CONFLICT);
    return hall_answer(json, response);
}

static enum rc handle_events(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct hall *hall = context;
    struct revoke_link links[LINKS_MAX];
    size_t count = 0;
    json_t *body = NULL;
    const char *event = NULL, *time = NULL;
    int64_t sequence = 0, expected = 0, when;
    enum rc rc = json_read(request->body, &body, err);
    if (!rc)
        rc = json_want_integer(body, "sequence", &sequence, err);
    if (!rc && sequence < 1)
        rc = err_set(err, RC_FORMAT, "sequences begin at 1");
    if (!rc)
        rc = json_want_text(body, "event", 40, &event, err);
    if (!rc)
        rc = json_want_text(body, "time", CLOCK_TEXT_SIZE - 1, &time, err);
    if (!rc && clock_parse(time, &when))
        rc = err_set(err, RC_FORMAT, "the time is not RFC 3339 in UTC");
    if (!rc)
        rc = event_links(body, links, &count, err);
    if (!rc) {
        ca_lock(hall->ca);
        rc = hall_check_peer(hall, request->peer, err);
        if (!rc)
            rc = revoke_on_event(hall->ca, sequence, event, time, links, count, &expected, err);
        ca_unlock(hall->ca);
    }
    json_decref(body);
    if (rc == RC_CONFLICT && expected)
        return answer_gap(expected, err, response);
    return rc ? rc : hall_answer(json_pack("{s:I}", "sequence", (json_int_t)sequence), response);
}

static enum rc handle_certificate(void *context, const struct request *request, struct response *response,
                                  struct err *err)
{
    struct hall *hall = context;
    struct book_cert row = { 0 };
    char name[8] = "", revoked_at[CLOCK_TEXT_SIZE], not_after[CLOCK_TEXT_SIZE];
    enum authority authority;
    const char *slash = strchr(request->rest, '/');
    if (!slash || (size_t)(slash - request->rest) >= sizeof name)
        return err_set(err, RC_NOT_FOUND, "no such certificate");
    memcpy(name, request->rest, (size_t)(slash - request->rest));
    if (authority_parse(name, &authority))
        return err_set(err, RC_NOT_FOUND, "no such authority");
    ca_lock(hall->ca);
    enum rc rc = hall_check_peer(hall, request->peer, err);
    if (!rc)
        rc = book_find_serial(hall->ca->store, authority, slash + 1, &row, err);
    ca_unlock(hall->ca);
    if (!rc && strcmp(request->peer->municipality, "000000") != 0 && strcmp(row.municipality, request->peer->municipality) != 0)
        rc = RC_NOT_FOUND; /* another municipality's: not even that it exists */
    if (rc) {
        book_cert_wipe(&row);
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such certificate") : rc;
    }
    clock_format(row.revoked_at, revoked_at);
    clock_format(row.not_after, not_after);
    enum book_state state = book_cert_state(&row);
    json_t *json = json_pack("{s:s,s:s}", "state", book_state_name(state == BOOK_RECORDED ? BOOK_PENDING : state),
                             "not_after", not_after);
    if (json && row.revoked_at) {
        json_object_set_new(json, "reason", json_string(revoke_reason_name(row.reason)));
        json_object_set_new(json, "revoked_at", json_string(revoked_at));
    }
    book_cert_wipe(&row);
    return hall_answer(json, response);
}

#define ROLES_ANY ((1u << ROLE_COUNT) - 2u)
#define ROLES_LOOKING (ROLE_BIT(ROLE_AUDITOR) | ROLE_BIT(ROLE_ADMINISTRATOR))

static const struct route routes[] = {
    { "GET", "/v1/health", ROLES_ANY, handle_health },
    { "POST", "/cmp/sign", ROLE_BIT(ROLE_DESK_OFFICER), handle_cmp_sign },
    { "POST", "/cmp/auth", ROLE_BIT(ROLE_DESK_OFFICER), handle_cmp_auth },
    { "POST", "/v1/events", ROLE_BIT(ROLE_NODE_NATIONAL), handle_events },
    { "GET", "/v1/certificates/*", ROLE_BIT(ROLE_DESK_OFFICER) | ROLE_BIT(ROLE_NODE_NATIONAL) | ROLE_BIT(ROLE_CA) | ROLE_BIT(ROLE_REVOKER) |
          ROLES_LOOKING,
      handle_certificate },
    { "GET", "/v1/approvals", ROLE_BIT(ROLE_APPROVER) | ROLES_LOOKING, office_list },
    { "GET", "/v1/approvals/*", ROLE_BIT(ROLE_APPROVER) | ROLES_LOOKING, office_show },
    { "POST", "/v1/approvals/*", ROLE_BIT(ROLE_APPROVER), office_decide },
    { "POST", "/v1/revocations", ROLE_BIT(ROLE_REVOKER) | ROLE_BIT(ROLE_ADMINISTRATOR), office_revoke },
    { "GET", "/v1/reports", ROLES_LOOKING, office_report },
    { "GET", "/v1/audit", ROLE_BIT(ROLE_AUDITOR), office_audit },
    { "GET", "/metrics", ROLES_LOOKING, office_metrics },
    { 0 },
};

const struct route *front_routes(void)
{
    return routes;
}

/* Answers that no desk has come for in the time that a certificate has to be confirmed. */
static enum rc hall_sweep(struct hall *hall, struct err *err)
{
    int64_t now = clock_now();
    if (now < hall->swept + SWEEP_SECONDS)
        return RC_OK;
    hall->swept = now;
    return approval_sweep_waits(hall->ca->store, now - hall->ca->config.pending_seconds, err);
}

/* What the clock asks for. A failure of one is logged and tried again at the next tick, and holds up no other. */
static void hall_tick(struct hall *hall)
{
    size_t expired = 0, responders = 0;
    struct err errs[4] = { 0 };
    ca_lock(hall->ca);
    enum rc rcs[4] = { issue_expire_pending(hall->ca, &expired, &errs[0]), seal_trail(hall->ca, false, &errs[1]),
                       hall_sweep(hall, &errs[2]) };
    ca_unlock(hall->ca);
    rcs[3] = ocspbox_serve(hall->ca, &responders, &errs[3]);
    for (int i = 0; i < 4; i++)
        if (rcs[i])
            log_error("the clock's work: %s", err_text(&errs[i], rcs[i]));
    if (expired)
        log_warning("%zu certificates were not confirmed in time and are revoked", expired);
}

/* Lists that are due, on time whatever else goes on: a book handle of its own, no lock but the list's. */
static void *hall_lists(void *context)
{
    struct hall *hall = context;
    do {
        size_t lists;
        struct err err = { 0 };
        enum rc rc = publish_due(hall->lister, &lists, &err);
        if (rc)
            log_error("lists that are due: %s", err_text(&err, rc));
    } while (!proc_wait(TICK));
    return NULL;
}

static enum rc hall_recover(struct hall *hall, struct err *err)
{
    size_t lists = 0;
    enum rc rc = issue_recover(hall->ca, err);
    if (!rc)
        rc = publish_repair(hall->ca, &lists, err);
    if (!rc && lists)
        log_warning("%zu lists were recorded and not handed over, and are made again", lists);
    return rc;
}

/* Its state, where the pid file goes; what is published it only reads. */
static enum rc hall_confine(const struct hall *hall, const struct front *front, struct err *err)
{
    char folder[600];
    confine_folder_of(front->pid_file, folder, sizeof folder);
    const struct confine room = { .name = "intake", .sockets = true, .connects = store_is_remote(hall->ca->config.store),
                                  .read = { "/usr", "/lib", "/lib64", "/etc/ssl", "/etc/gnutls", "/etc/localtime",
                                            hall->ca->config.publication },
                                  .write = { "/dev/null", hall->ca->folder, front->pid_file ? folder : NULL } };
    return confine_process(&room, err);
}

static enum rc hall_serve(struct hall *hall, const struct front *front, const struct identity *identity,
                          struct err *err)
{
    struct server *server = NULL;
    struct server_settings settings = { .bind = front->bind, .port = front->port, .body_max = CMPSERVER_BODY_MAX,
                                        .identity = identity, .routes = routes, .context = hall };
    bool lists = false;
    enum rc rc = hall_recover(hall, err);
    if (!rc)
        rc = ca_open_beside(hall->ca, &hall->lister, err);
    if (!rc)
        rc = hall_confine(hall, front, err);
    if (!rc) {
        hall_tick(hall);
        rc = server_start(&settings, &server, err);
    }
    if (!rc) {
        lists = pthread_create(&hall->lists, NULL, hall_lists, hall) == 0;
        rc = lists ? RC_OK : err_set(err, RC_NOMEM, "no thread for the lists");
    }
    if (!rc) {
        printf("listening on port %u\n", server_port(server));
        fflush(stdout);
        rc = confine_close_network(err);
    }
    if (!rc)
        rc = proc_pid_file(front->pid_file, err);
    confine_try("intake", hall->ca->folder);
    while (!rc && !proc_wait(TICK))
        hall_tick(hall);
    server_stop(server);
    if (lists) {
        (void)kill(getpid(), SIGTERM); /* after a failure too: the thread waits for the stop signal */
        pthread_join(hall->lists, NULL);
    }
    ca_close(hall->lister);
    if (!rc)
        rc = seal_trail(hall->ca, true, err);
    return rc;
}

/* Clients may have certificates of a key that was made since. */
static void hall_refresh_anchors(const struct ca *ca, const char *folder)
{
    struct err err = { 0 };
    bool changed = false;
    enum rc rc = opsanchors_refresh(ca->config.publication, folder, &changed, &err);
    if (rc)
        log_warning("%s/ca.pem may lack a key of the operations authority: %s", folder, err_text(&err, rc));
    else if (changed)
        log_info("%s/ca.pem trusts the keys of the operations authority as they are now", folder);
}

enum rc front_run(const struct front *front, struct err *err)
{
    struct hall hall = { 0 };
    struct identity identity = { 0 };
    struct peer self;
    int lock = -1;
    enum rc rc = ceremony_lock(front->state, &lock, err);
    if (!rc)
        rc = ca_open_serving(front->program, front->state, front->publication, !front->no_publisher, &hall.ca, err);
    if (!rc)
        hall_refresh_anchors(hall.ca, front->identity);
    if (!rc)
        rc = identity_open(front->identity, &identity, err);
    if (!rc)
        rc = cmpserver_open(hall.ca, &identity, &hall.cmp, err);
    if (!rc) {
        unsigned char *der = NULL;
        int len = i2d_X509(hall.cmp.cert, &der);
        rc = len > 0 ? peer_from_cert(bytes_of(der, (size_t)len), &self, err) : RC_NOMEM;
        OPENSSL_free(der);
    }
    if (!rc && self.role != ROLE_CA)
        rc = err_set(err, RC_DENIED, "the identity in %s has the role %s, not ca", front->identity, role_name(self.role));
    if (!rc)
        rc = hall_serve(&hall, front, &identity, err);
    cmpserver_close(&hall.cmp);
    ca_close(hall.ca);
    identity_close(&identity);
    if (lock >= 0)
        close(lock);
    return rc;
}
