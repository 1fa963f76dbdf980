/* consent.c — consents and withdrawals, and who may have serial numbers linked. */
#include "registry/consent.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/hex.h"
#include "net/json.h"
#include "registry/certlink.h"
#include "registry/day.h"
#include "registry/rowlist.h"
#include "registry/usage.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define DOCUMENT_MAX 1000
#define SIGNATURE_MAX (64 * 1024)
#define DAY_SECONDS 86400

/* A text that was signed, and by which certificate. */
struct consent {
    struct store *store;
    const struct peer *peer;
    struct consent_text text;
    struct certlink link;
    char digest[65];
    int64_t until;
};

static enum rc consent_digest(const char *text, char out[65])
{
    unsigned char digest[32];
    if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) != 1)
        return RC_CRYPTO;
    hex_encode(bytes_of(digest, sizeof digest), out);
    return RC_OK;
}

/* Whose text it is, and for which service a peer may bring one. */
static enum rc consent_check_peer(const struct consent *c, bool withdrawal, struct err *err)
{
    if (c->text.withdrawn != withdrawal)
        return err_set(err, RC_FORMAT, "document: %s", withdrawal ? "not a withdrawal" : "not a consent");
    bool counter = withdrawal && c->peer->role == ROLE_DESK_OFFICER;
    if (!counter && strcmp(c->text.service, c->peer->name) != 0)
        return err_set(err, RC_DENIED, "document: it is for another service");
    return RC_OK;
}

/* The signer's certificate, its person and its card as they are now; to withdraw, a former one will do. */
static enum rc consent_check_signer(struct consent *c, const char *serial, bool withdrawal, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = certlink_find(c->store, AUTHORITY_SIGN, serial, &c->link, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, RC_STATE, "signature: the network knows no such certificate") : rc;
    if (withdrawal)
        return RC_OK;
    if (c->link.changed || c->link.removed || c->link.certificate.not_after < clock_now())
        return err_set(err, RC_STATE, "signature: its certificate is no longer so");
    /* what the nation told the authorities of its card: a hold is never lifted */
    rc = store_row(c->store,
                   "SELECT 1 FROM event_certificate x JOIN event e ON e.sequence = x.sequence WHERE x.authority = 'sign' AND "
                   "x.serial = ?1 AND e.event IN ('card-lost', 'card-returned')",
                   BINDS(BIND_TEXT(serial)), &s, err);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc ? rc : err_set(err, RC_STATE, "signature: its card is lost or void");
}

static enum rc consent_check_time(const struct consent *c, struct err *err)
{
    int64_t now = clock_now();
    if (c->text.signed_at > now + CONSENT_AHEAD_SECONDS)
        return err_set(err, RC_RANGE, "document: signed in the future");
    if (c->text.signed_at < now - (int64_t)CONSENT_FRESH_DAYS * DAY_SECONDS)
        return err_set(err, RC_RANGE, "document: signed more than %d days ago", CONSENT_FRESH_DAYS);
    return RC_OK;
}

#define CONSENTS_OF                                                                                                    \
    "FROM consent c JOIN link l ON l.authority = 'sign' AND l.serial = c.serial WHERE l.code = ?1 AND c.service = ?2"

/* The last withdrawal of the person from the service; 0: none. */
static enum rc consent_last_withdrawal(const struct consent *c, int64_t *time, struct err *err)
{
    return store_integer(c->store, "SELECT coalesce(max(c.withdrawn), 0) " CONSENTS_OF,
                         BINDS(BIND_TEXT(c->link.code), BIND_TEXT(c->text.service)), time, err);
}

/* Ten years to the day. */
static int64_t consent_until(int64_t from)
{
    char day[11], last[11], text[32];
    int64_t until = 0;
    day_of(from, day);
    day_add_years(day, CONSENT_YEARS, last);
    snprintf(text, sizeof text, "%sT15:00:00Z", last); /* the end of that day in Japan */
    return clock_parse(text, &until) ? 0 : until;
}

static enum rc consent_enter(struct consent *c, json_t **answer, struct err *err)
{
    int64_t withdrawn = 0;
    enum rc rc = consent_last_withdrawal(c, &withdrawn, err);
    if (!rc && withdrawn >= c->text.signed_at)
        rc = err_set(err, RC_STATE, "document: it is older than a withdrawal, or was withdrawn");
    if (rc)
        return rc;
    c->until = consent_until(c->text.signed_at);
    rc = store_run(c->store,
                   "INSERT INTO consent (digest, service, serial, signed, until, withdrawn) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT (digest, serial) DO NOTHING",
                   BINDS(BIND_TEXT(c->digest), BIND_TEXT(c->text.service), BIND_TEXT(c->link.certificate.serial),
                         BIND_INTEGER(c->text.signed_at), BIND_INTEGER(c->until)), NULL, err);
    char until[CLOCK_TEXT_SIZE];
    clock_format(c->until, until);
    if (!rc)
        *answer = json_pack("{s:s, s:s}", "service", c->text.service, "until", until);
    return rc || *answer ? rc : RC_NOMEM;
}

