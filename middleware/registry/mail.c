/* mail.c — leaving, arriving, letters. */
#include "registry/mail.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "net/json.h"
#include "registry/directory.h"
#include "registry/mailbox.h"
#include "registry/moves.h"
#include "registry/service_node.h"

#include <stdio.h>
#include <string.h>

#define MAIL_SECONDS 10 /* for one letter */

static struct line_pause *mail_pause(struct line *line, const char *municipality)
{
    struct line_pause *oldest = &line->pauses[0];
    for (size_t i = 0; i < LINE_PAUSES; i++) {
        if (strcmp(line->pauses[i].municipality, municipality) == 0)
            return &line->pauses[i];
        if (line->pauses[i].until < oldest->until)
            oldest = &line->pauses[i];
    }
    return oldest;
}

static bool mail_pausing(struct line *line, const char *municipality)
{
    const struct line_pause *pause = mail_pause(line, municipality);
    return strcmp(pause->municipality, municipality) == 0 && pause->until > clock_ticks();
}

/* What the other node said to a letter. */
static enum rc mail_heard(struct line *line, const char *municipality, int64_t sent, unsigned status,
                          const json_t *answer, struct err *err)
{
    int64_t number;
    enum rc rc;
    if (status == 200)
        rc = json_want_integer(answer, "heard", &number, err);
    else if (status == 409 && !json_want_integer(answer, "expected", &number, NULL) && number - 1 != sent - 1)
        rc = (number--, RC_OK);
    else {
        char what[60];
        snprintf(what, sizeof what, "letter %lld to %s", (long long)sent, municipality);
        return node_refused(status, answer, what, err);
    }
    fault_point("registry.before_letter_sent");
    if (!rc)
        rc = mailbox_sent(line->store, municipality, number, err);
    fault_point("registry.after_letter_sent");
    return rc;
}

/* Every letter that waits for a municipality, until one cannot be brought. */
static enum rc mail_bring(struct line *line, const char *municipality, bool *brought, struct err *err)
{
    char url[DIRECTORY_URL];
    struct client *client = NULL;
    enum rc rc = directory_find(line->node->directory, municipality, url, err);
    if (!rc)
        rc = client_open(url, &line->node->identity, MAIL_SECONDS, &client, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_REFUSED : rc;
    client_expect_of(client, ROLE_BIT(ROLE_NODE_MUNICIPAL), municipality);
    struct client *own = line->client;
    line->client = client;
    for (;;) {
        json_t *letter = NULL, *answer = NULL;
        int64_t sequence;
        unsigned status = 0;
        rc = mailbox_letter(line->store, municipality, &sequence, &letter, err);
        if (rc)
            break;
        if (json_object_set_new(letter, "to", json_string(municipality)))
            rc = RC_NOMEM;
        fault_point("registry.before_letter_send");
        if (!rc)
            rc = node_post(line, "/v1/letters", letter, &status, &answer, err);
        fault_point("registry.after_letter_send");
        if (!rc)
            rc = mail_heard(line, municipality, sequence, status, answer, err);
        json_decref(letter);
        json_decref(answer);
        if (rc)
            break;
        *brought = true;
    }
    line->client = own;
    client_close(client);
    return rc;
}

enum rc mail_deliver(void *context, struct err *err)
{
    struct line *line = context;
    char municipality[7] = "";
    bool brought = false;
    int64_t done = 0;
    enum rc failed = RC_OK, rc = moves_due(line->store, line->node->self.municipality, &done, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_BUG : rc;
    if (done)
        node_wake(line->node);
    while (!(rc = mailbox_next(line->store, municipality, municipality, err))) {
        struct err why = {0};
        if (mail_pausing(line, municipality))
            continue;
        rc = mail_bring(line, municipality, &brought, &why);
        if (rc == RC_NOT_FOUND)
            continue;
        struct line_pause *pause = mail_pause(line, municipality);
        snprintf(pause->municipality, sizeof pause->municipality, "%s", municipality);
        pause->until = clock_ticks() + line->node->retry;
        failed = err_set(err, rc, "to %s: %s", municipality, err_text(&why, rc));
    }
    if (rc != RC_NOT_FOUND)
        return rc;
    return brought || done ? RC_OK : failed ? failed : RC_NOT_FOUND;
}

/* A text that may be left out. */
static enum rc mail_may(const json_t *body, const char *member, size_t max, const char **text, struct err *err)
{
    *text = NULL;
    return json_object_get(body, member) ? json_want_text(body, member, max, text, err) : RC_OK;
}

enum rc mail_on_leave(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    struct moves_leave leave;
    int64_t notice = 0;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "code", 64, &leave.code, err)) &&
        !(rc = json_want_text(body, "to", 6, &leave.to, err)) &&
        !(rc = json_want_text(body, "address", 800, &leave.address, err)) &&
        !(rc = json_want_text(body, "date", 10, &leave.date, err)) &&
        !(rc = json_want_text(body, "request", REQUEST_MAX, &leave.request, err))) {
        pthread_mutex_lock(&node->lock);
        rc = moves_leave(node->store, node->self.municipality, node->seal, &leave, &notice, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc : node_noticed(node, notice, response, err);
}

enum rc mail_on_withdraw(void *context, const struct request *request, struct response *response, struct err *err)
{
    return service_once(context, request, "withdraw", moves_withdraw, NULL, response, err);
}

enum rc mail_on_arrive(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    struct moves_arrive arrive = {0};
    int64_t notice = 0;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "code", 64, &arrive.code, err)) &&
        !(rc = json_want_text(body, "address", 800, &arrive.address, err)) &&
        !(rc = json_want_text(body, "date", 10, &arrive.date, err)) &&
        !(rc = json_want_text(body, "request", REQUEST_MAX, &arrive.request, err)) &&
        !(rc = mail_may(body, "from", 6, &arrive.from, err)) &&
        !(rc = mail_may(body, "household", 10, &arrive.household, err)) &&
        !(rc = mail_may(body, "position", 2, &arrive.position, err)) &&
        !(rc = mail_may(body, "relation", 60, &arrive.relation, err))) {
        pthread_mutex_lock(&node->lock);
        rc = moves_arrive(node->store, node->self.municipality, &arrive, &notice, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    node_wake(node); /* also when the other municipality is asked first */
    return rc ? rc : node_answer(response, json_pack("{s:I}", "notice", (json_int_t)notice), err);
}

enum rc mail_on_letter(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    const char *to;
    int64_t heard = 0, expected = 0;
    enum rc rc = node_other(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc)
        rc = json_want_text(body, "to", 6, &to, err);
    if (!rc && strcmp(to, node->self.municipality) != 0)
        rc = err_set(err, RC_DENIED, "the letter is for %s, this is the node of %s", to, node->self.municipality);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = moves_hear(node->store, node->self.municipality, node->seal, request->peer->municipality, body, &heard,
                        &expected, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    if (rc == RC_CONFLICT && expected)
        return node_expected(response, expected, err);
    if (rc)
        return rc;
    node_wake(node);
    return node_answer(response, json_pack("{s:I}", "heard", (json_int_t)heard), err);
}
