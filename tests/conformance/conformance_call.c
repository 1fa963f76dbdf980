/* conformance_call.c — the calls that rows share. Each ends the row when it does not work. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <string.h>

CK_SESSION_HANDLE conform_open(struct conform *c, CK_FLAGS flags)
{
    CK_SESSION_HANDLE session = 0;
    want_rv(c->p11->C_OpenSession(c->slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &session), "C_OpenSession", CKR_OK);
    return session;
}

CK_RV conform_login_as(struct conform *c, CK_SESSION_HANDLE session, CK_USER_TYPE user)
{
    return c->p11->C_Login(session, user, c->pin.data, c->pin.len);
}

CK_STATE conform_state(struct conform *c, CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info = { 0 };
    want_rv(c->p11->C_GetSessionInfo(session, &info), "C_GetSessionInfo", CKR_OK);
    return info.state;
}

CK_TOKEN_INFO conform_token(struct conform *c)
{
    CK_TOKEN_INFO info = { 0 };
    want_rv(c->p11->C_GetTokenInfo(c->slot, &info), "C_GetTokenInfo", CKR_OK);
    return info;
}

CK_SLOT_ID conform_other_token(struct conform *c)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = COUNT(slots);
    CK_TOKEN_INFO info;
    want_rv(c->p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList", CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        if (slots[i] != c->slot && c->p11->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            info.flags & CKF_TOKEN_INITIALIZED)
            return slots[i];
    conform_skip("one token only");
}

bool conform_is_padded(const unsigned char *text, size_t len)
{
    return !memchr(text, 0, len);
}

struct found conform_find(struct conform *c, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct found found = { .count = 0 };
    want_rv(c->p11->C_FindObjectsInit(session, template, count), "C_FindObjectsInit", CKR_OK);
    want_rv(c->p11->C_FindObjects(session, found.handles, CONFORM_OBJECTS, &found.count), "C_FindObjects", CKR_OK);
    want_rv(c->p11->C_FindObjectsFinal(session), "C_FindObjectsFinal", CKR_OK);
    want(found.count <= CONFORM_OBJECTS, "C_FindObjects says %lu of %d", found.count, CONFORM_OBJECTS);
    return found;
}

struct found conform_find_class(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
    return conform_find(c, session, &template, 1);
}

CK_OBJECT_HANDLE conform_key(struct conform *c)
{
    struct found keys = conform_find_class(c, c->session, CKO_PRIVATE_KEY);
    if (!keys.count)
        conform_skip("this token has no private key");
    return keys.handles[0];
}

bool conform_value(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                   struct value *value)
{
    CK_ATTRIBUTE row = { type, value->bytes, sizeof value->bytes };
    CK_RV rv = c->p11->C_GetAttributeValue(session, object, &row, 1);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE)
        return false;
    want(rv == CKR_OK, "C_GetAttributeValue of attribute 0x%lx: %s", type, ckr_name(rv));
    want(row.ulValueLen <= sizeof value->bytes, "attribute 0x%lx says to have %lu bytes", type, row.ulValueLen);
    value->len = row.ulValueLen;
    return true;
}

struct value conform_attribute(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                               CK_ATTRIBUTE_TYPE type, const char *name)
{
    struct value value;
    want(conform_value(c, session, object, type, &value), "an object has no %s", name);
    return value;
}

CK_ULONG conform_number(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                        const char *name)
{
    struct value value = conform_attribute(c, session, object, type, name);
    CK_ULONG number = 0;
    if (value.len == sizeof(CK_BBOOL))
        return value.bytes[0];
    want(value.len == sizeof number, "%s has %lu bytes", name, value.len);
    memcpy(&number, value.bytes, sizeof number);
    return number;
}

CK_OBJECT_HANDLE conform_sibling(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                 CK_OBJECT_CLASS class)
{
    struct value id = conform_attribute(c, session, object, CKA_ID, "CKA_ID");
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, id.bytes, id.len } };
    struct found found = conform_find(c, session, template, 2);
    return found.count ? found.handles[0] : 0;
}

static EVP_PKEY *certificate_key(const struct value *der)
{
    const unsigned char *at = der->bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)der->len);
    EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return key;
}

static EVP_PKEY *modulus_key(const struct value *modulus, const struct value *exponent)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    unsigned char n[sizeof modulus->bytes], e[8];
    for (CK_ULONG i = 0; i < modulus->len; i++) /* OpenSSL's numbers are in the machine's order */
        n[i] = modulus->bytes[modulus->len - 1 - i];
    for (CK_ULONG i = 0; i < exponent->len && i < sizeof e; i++)
        e[i] = exponent->bytes[exponent->len - 1 - i];
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, n, modulus->len),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, e, exponent->len < sizeof e ? exponent->len : sizeof e),
        OSSL_PARAM_END,
    };
    if (context && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    return key;
}

EVP_PKEY *conform_public(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_OBJECT_HANDLE certificate = conform_sibling(c, session, key, CKO_CERTIFICATE);
    EVP_PKEY *public = NULL;
    if (certificate) {
        struct value der = conform_attribute(c, session, certificate, CKA_VALUE, "CKA_VALUE");
        public = certificate_key(&der);
    } else if (conform_number(c, session, key, CKA_KEY_TYPE, "CKA_KEY_TYPE") == CKK_RSA) {
        CK_OBJECT_HANDLE half = conform_sibling(c, session, key, CKO_PUBLIC_KEY);
        want(half, "the private key has neither a certificate nor a public key of its CKA_ID");
        struct value modulus = conform_attribute(c, session, half, CKA_MODULUS, "CKA_MODULUS");
        struct value exponent = conform_attribute(c, session, half, CKA_PUBLIC_EXPONENT, "CKA_PUBLIC_EXPONENT");
        public = modulus_key(&modulus, &exponent);
    }
    want(public, "the private key's public half cannot be had");
    return public;
}