/* Every consent to the service that was signed before. Done again it finds them withdrawn, and says the same. */
static enum rc consent_withdraw(struct consent *c, json_t **answer, struct err *err)
{
    int64_t known = 0;
    enum rc rc = store_integer(c->store, "SELECT count(*) " CONSENTS_OF " AND c.signed <= ?3",
                               BINDS(BIND_TEXT(c->link.code), BIND_TEXT(c->text.service),
                                     BIND_INTEGER(c->text.signed_at)), &known, err);
    if (!rc && !known)
        rc = err_set(err, RC_NOT_FOUND, "there is no consent to this service");
    if (!rc)
        rc = store_run(c->store,
                       "UPDATE consent SET withdrawn = ?3 WHERE service = ?2 AND withdrawn < ?3 AND signed <= ?3 "
                       "AND serial IN (SELECT serial FROM link WHERE code = ?1 AND authority = 'sign')",
                       BINDS(BIND_TEXT(c->link.code), BIND_TEXT(c->text.service), BIND_INTEGER(c->text.signed_at)),
                       NULL, err);
    if (!rc)
        *answer = json_pack("{s:s, s:I}", "service", c->text.service, "withdrawn", (json_int_t)known);
    return rc || *answer ? rc : RC_NOMEM;
}

static enum rc consent_run(struct consent *c, const char *serial, bool withdrawal, json_t **answer, struct err *err)
{
    char record[64];
    enum rc rc = consent_check_time(c, err);
    if (!rc)
        rc = consent_check_signer(c, serial, withdrawal, err);
    if (!rc)
        rc = withdrawal ? consent_withdraw(c, answer, err) : consent_enter(c, answer, err);
    snprintf(record, sizeof record, "sign/%s", serial);
    if (!rc)
        rc = usage_write(c->store, c->peer, withdrawal ? "withdraw" : "consent", record, "RC_OK", err);
    if (!rc) {
        fault_point("registry.before_consent");
        rc = store_commit(c->store, err);
        fault_point("registry.after_consent");
    }
    return rc;
}

enum rc consent_take(struct store *store, STACK_OF(X509) * authorities, const struct peer *peer, const json_t *body,
                     bool withdrawal, json_t **answer, struct err *err)
{
    struct consent c = {.store = store, .peer = peer};
    struct buf der = {.max = SIGNATURE_MAX};
    const char *document, *signature;
    char serial[41];
    json_t *made = NULL;
    enum rc rc = json_want_text(body, "document", DOCUMENT_MAX, &document, err);
    if (!rc)
        rc = json_want_text(body, "signature", (size_t)SIGNATURE_MAX * 2, &signature, err);
    if (!rc && hex_decode(signature, &der))
        rc = err_set(err, RC_FORMAT, "signature: not hex");
    if (!rc)
        rc = consent_text_read(document, &c.text, err);
    if (!rc)
        rc = consent_check_peer(&c, withdrawal, err);
    if (!rc)
        rc = consent_digest(document, c.digest);
    if (!rc)
        rc = consent_signer(authorities, document, buf_bytes(&der), serial, err);
    if (!rc)
        rc = store_begin(store, err);
    if (!rc) {
        rc = consent_run(&c, serial, withdrawal, &made, err);
        store_rollback(store);
    }
    buf_wipe(&der);
    if (rc)
        json_decref(made);
    else
        *answer = made;
    return rc;
}

enum rc consent_want(struct store *store, const char *code, const char *service, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT c.until " CONSENTS_OF " AND c.withdrawn = 0 AND c.until > ?3 LIMIT 1",
                           BINDS(BIND_TEXT(code), BIND_TEXT(service), BIND_INTEGER(clock_now())), &s, err);
    statement_done(s);
    return rc == RC_NOT_FOUND ? err_set(err, RC_DENIED, "attributes: no consent to this service holds") : rc;
}

enum rc consent_allow_linked(struct store *store, const char *verifier, bool allowed, struct err *err)
{
    int64_t changes = 0;
    if (!verifier[0] || strlen(verifier) > 64)
        return err_set(err, RC_FORMAT, "verifier: 1 to 64 bytes, as its certificate names it");
    enum rc rc = allowed
        ? store_run(store, "INSERT INTO linker (verifier, since) VALUES (?1, ?2) ON CONFLICT (verifier) DO NOTHING",
                    BINDS(BIND_TEXT(verifier), BIND_INTEGER(clock_now())), NULL, err)
        : store_run(store, "DELETE FROM linker WHERE verifier = ?1", BINDS(BIND_TEXT(verifier)), &changes, err);
    return !rc && !allowed && !changes ? err_set(err, RC_NOT_FOUND, "%s: not in the list", verifier) : rc;
}

enum rc consent_want_linked(struct store *store, const char *verifier, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT since FROM linker WHERE verifier = ?1", BINDS(BIND_TEXT(verifier)), &s, err);
    statement_done(s);
    return rc == RC_NOT_FOUND ? err_set(err, RC_DENIED, "serials: this verifier may not have them linked") : rc;
}

static json_t *consent_linked_one(struct statement *s)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format(column_integer(s, 2), time);
    return json_pack("{s:s, s:s, s:s, s:s}", "authority", column_text(s, 0), "serial", column_text(s, 1), "not_after", time,
                     "status", column_integer(s, 4) ? "removed" : column_integer(s, 3) ? "changed" : "current");
}

enum rc consent_linked(struct store *store, enum authority authority, const char *serial, json_t **certificates,
                       struct err *err)
{
    struct certlink link;
    enum rc rc = certlink_find(store, authority, serial, &link, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such certificate") : rc;
    return rowlist_read(store,
                        "SELECT authority, serial, not_after, changed, removed FROM link WHERE code = ?1 "
                        "ORDER BY recorded, authority, serial",
                        BINDS(BIND_TEXT(link.code)), consent_linked_one, certificates, err);
}
