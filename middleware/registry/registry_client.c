/* registry_client.c — the client of a node: finding a resident, linking certificates, confirming one. */
#include "registry/registry_client.h"
#include "registry/confirm.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/code.h"
#include "registry/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINK_WAIT_SECONDS 15
#define LINK_POLL_MILLISECONDS 100

struct registry_client {
    struct client *client;
};

enum rc registry_open(const char *url, const struct identity *identity, struct registry_client **out, struct err *err)
{
    struct registry_client *client = calloc(1, sizeof *client);
    if (!client)
        return err_set(err, RC_NOMEM, "registry client");
    enum rc rc = client_open(url, identity, 0, &client->client, err);
    if (rc) {
        free(client);
        return rc;
    }
    *out = client;
    return RC_OK;
}

void registry_close(struct registry_client *client)
{
    if (!client)
        return;
    client_close(client->client);
    free(client);
}

/* One request with a JSON body, which is taken, to a node of that role. */
static enum rc registry_ask(struct registry_client *client, enum role node, const char *method, const char *path,
                            json_t *body, json_t **answer, struct err *err)
{
    client_expect(client->client, ROLE_BIT(node));
    if (!body && strcmp(method, "GET") != 0)
        return err_set(err, RC_NOMEM, "registry client");
    enum rc rc = client_json(client->client, method, path, body, answer, err);
    json_decref(body);
    if (!rc && !*answer)
        return err_set(err, RC_REFUSED, "the node answered without a body");
    return rc;
}

enum rc registry_find_resident(struct registry_client *client, const char *code, const char *name, const char *birth,
                               const char *address, struct resident *resident, struct err *err)
{
    if (code && code_check(code))
        return err_set(err, RC_FORMAT, "住民票コード: not 11 digits with a right check digit");
    if (!code && (!name || !birth || !address))
        return err_set(err, RC_USAGE, "find: the code, or name, birth and address together");
    json_t *body = code ? json_pack("{s:s}", "code", code)
                        : json_pack("{s:s, s:s, s:s}", "name", name, "birth", birth, "address", address);
    json_t *answer = NULL;
    const char *municipality;
    enum rc rc = registry_ask(client, ROLE_NODE_MUNICIPAL, "POST", "/v1/residents/find", body, &answer, err);
    if (!rc)
        rc = json_want_text(answer, "municipality", 6, &municipality, err);
    if (!rc)
        rc = resident_from_json(answer, municipality, resident, err);
    json_decref(answer);
    return rc;
}

static enum rc registry_wait(struct registry_client *client, int64_t notice, struct err *err)
{
    char path[40];
    snprintf(path, sizeof path, "/v1/notices/%lld", (long long)notice);
    struct timespec pause = { 0, LINK_POLL_MILLISECONDS * 1000000L };
    for (int left = LINK_WAIT_SECONDS * 1000 / LINK_POLL_MILLISECONDS; left > 0; left--) {
        json_t *answer = NULL;
        bool delivered = false;
        enum rc rc = registry_ask(client, ROLE_NODE_MUNICIPAL, "GET", path, NULL, &answer, err);
        if (!rc)
            rc = json_want_bool(answer, "delivered", &delivered, err);
        json_decref(answer);
        if (rc || delivered)
            return rc;
        nanosleep(&pause, NULL);
    }
    return err_set(err, RC_TIMEOUT, "notice %lld: the national node has not acknowledged it within %d s; it stays in the "
                                    "outbox", (long long)notice, LINK_WAIT_SECONDS);
}

enum rc registry_link_certificates(struct registry_client *client, const struct resident *resident,
                                   const struct certificate_link *links, size_t count, struct err *err)
{
    struct certificate certificates[NOTICE_CERTIFICATES];
    if (count == 0 || count > NOTICE_CERTIFICATES)
        return err_set(err, RC_RANGE, "certificates: 1 to %d", NOTICE_CERTIFICATES);
    for (size_t i = 0; i < count; i++) {
        enum rc rc = certificate_name(authority_name(links[i].authority), links[i].serial, &certificates[i], err);
        if (rc)
            return rc;
        certificates[i].not_after = links[i].not_after;
    }
    const struct attributes *a = &resident->attributes;
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "code", resident->code, "name", a->name, "birth", a->birth,
                             "sex", a->sex, "address", a->address, "certificates",
                             certificates_to_json(certificates, count));
    json_t *answer = NULL;
    int64_t notice = 0;
    enum rc rc = registry_ask(client, ROLE_NODE_MUNICIPAL, "POST", "/v1/certificates", body, &answer, err);
    if (!rc)
        rc = json_want_integer(answer, "notice", &notice, err);
    json_decref(answer);
    return rc ? rc : registry_wait(client, notice, err);
}

static const char *const status_names[] = {
    [CONFIRM_NOT_ASKED] = "not-asked", [CONFIRM_UNKNOWN] = "unknown", [CONFIRM_CURRENT] = "current",
    [CONFIRM_CHANGED] = "changed",     [CONFIRM_REMOVED] = "removed",
};

const char *confirm_status_name(enum confirm_status status)
{
    return (unsigned)status < sizeof status_names / sizeof status_names[0] ? status_names[status] : "not-asked";
}

