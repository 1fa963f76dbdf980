/* rows_mechanism.c — the list of mechanisms is the truth: what it names works, what it does not name is refused. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <string.h>

enum { MECHANISMS = 512 };

static CK_ULONG list(struct conform *c, CK_MECHANISM_TYPE *types)
{
    CK_ULONG count = MECHANISMS;
    want_rv(c->p11->C_GetMechanismList(c->slot, types, &count), "C_GetMechanismList", CKR_OK);
    want(count <= MECHANISMS, "%lu mechanisms", count);
    return count;
}

static void two_calls(struct conform *c)
{
    CK_MECHANISM_TYPE types[MECHANISMS];
    CK_ULONG count = 0, less;
    want_rv(c->p11->C_GetMechanismList(c->slot, NULL, NULL), "C_GetMechanismList without a count", CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_GetMechanismList(c->slot, NULL, &count), "C_GetMechanismList(NULL)", CKR_OK);
    want(count > 0 && count == list(c, types), "the number and the list differ");
    less = count - 1;
    want_rv(c->p11->C_GetMechanismList(c->slot, types, &less), "C_GetMechanismList with one too few",
            CKR_BUFFER_TOO_SMALL);
    want(less == count, "C_GetMechanismList with one too few says %lu, not %lu", less, count);
    for (CK_ULONG i = 0; i < count; i++)
        for (CK_ULONG j = 0; j < i; j++)
            want(types[i] != types[j], "mechanism 0x%lx is listed twice", types[i]);
}

static void info(struct conform *c)
{
    CK_MECHANISM_TYPE types[MECHANISMS];
    CK_MECHANISM_INFO said;
    CK_ULONG count = list(c, types);
    for (CK_ULONG i = 0; i < count; i++) {
        want(c->p11->C_GetMechanismInfo(c->slot, types[i], &said) == CKR_OK, "listed mechanism 0x%lx has no info",
             types[i]);
        want(said.ulMinKeySize <= said.ulMaxKeySize, "mechanism 0x%lx: keys from %lu to %lu", types[i],
             said.ulMinKeySize, said.ulMaxKeySize);
    }
    want_rv(c->p11->C_GetMechanismInfo(c->slot, types[0], NULL), "C_GetMechanismInfo(NULL)", CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_GetMechanismInfo(c->slot, 0x7FFF9999UL, &said), "C_GetMechanismInfo of an unknown one",
            CKR_MECHANISM_INVALID);
}

static CK_RV sign(struct conform *c, CK_OBJECT_HANDLE key, struct prepared *prepared, unsigned char *signature,
                  CK_ULONG *len)
{
    CK_RV rv = c->p11->C_SignInit(c->session, &prepared->mechanism, key);
    if (rv == CKR_OK && conform_number(c, c->session, key, CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE"))
        (void)conform_login_as(c, c->session, CKU_CONTEXT_SPECIFIC);
    return rv == CKR_OK ? c->p11->C_Sign(c->session, prepared->data, prepared->len, signature, len) : rv;
}

static void sign_truly(struct conform *c)
{
    const struct mechanism *rows[32];
    CK_OBJECT_HANDLE key = conform_key(c);
    EVP_PKEY *public = conform_public(c, c->session, key);
    size_t count = conform_usable(c, CKF_SIGN, conform_number(c, c->session, key, CKA_KEY_TYPE, "CKA_KEY_TYPE"), rows,
                                  COUNT(rows));
    want(count > 0, "no mechanism of the key's type signs");
    for (size_t i = 0; i < count; i++) {
        unsigned char signature[1024];
        CK_ULONG len = sizeof signature;
        struct prepared prepared;
        conform_prepare(rows[i], public, &prepared);
        CK_RV rv = sign(c, key, &prepared, signature, &len);
        want(rv == CKR_OK, "%s is listed for signatures and makes none: %s", rows[i]->name, ckr_name(rv));
        want(conform_verifies(rows[i], public, &prepared, signature, len), "%s: OpenSSL finds the signature wrong",
             rows[i]->name);
    }
    EVP_PKEY_free(public);
}

static void unlisted_refused(struct conform *c)
{
    CK_MECHANISM_TYPE types[MECHANISMS];
    CK_OBJECT_HANDLE key = conform_key(c);
    CK_ULONG count = list(c, types);
    for (const struct mechanism *row = conform_mechanisms; row->name; row++) {
        CK_MECHANISM_INFO said;
        CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
        CK_MECHANISM mechanism = { row->type, NULL, 0 };
        bool listed = false;
        for (CK_ULONG i = 0; i < count; i++)
            listed |= types[i] == row->type;
        if (listed)
            continue;
        if (row->padding == PLAIN_PSS)
            mechanism = (CK_MECHANISM){ row->type, &pss, sizeof pss };
        CK_RV rv = c->p11->C_SignInit(c->session, &mechanism, key);
        want(rv == CKR_MECHANISM_INVALID, "%s is not listed, and C_SignInit says %s", row->name, ckr_name(rv));
        rv = c->p11->C_GetMechanismInfo(c->slot, row->type, &said);
        want(rv == CKR_MECHANISM_INVALID, "%s is not listed, and C_GetMechanismInfo says %s", row->name, ckr_name(rv));
    }
}

static void verify_truly(struct conform *c)
{
    const struct mechanism *rows[32];
    CK_OBJECT_HANDLE key = conform_key(c), half = conform_sibling(c, c->session, key, CKO_PUBLIC_KEY);
    EVP_PKEY *public = conform_public(c, c->session, key);
    CK_KEY_TYPE type = conform_number(c, c->session, key, CKA_KEY_TYPE, "CKA_KEY_TYPE");
    size_t count = conform_usable(c, CKF_SIGN | CKF_VERIFY, type, rows, COUNT(rows));
    if (!count || !half)
        conform_skip("nothing verifies here");
    for (size_t i = 0; i < count; i++) {
        unsigned char signature[1024];
        CK_ULONG len = sizeof signature;
        struct prepared prepared;
        conform_prepare(rows[i], public, &prepared);
        CK_RV rv = sign(c, key, &prepared, signature, &len);
        if (rv != CKR_OK)
            continue; /* the row before this one says so */
        want_rv(c->p11->C_VerifyInit(c->session, &prepared.mechanism, half), rows[i]->name, CKR_OK);
        want_rv(c->p11->C_Verify(c->session, prepared.data, prepared.len, signature, len), rows[i]->name, CKR_OK);
        signature[len / 2] ^= 1;
        want_rv(c->p11->C_VerifyInit(c->session, &prepared.mechanism, half), rows[i]->name, CKR_OK);
        want_rv(c->p11->C_Verify(c->session, prepared.data, prepared.len, signature, len),
                "C_Verify of a spoilt signature", CKR_SIGNATURE_INVALID);
        want_rv(c->p11->C_VerifyInit(c->session, &prepared.mechanism, half), rows[i]->name, CKR_OK);
        want_rv(c->p11->C_Verify(c->session, prepared.data, prepared.len, signature, len - 1),
                "C_Verify of a short signature", CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID);
    }
    EVP_PKEY_free(public);
}

