/* ordinance_node.c — the routes of a municipal node for services by ordinance and for kiosks. */
#include "net/json.h"
#include "pki/cert.h"
#include "registry/copies.h"
#include "registry/kiosk.h"
#include "registry/municipal.h"
#include "registry/ordinance.h"
#include "registry/service_node.h"

#include <stdio.h>
#include <string.h>

#define PLACE_MAX 100

enum rc service_on_services(void *context, const struct request *request, struct response *response, struct err *err)
{
    (void)request;
    struct node *node = context;
    json_t *array = NULL;
    pthread_mutex_lock(&node->lock);
    enum rc rc = ordinance_list(node->store, &array, err);
    pthread_mutex_unlock(&node->lock);
    return rc ? rc
              : node_answer(response,
                            json_pack("{s:s, s:o}", "municipality", node->self.municipality, "services", array), err);
}

enum rc service_on_service_offer(void *context, const struct request *request, struct response *response,
                                 struct err *err)
{
    return service_once(context, request, "service_offer", ordinance_offer, NULL, response, err);
}

enum rc service_on_service_choose(void *context, const struct request *request, struct response *response,
                                  struct err *err)
{
    return service_once(context, request, "service_choose", ordinance_choose, NULL, response, err);
}

enum rc service_on_service_leave(void *context, const struct request *request, struct response *response,
                                 struct err *err)
{
    return service_once(context, request, "service_leave", ordinance_leave, NULL, response, err);
}

enum rc service_on_service_paper(void *context, const struct request *request, struct response *response,
                                 struct err *err)
{
    return service_once(context, request, "service_paper", ordinance_paper, NULL, response, err);
}

enum rc service_on_service_use(void *context, const struct request *request, struct response *response, struct err *err)
{
    return service_once(context, request, "service_use", ordinance_use, (void *)(uintptr_t)request->peer->name,
                        response, err);
}

/* --- sheets
 * --------------------------------------------------------------------------------------------------------------- */

/* Where a sheet comes from: a service on the card, or a kiosk. */
struct sheet {
    struct copies_issue issue;
    enum service service;
    const char *card, *place, *peer;
};

/* The sheet and the record of the service's use, in one transaction. */
static enum rc sheet_make(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    struct sheet *sheet = context;
    enum rc rc = ordinance_record(store, sheet->service, sheet->card, sheet->place, sheet->peer, err);
    return rc ? rc : copies_make(&sheet->issue, store, body, answer, err);
}

/* Recalls the request, or collects and makes; the node's lock is held. */
static enum rc sheet_issue(struct node *node, const struct peer *peer, const json_t *body, struct sheet *sheet,
                           const struct copies_wish *wish, json_t **answer, struct err *err)
{
    json_t *items = NULL;
    enum rc rc = copies_collect(node->store, peer, sheet->issue.action, wish, &items, err);
    sheet->issue.identity = node_document_seal(node);
    sheet->issue.issuer = sheet->issue.home = node->self.municipality;
    sheet->issue.asker = peer->serial;
    sheet->issue.items = items;
    sheet->peer = peer->name;
    if (!rc)
        rc = asked_once(node->store, "copy", body, sheet_make, sheet, answer, err);
    json_decref(items);
    return rc;
}

/* A sheet out of a service that the holder chose: a copy, or a form with their particulars. */
static enum rc sheet_of_service(struct node *node, const struct peer *peer, const json_t *body, const char *serial,
                                json_t **answer, struct err *err)
{
    (void)serial;
    const char *name, *card, *place;
    struct card_row row;
    struct ledger_row holder;
    struct sheet sheet = {0};
    enum rc rc;
    if ((rc = json_want_text(body, "service", 16, &name, err)) || (rc = json_want_text(body, "card", 64, &card, err)) ||
        (rc = json_want_text(body, "place", PLACE_MAX, &place, err)))
        return rc;
    if (service_parse(name, &sheet.service) || (sheet.service != SERVICE_VENDING && sheet.service != SERVICE_FORMS))
        return err_set(err, RC_FORMAT, "service: vending or forms");
    rc = ordinance_may_use(node->store, sheet.service, card, &row, err);
    if (!rc)
        rc = ledger_find_code(node->store, row.code, &holder, err);
    if (rc)
        return rc;
    sheet.card = row.card;
    sheet.place = place;
    sheet.issue.form = sheet.service == SERVICE_FORMS;
    sheet.issue.action = sheet.issue.form ? COPIES_FORM : COPIES_VENDING;
    const struct copies_wish wish = {.code = row.code, .name = holder.resident.attributes.name, .card = row.card};
    rc = sheet_issue(node, peer, body, &sheet, &wish, answer, err);
    explicit_bzero(&holder, sizeof holder);
    return rc;
}

