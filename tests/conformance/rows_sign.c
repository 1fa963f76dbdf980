/* rows_sign.c — the states of a signature: length first, too little space, pieces, and calls out of order. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <string.h>

struct work {
    CK_OBJECT_HANDLE key;
    const struct mechanism *mechanism;
    struct prepared prepared;
    EVP_PKEY *public;
    bool always;
    unsigned char signature[1024];
    CK_ULONG len;
};

static struct work work(struct conform *c)
{
    struct work w = { .key = conform_key(c), .len = sizeof w.signature };
    w.mechanism = conform_simplest(c, w.key);
    w.public = conform_public(c, c->session, w.key);
    w.always = conform_number(c, c->session, w.key, CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE") != 0;
    conform_prepare(w.mechanism, w.public, &w.prepared);
    return w;
}

static void begin(struct conform *c, struct work *w)
{
    want_rv(c->p11->C_SignInit(c->session, &w->prepared.mechanism, w->key), "C_SignInit", CKR_OK);
    if (w->always)
        want_rv(conform_login_as(c, c->session, CKU_CONTEXT_SPECIFIC), "C_Login with CKU_CONTEXT_SPECIFIC", CKR_OK);
}

static void check(struct work *w, const char *what)
{
    want(conform_verifies(w->mechanism, w->public, &w->prepared, w->signature, w->len), "%s: the signature is wrong",
         what);
}

static void lengths(struct conform *c)
{
    struct work w = work(c);
    unsigned char *data = w.prepared.data;
    begin(c, &w);
    want_rv(c->p11->C_Sign(c->session, data, w.prepared.len, NULL, &w.len), "C_Sign for the length", CKR_OK);
    CK_ULONG said = w.len;
    want(said >= 64 && said <= sizeof w.signature, "a signature of %lu bytes", said);
    w.len = said - 1;
    want_rv(c->p11->C_Sign(c->session, data, w.prepared.len, w.signature, &w.len), "C_Sign with a byte too few",
            CKR_BUFFER_TOO_SMALL);
    want(w.len >= said - 1, "with a byte too few the length is %lu", w.len);
    w.len = sizeof w.signature;
    want_rv(c->p11->C_Sign(c->session, data, w.prepared.len, w.signature, &w.len), "C_Sign behind both", CKR_OK);
    want(w.len <= said, "%lu bytes were said, %lu came", said, w.len);
    check(&w, "C_Sign");
    want_rv(c->p11->C_Sign(c->session, data, w.prepared.len, w.signature, &w.len), "C_Sign again",
            CKR_OPERATION_NOT_INITIALIZED);
}

static void pieces(struct conform *c)
{
    static const CK_ULONG cuts[][3] = { { 1, 7, 292 }, { 128, 128, 44 }, { 0, 300, 0 } };
    struct work w = work(c);
    unsigned char whole[1024];
    if (!w.mechanism->hash)
        conform_skip("no mechanism that hashes");
    begin(c, &w);
    want_rv(c->p11->C_Sign(c->session, w.prepared.data, w.prepared.len, w.signature, &w.len), "C_Sign", CKR_OK);
    memcpy(whole, w.signature, w.len);
    for (size_t i = 0; i < COUNT(cuts); i++) {
        CK_ULONG at = 0, len = w.len;
        begin(c, &w);
        for (size_t j = 0; j < 3; at += cuts[i][j++])
            want_rv(c->p11->C_SignUpdate(c->session, w.prepared.data + at, cuts[i][j]), "C_SignUpdate", CKR_OK);
        w.len = sizeof w.signature;
        want_rv(c->p11->C_SignFinal(c->session, NULL, &w.len), "C_SignFinal for the length", CKR_OK);
        w.len = 1;
        want_rv(c->p11->C_SignFinal(c->session, w.signature, &w.len), "C_SignFinal with one byte",
                CKR_BUFFER_TOO_SMALL);
        w.len = sizeof w.signature;
        want_rv(c->p11->C_SignFinal(c->session, w.signature, &w.len), "C_SignFinal", CKR_OK);
        check(&w, "in pieces");
        want(w.mechanism->padding != PLAIN_PKCS1 || (w.len == len && memcmp(whole, w.signature, len) == 0),
             "in pieces another signature than at once");
    }
}

static void order(struct conform *c)
{
    struct work w = work(c);
    unsigned char *data = w.prepared.data;
    want_rv(c->p11->C_Sign(c->session, data, 1, w.signature, &w.len), "C_Sign before C_SignInit",
            CKR_OPERATION_NOT_INITIALIZED);
    want_rv(c->p11->C_SignUpdate(c->session, data, 1), "C_SignUpdate before C_SignInit", CKR_OPERATION_NOT_INITIALIZED);
    want_rv(c->p11->C_SignFinal(c->session, w.signature, &w.len), "C_SignFinal before C_SignInit",
            CKR_OPERATION_NOT_INITIALIZED);
    want_rv(c->p11->C_SignInit(c->session, &w.prepared.mechanism, w.key), "C_SignInit", CKR_OK);
    want_rv(c->p11->C_SignInit(c->session, &w.prepared.mechanism, w.key), "C_SignInit again", CKR_OPERATION_ACTIVE);
}

static void mixed(struct conform *c)
{
    struct work w = work(c);
    if (!w.mechanism->hash)
        conform_skip("no mechanism that hashes");
    begin(c, &w);
    want_rv(c->p11->C_SignUpdate(c->session, w.prepared.data, 10), "C_SignUpdate", CKR_OK);
    CK_RV rv = c->p11->C_Sign(c->session, w.prepared.data + 10, w.prepared.len - 10, w.signature, &w.len);
    want(rv != CKR_OK, "C_Sign ended what C_SignUpdate had begun");
}

static void too_long(struct conform *c)
{
    struct work w = work(c);
    CK_MECHANISM mechanism = { CKM_RSA_PKCS, NULL, 0 };
    CK_MECHANISM_INFO info;
    if (c->p11->C_GetMechanismInfo(c->slot, CKM_RSA_PKCS, &info) != CKR_OK || !(info.flags & CKF_SIGN))
        conform_skip("no CKM_RSA_PKCS");
    want_rv(c->p11->C_SignInit(c->session, &mechanism, w.key), "C_SignInit", CKR_OK);
    if (w.always)
        (void)conform_login_as(c, c->session, CKU_CONTEXT_SPECIFIC);
    CK_ULONG k = (CK_ULONG)EVP_PKEY_get_size(w.public);
    unsigned char data[512] = { 1 };
    want_rv(c->p11->C_Sign(c->session, data, k - 10, w.signature, &w.len), "C_Sign of more than PKCS#1 has room for",
            CKR_DATA_LEN_RANGE);
    want_rv(c->p11->C_Sign(c->session, data, 10, w.signature, &w.len), "C_Sign behind it",
            CKR_OPERATION_NOT_INITIALIZED);
}

static void wrong_key(struct conform *c)
{
    struct work w = work(c);
    CK_OBJECT_HANDLE certificate = conform_sibling(c, c->session, w.key, CKO_CERTIFICATE);
    want_rv(c->p11->C_SignInit(c->session, &w.prepared.mechanism, CK_INVALID_HANDLE), "C_SignInit with handle 0",
            CKR_KEY_HANDLE_INVALID);
    if (certificate)
        want_rv(c->p11->C_SignInit(c->session, &w.prepared.mechanism, certificate), "C_SignInit with a certificate",
                CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED);
    begin(c, &w);
    want_rv(c->p11->C_Sign(c->session, w.prepared.data, w.prepared.len, w.signature, &w.len), "C_Sign behind both",
            CKR_OK);
    check(&w, "behind both");
}

static void parameters(struct conform *c)
{
    struct work w = work(c);
    CK_MECHANISM_INFO info;
    CK_MECHANISM none = { CKM_SHA256_RSA_PKCS_PSS, NULL, 0 };
    want(c->p11->C_SignInit(c->session, NULL, w.key) != CKR_OK || c->p30, "C_SignInit without a mechanism is CKR_OK");
    if (c->p11->C_GetMechanismInfo(c->slot, none.mechanism, &info) != CKR_OK || !(info.flags & CKF_SIGN))
        return;
    want_rv(c->p11->C_SignInit(c->session, &none, w.key), "C_SignInit of PSS without parameters",
            CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
}

static void arguments(struct conform *c)
{
    struct work w = work(c);
    begin(c, &w);
    want_rv(c->p11->C_Sign(c->session, w.prepared.data, w.prepared.len, w.signature, NULL), "C_Sign without a length",
            CKR_ARGUMENTS_BAD);
}

static void two_sessions(struct conform *c)
{
    struct work w = work(c), v = w;
    CK_SESSION_HANDLE mine = c->session, other = conform_open(c, 0);
    begin(c, &w);
    c->session = other;
    begin(c, &v);
    v.prepared.data[0] ^= 0x55;
    want_rv(c->p11->C_Sign(other, v.prepared.data, v.prepared.len, v.signature, &v.len), "C_Sign in the second session",
            CKR_OK);
    c->session = mine;
    if (w.always)
        (void)conform_login_as(c, mine, CKU_CONTEXT_SPECIFIC);
    want_rv(c->p11->C_Sign(mine, w.prepared.data, w.prepared.len, w.signature, &w.len), "C_Sign in the first session",
            CKR_OK);
    check(&w, "the first session");
    check(&v, "the second session");
}

const struct row rows_sign[] = {
    { "sign.lengths", "3.0 §5.2", "length, too little space, then the signature; then it is over", ROW_LOGIN, 0,
      lengths },
    { "sign.pieces", "3.0 §5.13 C_SignUpdate", "in pieces the same signature as at once, by the two-call rule",
      ROW_LOGIN, 0, pieces },
    { "sign.order", "3.0 §5.13", "nothing before C_SignInit, and not C_SignInit twice", ROW_LOGIN, 0, order },
    { "sign.mixed", "3.0 §5.13 C_Sign", "C_Sign does not end what C_SignUpdate began", ROW_LOGIN, 0, mixed },
    { "sign.too-long", "3.0 mechanisms §2.1.6", "CKM_RSA_PKCS refuses what does not fit, and that ends it", ROW_LOGIN,
      0, too_long },
    { "sign.wrong-key", "3.0 §5.13 C_SignInit", "what is no private key is refused, and the next call works", ROW_LOGIN,
      0, wrong_key },
    { "sign.parameters", "3.0 §5.13 C_SignInit", "missing parameters are refused", ROW_LOGIN, 0, parameters },
    { "sign.arguments", "3.0 §5.13 C_Sign", "refuses NULL for the length", ROW_LOGIN, 0, arguments },
    { "sign.two-sessions", "3.0 §4.7", "two sessions sign side by side", ROW_LOGIN, 0, two_sessions },
    { 0 },
};