static void digest_truly(struct conform *c)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *hash;
    } rows[] = { { CKM_MD5, "MD5" },       { CKM_SHA_1, "SHA1" },    { CKM_SHA224, "SHA224" },
                 { CKM_SHA256, "SHA256" }, { CKM_SHA384, "SHA384" }, { CKM_SHA512, "SHA512" } };
    unsigned char data[] = "what is hashed, in one piece and in three", mine[64], theirs[64];
    size_t seen = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CK_MECHANISM_INFO said;
        CK_MECHANISM mechanism = { rows[i].type, NULL, 0 };
        CK_ULONG len = sizeof mine;
        unsigned their_len = 0;
        CK_RV rv = c->p11->C_GetMechanismInfo(c->slot, rows[i].type, &said);
        if (rv != CKR_OK || !(said.flags & CKF_DIGEST))
            continue;
        seen++;
        want(EVP_Digest(data, sizeof data, theirs, &their_len, EVP_get_digestbyname(rows[i].hash), NULL) == 1,
             "OpenSSL");
        want_rv(c->p11->C_DigestInit(c->session, &mechanism), rows[i].hash, CKR_OK);
        want_rv(c->p11->C_Digest(c->session, data, sizeof data, NULL, &len), "C_Digest for the length", CKR_OK);
        want(len == their_len, "%s: C_Digest says %lu bytes", rows[i].hash, len);
        len = 1;
        want_rv(c->p11->C_Digest(c->session, data, sizeof data, mine, &len), "C_Digest with one byte",
                CKR_BUFFER_TOO_SMALL);
        want(len == their_len, "%s: C_Digest with one byte says %lu", rows[i].hash, len);
        want_rv(c->p11->C_Digest(c->session, data, sizeof data, mine, &len), rows[i].hash, CKR_OK);
        want(len == their_len && memcmp(mine, theirs, len) == 0, "%s is wrong", rows[i].hash);
        want_rv(c->p11->C_DigestInit(c->session, &mechanism), rows[i].hash, CKR_OK);
        want_rv(c->p11->C_DigestUpdate(c->session, data, 1), rows[i].hash, CKR_OK);
        want_rv(c->p11->C_DigestUpdate(c->session, data + 1, 20), rows[i].hash, CKR_OK);
        want_rv(c->p11->C_DigestUpdate(c->session, data + 21, sizeof data - 21), rows[i].hash, CKR_OK);
        want_rv(c->p11->C_DigestFinal(c->session, NULL, &len), rows[i].hash, CKR_OK);
        want(len == their_len, "%s: C_DigestFinal says %lu bytes", rows[i].hash, len);
        memset(mine, 0, sizeof mine);
        want_rv(c->p11->C_DigestFinal(c->session, mine, &len), rows[i].hash, CKR_OK);
        want(memcmp(mine, theirs, len) == 0, "%s is wrong in pieces", rows[i].hash);
    }
    if (!seen)
        conform_skip("no digests");
}

const struct row rows_mechanism[] = {
    { "mechanism.list", "3.0 §5.5 C_GetMechanismList", "two-call rule; none twice", ROW_TOKEN, 0, two_calls },
    { "mechanism.info", "3.0 §5.5 C_GetMechanismInfo", "each listed one has its info, unknown ones have none",
      ROW_TOKEN, 0, info },
    { "mechanism.sign", "3.0 §5.13", "each mechanism listed with CKF_SIGN signs, and OpenSSL finds the signature right",
      ROW_LOGIN, 0, sign_truly },
    { "mechanism.unlisted", "3.0 §5.13 C_SignInit", "one that is not listed is CKR_MECHANISM_INVALID", ROW_LOGIN, 0,
      unlisted_refused },
    { "mechanism.verify", "3.0 §5.15", "CKF_VERIFY: right ones are right, spoilt and short ones wrong", ROW_LOGIN, 0,
      verify_truly },
    { "mechanism.digest", "3.0 §5.12", "CKF_DIGEST: OpenSSL's hash, in one piece and in several, by the two-call rule",
      ROW_SESSION, 0, digest_truly },
    { 0 },
};