static enum rc confirm_read(const json_t *answer, struct confirmation *out, struct err *err)
{
    struct confirmation confirmation = { 0 };
    const char *status, *as_of, *node;
    enum rc rc;
    if ((rc = json_want_text(answer, "status", 16, &status, err)) ||
        (rc = json_want_text(answer, "as_of", CLOCK_TEXT_SIZE, &as_of, err)) ||
        (rc = json_want_text(answer, "node", sizeof confirmation.node - 1, &node, err)))
        return rc;
    for (int i = CONFIRM_UNKNOWN; i <= CONFIRM_REMOVED; i++)
        if (strcmp(status, status_names[i]) == 0)
            confirmation.status = (enum confirm_status)i;
    if (confirmation.status == CONFIRM_NOT_ASKED)
        return err_set(err, RC_FORMAT, "confirm: the node answered with an unknown status");
    if (clock_parse(as_of, &confirmation.as_of))
        return err_set(err, RC_FORMAT, "confirm: as_of is not a time");
    if (confirmation.status == CONFIRM_CHANGED || confirmation.status == CONFIRM_REMOVED) {
        const char *since;
        if ((rc = json_want_text(answer, "since", CLOCK_TEXT_SIZE, &since, err)))
            return rc;
        if (clock_parse(since, &confirmation.since))
            return err_set(err, RC_FORMAT, "confirm: since is not a time");
    }
    snprintf(confirmation.node, sizeof confirmation.node, "%s", node);
    *out = confirmation;
    return RC_OK;
}

/* The question about one certificate; *answer is the caller's to free. */
static enum rc confirm_ask(struct registry_client *client, const char *path, enum authority authority, const char *serial,
                           bool attributes, json_t **answer, struct err *err)
{
    struct certificate certificate;
    enum rc rc = certificate_name(authority_name(authority), serial, &certificate, err);
    if (rc)
        return rc;
    json_t *body = json_pack("{s:s, s:s}", "authority", authority_name(authority), "serial", serial);
    if (body && attributes && json_object_set_new(body, "attributes", json_true())) {
        json_decref(body);
        body = NULL;
    }
    return registry_ask(client, ROLE_NODE_NATIONAL, "POST", path, body, answer, err);
}

enum rc registry_confirm(struct registry_client *client, enum authority authority, const char *serial,
                         struct confirmation *confirmation, struct err *err)
{
    memset(confirmation, 0, sizeof *confirmation); /* fails closed also for a caller that forgets the rc */
    json_t *answer = NULL;
    enum rc rc = confirm_ask(client, "/v1/confirm", authority, serial, false, &answer, err);
    if (!rc)
        rc = confirm_read(answer, confirmation, err);
    json_decref(answer);
    return rc;
}

static enum rc confirm_read_attributes(const json_t *answer, struct attributes *out, struct err *err)
{
    struct attributes a = { 0 };
    const struct {
        const char *member;
        char *to;
        size_t size;
    } members[] = {
        { "name", a.name, sizeof a.name },          { "name_substitutes", a.name_substitutes, sizeof a.name_substitutes },
        { "birth", a.birth, sizeof a.birth },       { "sex", a.sex, sizeof a.sex },
        { "address", a.address, sizeof a.address }, { "address_substitutes", a.address_substitutes, sizeof a.address_substitutes },
    };
    const json_t *attributes = json_object_get(answer, "attributes");
    if (!attributes)
        return err_set(err, RC_NOT_FOUND, "confirm: nobody of this certificate is registered");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *text;
        enum rc rc = json_want_text(attributes, members[i].member, members[i].size - 1, &text, err);
        if (rc)
            return rc;
        memcpy(members[i].to, text, strlen(text) + 1);
    }
    enum rc rc = attributes_check(&a, err);
    if (!rc)
        *out = a;
    return rc;
}

enum rc registry_confirm_attributes(struct registry_client *client, enum authority authority, const char *serial,
                                    struct confirmation *confirmation, struct attributes *attributes, struct err *err)
{
    memset(confirmation, 0, sizeof *confirmation);
    memset(attributes, 0, sizeof *attributes);
    json_t *answer = NULL;
    enum rc rc = confirm_ask(client, "/v1/confirm", authority, serial, true, &answer, err);
    if (!rc)
        rc = confirm_read(answer, confirmation, err);
    if (!rc)
        rc = confirm_read_attributes(answer, attributes, err);
    json_decref(answer);
    return rc;
}

enum rc registry_consent(struct registry_client *client, const char *document, const char *signature_hex, bool withdrawal,
                         struct err *err)
{
    json_t *answer = NULL;
    enum rc rc = registry_ask(client, ROLE_NODE_NATIONAL, "POST", withdrawal ? "/v1/consents/withdraw" : "/v1/consents",
                              json_pack("{s:s, s:s}", "document", document, "signature", signature_hex), &answer, err);
    json_decref(answer);
    return rc;
}

enum rc registry_serials(struct registry_client *client, enum authority authority, const char *serial, json_t **certificates,
                         struct err *err)
{
    json_t *answer = NULL, *list = NULL;
    enum rc rc = confirm_ask(client, "/v1/serials", authority, serial, false, &answer, err);
    if (!rc)
        rc = json_want_array(answer, "certificates", &list, err);
    if (!rc)
        *certificates = json_incref(list);
    json_decref(answer);
    return rc;
}
