/* sealstamp.c — OpenSSL checks a stamp, at the stamp's own time: a time-stamping authority's certificate ends too. */
#include "ca/sealstamp.h"

#include "base/clock.h"
#include "base/file.h"
#include "ca/seal.h"
#include "ca/trail.h"
#include "pki/cert.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <stdio.h>
#include <string.h>

#define CLOCK_SLACK 300
#define RESPONSE_MAX 65536

static X509_STORE *store_at(const STACK_OF(X509) *trust, int64_t time)
{
    X509_STORE *store = X509_STORE_new();
    bool made = store != NULL;
    for (int i = 0; made && i < sk_X509_num(trust); i++)
        made = X509_STORE_add_cert(store, sk_X509_value(trust, i)) == 1;
    if (!made) {
        X509_STORE_free(store);
        return NULL;
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)time);
    return store;
}

static enum rc stamp_check(TS_RESP *response, struct bytes head, const STACK_OF(X509) *trust, int64_t time)
{
    TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();
    X509_STORE *store = store_at(trust, time);
    BIO *data = BIO_new_mem_buf(head.data, (int)head.len);
    enum rc rc = RC_NOMEM;
    if (context && store && data) {
        TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_SIGNER | TS_VFY_SIGNATURE | TS_VFY_DATA);
        TS_VERIFY_CTX_set_data(context, data);
        TS_VERIFY_CTX_set_store(context, store);
        rc = TS_RESP_verify_response(context, response) == 1 ? RC_OK : RC_BAD_SIGNATURE;
        data = NULL;
        store = NULL; /* the context's now */
    }
    BIO_free(data);
    X509_STORE_free(store);
    TS_VERIFY_CTX_free(context);
    ERR_clear_error();
    return rc;
}

/* A stamp over a seal's head, and its time. trust NULL: the time alone. */
static enum rc stamp_judge(struct bytes der, const struct seal *seal, const STACK_OF(X509) *trust, int64_t *time, struct err *err)
{
    const unsigned char *at = der.data;
    struct buf head = { 0 };
    TS_RESP *response = d2i_TS_RESP(NULL, &at, (long)der.len);
    TS_TST_INFO *info = response ? TS_RESP_get_tst_info(response) : NULL;
    ERR_clear_error();
    enum rc rc = info && at == der.data + der.len && cert_time(TS_TST_INFO_get_time(info), time) == RC_OK
                     ? seal_encode(seal, &head)
                     : err_set(err, RC_FORMAT, "no response with a time-stamp");
    if (!rc && (*time < seal->time - CLOCK_SLACK || *time > clock_now() + CLOCK_SLACK))
        rc = err_set(err, RC_CONFLICT, "the time-stamp is of a time before the seal of row %lld, or of the future",
                     (long long)seal->sequence);
    if (!rc && trust && (rc = stamp_check(response, buf_bytes(&head), trust, *time)) == RC_BAD_SIGNATURE)
        err_set(err, rc, "not a time-stamp over the seal of row %lld that is trusted", (long long)seal->sequence);
    TS_RESP_free(response);
    buf_wipe(&head);
    return rc;
}

/* In one step with the audit row. */
static enum rc stamp_record(struct ca *ca, const struct seal *seal, struct bytes der, int64_t time, struct err *err)
{
    int64_t changes = 0;
    char when[CLOCK_TEXT_SIZE], subject[40];
    clock_format(time, when);
    snprintf(subject, sizeof subject, "row %lld", (long long)seal->sequence);
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = store_run(ca->store, "UPDATE seals SET stamp = ?3 WHERE sequence = ?1 AND hash = ?2",
                   BINDS(BIND_INTEGER(seal->sequence), BIND_BLOB(bytes_of(seal->hash, sizeof seal->hash)),
                         BIND_BLOB(der)), &changes, err);
    if (!rc && !changes)
        rc = err_set(err, RC_NOT_FOUND, "the book has no seal of row %lld with this hash", (long long)seal->sequence);
    if (!rc)
        rc = trail_append(ca->store, "auditor", "stamped", subject, NULL, err, "at %s", when);
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    return rc;
}

enum rc sealstamp_keep(struct ca *ca, const char *head, const char *response, const char *trust, int64_t *time, struct err *err)
{
    STACK_OF(X509) *anchors = NULL;
    struct buf der = { .max = RESPONSE_MAX };
    struct seal seal;
    enum rc rc = cert_read_all(trust, &anchors, err);
    if (!rc)
        rc = seal_read(ca->certs[AUTHORITY_OPS], ca_newest(ca, AUTHORITY_OPS), head, &seal, err);
    if (!rc)
        rc = file_read(response, &der, err);
    if (!rc)
        rc = stamp_judge(buf_bytes(&der), &seal, anchors, time, err);
    if (!rc)
        rc = stamp_record(ca, &seal, buf_bytes(&der), *time, err);
    sk_X509_pop_free(anchors, X509_free);
    buf_wipe(&der);
    return rc;
}

struct checking {
    const STACK_OF(X509) *trust;
    int64_t *count;
    struct err *err;
};

static enum rc checking_row(void *context, struct statement *s)
{
    const struct checking *checking = context;
    struct bytes hash = column_blob(s, 2);
    struct seal seal = { .sequence = column_integer(s, 0), .time = column_integer(s, 1) };
    struct err why = { 0 };
    int64_t time;
    if (hash.len != sizeof seal.hash)
        return err_set(checking->err, RC_CONFLICT, "the seal of row %lld has no hash", (long long)seal.sequence);
    memcpy(seal.hash, hash.data, sizeof seal.hash);
    enum rc rc = stamp_judge(column_blob(s, 3), &seal, checking->trust, &time, &why);
    if (rc && rc != RC_NOMEM)
        return err_set(checking->err, RC_CONFLICT, "%s", err_text(&why, rc));
    ++*checking->count;
    return rc;
}

enum rc sealstamp_verify(struct ca *ca, const char *trust, int64_t *count, struct err *err)
{
    STACK_OF(X509) *anchors = NULL;
    struct checking checking = { .count = count, .err = err };
    *count = 0;
    enum rc rc = trust ? cert_read_all(trust, &anchors, err) : RC_OK;
    checking.trust = anchors;
    if (!rc)
        rc = book_each_row(ca->store, "SELECT sequence, time, hash, stamp FROM seals WHERE stamp IS NOT NULL ORDER BY sequence",
                           NULL, checking_row, &checking, err);
    sk_X509_pop_free(anchors, X509_free);
    return rc;
}