/* The certificate that was presented, judged before anything is locked: another machine is asked. Caller frees *serial. */
static enum rc sheet_judge_presented(const struct node *node, const json_t *body, struct buf *serial, struct err *err)
{
    const char *hex;
    X509 *cert = NULL;
    enum rc rc = json_want_text(body, "certificate", 20000, &hex, err);
    if (!rc)
        rc = presented_parse(hex, &cert, err);
    if (!rc && !node->auth.authorities)
        rc = err_set(err, RC_STATE, "this node knows no authority of authentication certificates (serve --auth-ca)");
    if (!rc)
        rc = cert_serial(cert, serial);
    if (!rc && !buf_string(serial))
        rc = RC_NOMEM;
    if (!rc)
        rc = presented_judge(&node->auth, cert, err);
    X509_free(cert);
    return rc;
}

/* A copy at a kiosk: the authentication certificate, which has been judged, says who it is. */
static enum rc sheet_of_kiosk(struct node *node, const struct peer *peer, const json_t *body, const char *serial,
                              json_t **answer, struct err *err)
{
    struct card_row row;
    struct resident holder;
    struct copies_wish wish = {0};
    struct sheet sheet = {.service = SERVICE_KIOSK, .place = peer->name, .issue = {.action = COPIES_KIOSK}};
    enum rc rc;
    if ((rc = json_want_bool(body, "relation", &wish.relation, err)) ||
        (rc = json_want_bool(body, "number", &wish.number, err)) ||
        (rc = json_want_bool(body, "show_code", &wish.show_code, err)) ||
        (rc = kiosk_check_open(node->store, err)) ||
        (rc = kiosk_find_holder(node->store, serial, &holder, &row, err)))
        return rc;
    wish.code = row.code;
    wish.name = holder.attributes.name;
    sheet.card = row.card;
    rc = sheet_issue(node, peer, body, &sheet, &wish, answer, err);
    explicit_bzero(&holder, sizeof holder);
    return rc;
}

typedef enum rc (*sheet_make_fn)(struct node *node, const struct peer *peer, const json_t *body, const char *serial,
                                 json_t **answer, struct err *err);

/* Recalls the request, or makes the sheet; serial of the certificate that was judged, NULL where there is none. */
static enum rc sheet_handle(struct node *node, const struct peer *peer, const json_t *body, sheet_make_fn make,
                            const char *serial, struct response *response, struct err *err)
{
    json_t *answer = NULL;
    pthread_mutex_lock(&node->lock);
    enum rc rc = asked_find(node->store, "copy", body, &answer, err);
    if (rc == RC_NOT_FOUND)
        rc = make(node, peer, body, serial, &answer, err);
    pthread_mutex_unlock(&node->lock);
    return rc ? rc : node_answer(response, answer, err);
}

enum rc service_on_service_sheet(void *context, const struct request *request, struct response *response,
                                 struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc)
        rc = sheet_handle(node, request->peer, body, sheet_of_service, NULL, response, err);
    json_decref(body);
    return rc;
}

/* A certificate that was not taken is in the record of use, under its number when it has one. */
static void sheet_refused(struct node *node, const struct peer *peer, const char *serial, enum rc why)
{
    char record[48];
    snprintf(record, sizeof record, "auth/%.41s", serial ? serial : "");
    node_record(node, peer, COPIES_KIOSK, record, why);
}

enum rc service_on_copy_kiosk(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *known = NULL;
    struct buf serial = {0};
    enum rc rc = node_body(request, &body, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = asked_find(node->store, "copy", body, &known, err);
        pthread_mutex_unlock(&node->lock);
    }
    if (rc == RC_NOT_FOUND) {
        pthread_mutex_lock(&node->lock);
        rc = ordinance_want(node->store, SERVICE_KIOSK, err);
        pthread_mutex_unlock(&node->lock);
        if (!rc)
            rc = sheet_judge_presented(node, body, &serial, err);
        if (!rc)
            rc = sheet_handle(node, request->peer, body, sheet_of_kiosk, buf_string(&serial), response, err);
        if (rc)
            sheet_refused(node, request->peer, serial.len ? buf_string(&serial) : NULL, rc);
    } else if (!rc) {
        rc = node_answer(response, json_incref(known), err);
    }
    json_decref(known);
    json_decref(body);
    buf_wipe(&serial);
    return rc;
}
