/* asked.c — requests and their answers. */
#include "registry/asked.h"

#include "base/fault.h"
#include "base/hex.h"
#include "net/json.h"
#include "registry/municipal.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_SIZE (2 * SHA256_DIGEST_LENGTH + 1)

/* Of the body in its one form, so that blanks and the order of members do not count. */
static enum rc asked_digest(const json_t *body, char digest[DIGEST_SIZE], struct err *err)
{
    struct buf text = {0};
    uint8_t hash[SHA256_DIGEST_LENGTH];
    enum rc rc = json_write(body, &text);
    if (rc)
        return err_set(err, rc, "request");
    SHA256(text.data, text.len, hash);
    hex_encode(bytes_of(hash, sizeof hash), digest);
    buf_wipe(&text);
    return RC_OK;
}

static enum rc asked_recall(struct store *store, const char *request, const char *kind, const char *digest,
                            json_t **answer, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT kind, digest, answer FROM asked WHERE request = ?1",
                           BINDS(BIND_TEXT(request)), &s, err);
    if (!rc && (strcmp(column_text(s, 0), kind) != 0 || strcmp(column_text(s, 1), digest) != 0))
        rc = err_set(err, RC_CONFLICT, "request: this name was used for another request");
    if (!rc) {
        const char *text = column_text(s, 2);
        rc = json_read(bytes_of(text, strlen(text)), answer, err);
    }
    statement_done(s);
    return rc;
}

static enum rc asked_keep(struct store *store, const char *request, const char *kind, const char *digest,
                          const json_t *answer, struct err *err)
{
    struct buf text = {0};
    enum rc rc = json_write(answer, &text);
    if (!rc)
        rc = store_run(store, "INSERT INTO asked (request, kind, digest, answer) VALUES (?1, ?2, ?3, ?4)",
                       BINDS(BIND_TEXT(request), BIND_TEXT(kind), BIND_TEXT(digest), BIND_TEXT(buf_string(&text))),
                       NULL, err);
    buf_wipe(&text);
    return rc;
}

static void asked_fault(const char *when, const char *kind)
{
    char name[64];
    snprintf(name, sizeof name, "registry.%s_%s", when, kind);
    fault_point(name);
}

/* The request's name and the body's digest. */
static enum rc asked_name(const json_t *body, const char **request, char digest[DIGEST_SIZE], struct err *err)
{
    char today[11];
    municipal_today(today);
    enum rc rc = json_want_text(body, "request", REQUEST_MAX, request, err);
    if (!rc)
        rc = municipal_check_form(today, *request, err);
    return rc ? rc : asked_digest(body, digest, err);
}

enum rc asked_find(struct store *store, const char *kind, const json_t *body, json_t **answer, struct err *err)
{
    const char *request;
    char digest[DIGEST_SIZE];
    enum rc rc = asked_name(body, &request, digest, err);
    return rc ? rc : asked_recall(store, request, kind, digest, answer, err);
}

enum rc asked_once(struct store *store, const char *kind, const json_t *body, asked_do_fn run, void *context,
                   json_t **out, struct err *err)
{
    const char *request;
    char digest[DIGEST_SIZE];
    json_t *answer = NULL;
    enum rc rc = asked_name(body, &request, digest, err);
    asked_fault("before", kind);
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = asked_recall(store, request, kind, digest, &answer, err);
    if (rc == RC_NOT_FOUND) {
        rc = run(context, store, body, &answer, err);
        if (!rc)
            rc = asked_keep(store, request, kind, digest, answer, err);
        if (!rc)
            rc = store_commit(store, err);
    }
    store_rollback(store);
    asked_fault("after", kind);
    if (rc)
        json_decref(answer);
    else
        *out = answer;
    return rc;
}
