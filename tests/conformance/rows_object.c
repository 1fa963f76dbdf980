/* rows_object.c — objects: who sees them, what attributes they have, and that nothing changes them. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <openssl/x509.h>
#include <string.h>

static CK_OBJECT_HANDLE a_certificate(struct conform *c)
{
    struct found found = conform_find_class(c, c->session, CKO_CERTIFICATE);
    if (!found.count)
        conform_skip("this token shows no certificate");
    return found.handles[0];
}

/* --- who sees them
 * ----------------------------------------------------------------------------------------------------------- */

static void private_hidden(struct conform *c)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template = { CKA_PRIVATE, &yes, sizeof yes };
    struct found all = conform_find(c, c->session, NULL, 0);
    want(conform_find_class(c, c->session, CKO_PRIVATE_KEY).count == 0, "a private key is found before login");
    want(conform_find(c, c->session, &template, 1).count == 0, "a private object is found before login");
    for (CK_ULONG i = 0; i < all.count; i++)
        want(!conform_number(c, c->session, all.handles[i], CKA_PRIVATE, "CKA_PRIVATE"),
             "a public search finds a private object");
}

static void private_shown(struct conform *c)
{
    CK_OBJECT_HANDLE key = conform_key(c);
    want(conform_number(c, c->session, key, CKA_PRIVATE, "CKA_PRIVATE"), "the private key is not private");
    CK_SESSION_HANDLE other = conform_open(c, 0);
    want(conform_find_class(c, other, CKO_PRIVATE_KEY).count > 0,
         "another session of the token does not see the private key");
}

/* The certificate of the key's CKA_ID, found before anybody logs in. */
static bool seen_in_public(struct conform *c)
{
    CK_OBJECT_HANDLE key = conform_key(c);
    struct value id = conform_attribute(c, c->session, key, CKA_ID, "CKA_ID");
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, id.bytes, id.len } };
    want(conform_find(c, c->session, template, 2).count == 1, "the private key has no certificate after login");
    want_rv(c->p11->C_Logout(c->session), "C_Logout", CKR_OK);
    return conform_find(c, c->session, template, 2).count > 0;
}

static void certificate_public(struct conform *c)
{
    want(seen_in_public(c), "the holder's certificate is not seen before login: programs cannot offer it");
}

static void certificate_personal(struct conform *c)
{
    CK_OBJECT_HANDLE key = conform_key(c);
    CK_OBJECT_HANDLE half = conform_sibling(c, c->session, key, CKO_PUBLIC_KEY);
    struct value id = conform_attribute(c, c->session, key, CKA_ID, "CKA_ID");
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, id.bytes, id.len } };
    want(!seen_in_public(c), "the holder's certificate, which is personal data, is seen before login");
    struct found found = conform_find(c, c->session, template, 2);
    for (CK_ULONG i = 0; half && i < found.count; i++) {
        struct value modulus;
        want(!conform_value(c, c->session, found.handles[i], CKA_MODULUS, &modulus),
             "the public key, which names its holder as the certificate does, is seen before login");
    }
}

/* --- attributes
 * --------------------------------------------------------------------------------------------------------------- */

static void bytes_are(struct conform *c, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const char *name,
                      unsigned char *der, int len)
{
    struct value value = conform_attribute(c, c->session, object, type, name);
    want(len > 0 && value.len == (CK_ULONG)len && memcmp(value.bytes, der, value.len) == 0,
         "%s is not the certificate's", name);
    OPENSSL_free(der);
}

static void certificate_attributes(struct conform *c)
{
    struct found found = conform_find_class(c, c->session, CKO_CERTIFICATE);
    (void)a_certificate(c);
    for (CK_ULONG i = 0; i < found.count; i++) {
        CK_OBJECT_HANDLE object = found.handles[i];
        struct value der = conform_attribute(c, c->session, object, CKA_VALUE, "CKA_VALUE");
        const unsigned char *at = der.bytes;
        unsigned char *part = NULL;
        X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
        want(certificate && at == der.bytes + der.len, "CKA_VALUE is not one certificate in DER");
        int len = i2d_X509_NAME(X509_get_subject_name(certificate), &part);
        bytes_are(c, object, CKA_SUBJECT, "CKA_SUBJECT", part, len);
        part = NULL;
        len = i2d_X509_NAME(X509_get_issuer_name(certificate), &part);
        bytes_are(c, object, CKA_ISSUER, "CKA_ISSUER", part, len);
        part = NULL;
        len = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &part);
        bytes_are(c, object, CKA_SERIAL_NUMBER, "CKA_SERIAL_NUMBER", part, len);
        want(conform_number(c, c->session, object, CKA_CERTIFICATE_TYPE, "CKA_CERTIFICATE_TYPE") == CKC_X_509,
             "not CKC_X_509");
        want(conform_attribute(c, c->session, object, CKA_LABEL, "CKA_LABEL").len > 0,
             "a certificate has an empty CKA_LABEL");
        want(conform_attribute(c, c->session, object, CKA_ID, "CKA_ID").len > 0, "a certificate has an empty CKA_ID");
        X509_free(certificate);
    }
}

/* What NSS, GnuTLS, Java and p11-kit read of a certificate besides. */
static void certificate_category(struct conform *c)
{
    struct found found = conform_find_class(c, c->session, CKO_CERTIFICATE);
    (void)a_certificate(c);
    for (CK_ULONG i = 0; i < found.count; i++) {
        CK_ULONG category =
            conform_number(c, c->session, found.handles[i], CKA_CERTIFICATE_CATEGORY, "CKA_CERTIFICATE_CATEGORY");
        want(category <= 3, "CKA_CERTIFICATE_CATEGORY %lu", category);
        (void)conform_number(c, c->session, found.handles[i], CKA_TRUSTED, "CKA_TRUSTED");
        (void)conform_number(c, c->session, found.handles[i], CKA_MODIFIABLE, "CKA_MODIFIABLE");
    }
}

static void private_key_attributes(struct conform *c)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
        int wanted; /* -1: either */
    } rows[] = {
        { CKA_TOKEN, "CKA_TOKEN", 1 },
        { CKA_SIGN, "CKA_SIGN", 1 },
        { CKA_SENSITIVE, "CKA_SENSITIVE", 1 },
        { CKA_EXTRACTABLE, "CKA_EXTRACTABLE", 0 },
        { CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", 1 },
        { CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", 1 },
        { CKA_LOCAL, "CKA_LOCAL", -1 },
        { CKA_DECRYPT, "CKA_DECRYPT", -1 },
        { CKA_UNWRAP, "CKA_UNWRAP", -1 },
        { CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER", -1 },
        { CKA_DERIVE, "CKA_DERIVE", -1 },
        { CKA_MODIFIABLE, "CKA_MODIFIABLE", -1 },
        { CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE", -1 },
    };
    CK_OBJECT_HANDLE key = conform_key(c);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CK_ULONG value = conform_number(c, c->session, key, rows[i].type, rows[i].name);
        want(rows[i].wanted < 0 || value == (CK_ULONG)rows[i].wanted, "%s is %lu", rows[i].name, value);
    }
    want(conform_attribute(c, c->session, key, CKA_LABEL, "CKA_LABEL").len > 0, "the private key's CKA_LABEL is empty");
}

static void private_key_modulus(struct conform *c)
{
    CK_OBJECT_HANDLE key = conform_key(c);
    if (conform_number(c, c->session, key, CKA_KEY_TYPE, "CKA_KEY_TYPE") != CKK_RSA)
        conform_skip("no RSA key");
    struct value mine = conform_attribute(c, c->session, key, CKA_MODULUS, "CKA_MODULUS (on the private key)");
    (void)conform_attribute(c, c->session, key, CKA_PUBLIC_EXPONENT, "CKA_PUBLIC_EXPONENT (on the private key)");
    EVP_PKEY *public = conform_public(c, c->session, key);
    BIGNUM *theirs = NULL, *ours = BN_bin2bn(mine.bytes, (int)mine.len, NULL);
    want(EVP_PKEY_get_bn_param(public, "n", &theirs) == 1 && BN_cmp(ours, theirs) == 0,
         "CKA_MODULUS is not the certificate's");
    BN_free(theirs);
    BN_free(ours);
    EVP_PKEY_free(public);
}

static void key_triple(struct conform *c)
{
    struct found keys = conform_find_class(c, c->session, CKO_PRIVATE_KEY);
    (void)conform_key(c);
    for (CK_ULONG i = 0; i < keys.count; i++) {
        struct value id = conform_attribute(c, c->session, keys.handles[i], CKA_ID, "CKA_ID");
        want(id.len > 0, "a private key's CKA_ID is empty");
        want(conform_sibling(c, c->session, keys.handles[i], CKO_CERTIFICATE),
             "no certificate has the private key's CKA_ID");
        want(conform_sibling(c, c->session, keys.handles[i], CKO_PUBLIC_KEY),
             "no public key has the private key's CKA_ID");
    }
}

static void public_key_attributes(struct conform *c)
{
    CK_OBJECT_HANDLE half = conform_sibling(c, c->session, conform_key(c), CKO_PUBLIC_KEY);
    if (!half)
        conform_skip("no public key");
    EVP_PKEY *public = conform_public(c, c->session, half);
    if (conform_number(c, c->session, half, CKA_KEY_TYPE, "CKA_KEY_TYPE") == CKK_RSA) {
        struct value modulus = conform_attribute(c, c->session, half, CKA_MODULUS, "CKA_MODULUS");
        CK_ULONG bits = conform_number(c, c->session, half, CKA_MODULUS_BITS, "CKA_MODULUS_BITS");
        (void)conform_attribute(c, c->session, half, CKA_PUBLIC_EXPONENT, "CKA_PUBLIC_EXPONENT");
        BIGNUM *theirs = NULL, *ours = BN_bin2bn(modulus.bytes, (int)modulus.len, NULL);
        want(EVP_PKEY_get_bn_param(public, "n", &theirs) == 1 && BN_cmp(ours, theirs) == 0,
             "CKA_MODULUS is not the certificate's");
        want(bits == (CK_ULONG)EVP_PKEY_get_bits(public), "CKA_MODULUS_BITS %lu", bits);
        BN_free(theirs);
        BN_free(ours);
    } else {
        want(conform_attribute(c, c->session, half, CKA_EC_PARAMS, "CKA_EC_PARAMS").len > 0, "CKA_EC_PARAMS is empty");
        want(conform_attribute(c, c->session, half, CKA_EC_POINT, "CKA_EC_POINT").len > 0, "CKA_EC_POINT is empty");
    }
    (void)conform_number(c, c->session, half, CKA_VERIFY, "CKA_VERIFY");
    EVP_PKEY_free(public);
}

static void token_objects(struct conform *c)
{
    struct found all = conform_find(c, c->session, NULL, 0);
    for (CK_ULONG i = 0; i < all.count; i++)
        want(conform_number(c, c->session, all.handles[i], CKA_TOKEN, "CKA_TOKEN"),
             "an object of the token has CKA_TOKEN false");
}

static void secrets(struct conform *c)
{
    static const CK_ATTRIBUTE_TYPE types[] = { CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_VALUE };
    CK_OBJECT_HANDLE key = conform_key(c);
    bool rsa = conform_number(c, c->session, key, CKA_KEY_TYPE, "CKA_KEY_TYPE") == CKK_RSA;
    for (size_t i = rsa ? 0 : 2; i < (rsa ? 2 : COUNT(types)); i++) {
        unsigned char bytes[512];
        CK_ATTRIBUTE row = { types[i], bytes, sizeof bytes };
        want_rv(c->p11->C_GetAttributeValue(c->session, key, &row, 1), "C_GetAttributeValue of a secret part",
                CKR_ATTRIBUTE_SENSITIVE);
        want(row.ulValueLen == CK_UNAVAILABLE_INFORMATION, "a secret part says to have %lu bytes", row.ulValueLen);
    }
}

static void unknown_attribute(struct conform *c)
{
    unsigned char label[256];
    CK_OBJECT_HANDLE object = a_certificate(c);
    CK_ATTRIBUTE rows[] = { { 0x7FFF7777UL, label, 8 },
                            { CKA_LABEL, label, sizeof label },
                            { CKA_PRIVATE_EXPONENT, NULL, 0 } };
    want_rv(c->p11->C_GetAttributeValue(c->session, object, rows, 3), "C_GetAttributeValue with unknown ones",
            CKR_ATTRIBUTE_TYPE_INVALID);
    want(rows[0].ulValueLen == CK_UNAVAILABLE_INFORMATION, "the unknown attribute says to have %lu bytes",
         rows[0].ulValueLen);
    want(rows[1].ulValueLen != CK_UNAVAILABLE_INFORMATION && rows[1].ulValueLen < sizeof label,
         "the known one beside it was not given");
    want(rows[2].ulValueLen == CK_UNAVAILABLE_INFORMATION, "a certificate has a private exponent");
}

static void lengths(struct conform *c)
{
    CK_OBJECT_HANDLE object = a_certificate(c);
    unsigned char bytes[4096];
    CK_ATTRIBUTE row = { CKA_VALUE, NULL, 0 };
    want_rv(c->p11->C_GetAttributeValue(c->session, object, &row, 1), "C_GetAttributeValue of a length", CKR_OK);
    CK_ULONG len = row.ulValueLen;
    want(len > 100 && len <= sizeof bytes, "a certificate of %lu bytes", len);
    row = (CK_ATTRIBUTE){ CKA_VALUE, bytes, len - 1 };
    want_rv(c->p11->C_GetAttributeValue(c->session, object, &row, 1), "C_GetAttributeValue with a byte too few",
            CKR_BUFFER_TOO_SMALL);
    want(row.ulValueLen == CK_UNAVAILABLE_INFORMATION, "with a byte too few the length is %lu", row.ulValueLen);
    row = (CK_ATTRIBUTE){ CKA_VALUE, bytes, sizeof bytes };
    want_rv(c->p11->C_GetAttributeValue(c->session, object, &row, 1), "C_GetAttributeValue with more than enough",
            CKR_OK);
    want(row.ulValueLen == len, "the length is %lu, then %lu", len, row.ulValueLen);
}

static void no_object(struct conform *c)
{
    static const CK_OBJECT_HANDLE handles[] = { CK_INVALID_HANDLE, 0x7FFF5678UL };
    CK_ATTRIBUTE row = { CKA_CLASS, NULL, 0 };
    CK_ULONG size = 0;
    for (size_t i = 0; i < COUNT(handles); i++) {
        want_rv(c->p11->C_GetAttributeValue(c->session, handles[i], &row, 1), "C_GetAttributeValue",
                CKR_OBJECT_HANDLE_INVALID);
        want_rv(c->p11->C_GetObjectSize(c->session, handles[i], &size), "C_GetObjectSize", CKR_OBJECT_HANDLE_INVALID,
                CKR_FUNCTION_NOT_SUPPORTED);
    }
    want_rv(c->p11->C_GetAttributeValue(c->session, a_certificate(c), NULL, 1), "C_GetAttributeValue with NULL",
            CKR_ARGUMENTS_BAD);
}

static void object_size(struct conform *c)
{
    CK_ULONG size = 0;
    CK_OBJECT_HANDLE object = a_certificate(c);
    want_rv(c->p11->C_GetObjectSize(c->session, object, &size), "C_GetObjectSize", CKR_OK);
    want(size > 0, "a certificate of no size");
    want_rv(c->p11->C_GetObjectSize(c->session, object, NULL), "C_GetObjectSize(NULL)", CKR_ARGUMENTS_BAD);
}

static void unique_ids(struct conform *c)
{
    struct found all = conform_find(c, c->session, NULL, 0);
    struct value ids[CONFORM_OBJECTS];
    for (CK_ULONG i = 0; i < all.count; i++) {
        if (!conform_value(c, c->session, all.handles[i], CKA_UNIQUE_ID, &ids[i])) {
            if (i == 0)
                conform_skip("no CKA_UNIQUE_ID");
            conform_fail("some objects have a CKA_UNIQUE_ID, some have none");
        }
        want(ids[i].len > 0, "an empty CKA_UNIQUE_ID");
        for (CK_ULONG j = 0; j < i; j++)
            want(ids[i].len != ids[j].len || memcmp(ids[i].bytes, ids[j].bytes, ids[i].len) != 0,
                 "two objects have one CKA_UNIQUE_ID");
    }
}

static void profiles(struct conform *c)
{
    struct found found = conform_find_class(c, c->session, CKO_PROFILE);
    if (!c->p30)
        conform_skip("no interface of version 3");
    want(found.count > 0, "a module of version 3, and no CKO_PROFILE object");
    bool certificates = false;
    for (CK_ULONG i = 0; i < found.count; i++) {
        CK_ULONG id = conform_number(c, c->session, found.handles[i], CKA_PROFILE_ID, "CKA_PROFILE_ID");
        want(id > 0 && (id <= CKP_PUBLIC_CERTIFICATES_TOKEN || id >= 0x80000000UL), "CKA_PROFILE_ID %lu", id);
        certificates |= id == CKP_PUBLIC_CERTIFICATES_TOKEN;
    }
    /* Profiles 3.0 §5.5: all certificates can be read before login, each with the CKA_ID of its private key. */
    struct found seen = conform_find_class(c, c->session, CKO_CERTIFICATE);
    if (!certificates || !c->pin.len)
        return;
    conform_login(c, c->session);
    struct found all = conform_find_class(c, c->session, CKO_CERTIFICATE);
    want(all.count == seen.count, "CKP_PUBLIC_CERTIFICATES_TOKEN, and %lu of %lu certificates are public", seen.count,
         all.count);
}

/* --- nothing changes them
 * ----------------------------------------------------------------------------------------------------- */

static void guard(struct conform *c)
{
    want(c->token.flags & CKF_WRITE_PROTECTED, "the token does not say CKF_WRITE_PROTECTED: nothing is tried on it");
}

static void create_refused(struct conform *c)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    unsigned char label[] = "conformance", value[] = "nothing";
    CK_ATTRIBUTE template[] = {
        { CKA_CLASS, &class, sizeof class },    { CKA_TOKEN, &yes, sizeof yes }, { CKA_PRIVATE, &no, sizeof no },
        { CKA_LABEL, label, sizeof label - 1 }, { CKA_APPLICATION, label, 1 },   { CKA_VALUE, value, sizeof value - 1 },
    };
    CK_OBJECT_HANDLE made = 0;
    guard(c);
    CK_SESSION_HANDLE writing = conform_open(c, CKF_RW_SESSION);
    want_rv(c->p11->C_CreateObject(writing, template, COUNT(template), &made),
            "C_CreateObject on a write protected token", CKR_TOKEN_WRITE_PROTECTED, CKR_FUNCTION_NOT_SUPPORTED);
    want(conform_find(c, writing, &template[3], 1).count == 0, "the object was made all the same");
}

static void destroy_refused(struct conform *c)
{
    CK_OBJECT_HANDLE object = a_certificate(c);
    guard(c);
    CK_SESSION_HANDLE writing = conform_open(c, CKF_RW_SESSION);
    CK_ULONG before = conform_find(c, writing, NULL, 0).count;
    want_rv(c->p11->C_DestroyObject(writing, object), "C_DestroyObject on a write protected token",
            CKR_ACTION_PROHIBITED, CKR_TOKEN_WRITE_PROTECTED, CKR_FUNCTION_NOT_SUPPORTED);
    want(conform_find(c, writing, NULL, 0).count == before, "the object is gone all the same");
}

static void change_refused(struct conform *c)
{
    unsigned char label[] = "another";
    CK_ATTRIBUTE row = { CKA_LABEL, label, sizeof label - 1 };
    CK_OBJECT_HANDLE object = a_certificate(c);
    guard(c);
    CK_SESSION_HANDLE writing = conform_open(c, CKF_RW_SESSION);
    struct value before = conform_attribute(c, writing, object, CKA_LABEL, "CKA_LABEL");
    want_rv(c->p11->C_SetAttributeValue(writing, object, &row, 1), "C_SetAttributeValue on a write protected token",
            CKR_ACTION_PROHIBITED, CKR_TOKEN_WRITE_PROTECTED, CKR_ATTRIBUTE_READ_ONLY, CKR_FUNCTION_NOT_SUPPORTED);
    struct value after = conform_attribute(c, writing, object, CKA_LABEL, "CKA_LABEL");
    want(before.len == after.len && memcmp(before.bytes, after.bytes, before.len) == 0,
         "the label is another one all the same");
}

const struct row rows_object[] = {
    { "object.private-hidden", "3.0 §4.4", "no private object is seen before login", ROW_SESSION, 0, private_hidden },
    { "object.private-shown", "3.0 §4.4", "the private key is seen after login, in every session", ROW_LOGIN, 0,
      private_shown },
    { "object.certificate-public", "profile of two-PIN cards", "the holder's certificate is seen before login",
      ROW_LOGIN, ROW_PUBLIC_CERT, certificate_public },
    { "object.certificate-personal", "profile of two-PIN cards",
      "a certificate that is personal data is seen after login only, its key too", ROW_LOGIN, ROW_PRIVATE_CERT,
      certificate_personal },
    { "object.certificate", "3.0 §4.6.3",
      "type, subject, issuer and serial number are those of CKA_VALUE; label and identifier are there", ROW_SESSION, 0,
      certificate_attributes },
    { "object.certificate-category", "3.0 §4.6.2", "category, trusted and modifiable can be read", ROW_SESSION, 0,
      certificate_category },
    { "object.private-key", "3.0 §4.9", "every attribute of a private key; it signs and does not leave", ROW_LOGIN, 0,
      private_key_attributes },
    { "object.private-key-modulus", "3.0 mechanisms §2.1.3",
      "modulus and exponent stand on the private key: NSS, Java and GnuTLS read them there", ROW_LOGIN, 0,
      private_key_modulus },
    { "object.key-triple", "3.0 §4.9 CKA_ID", "each private key has a certificate and a public key of its CKA_ID",
      ROW_LOGIN, 0, key_triple },
    { "object.public-key", "3.0 §4.8; mechanisms §2.1.2", "the public key is the certificate's", ROW_LOGIN, 0,
      public_key_attributes },
    { "object.token", "3.0 §4.4 CKA_TOKEN", "objects of the token say so", ROW_LOGIN, 0, token_objects },
    { "object.secrets", "3.0 §5.7 C_GetAttributeValue",
      "secret parts are CKR_ATTRIBUTE_SENSITIVE, their length unavailable", ROW_LOGIN, 0, secrets },
    { "object.unknown-attribute", "3.0 §5.7 C_GetAttributeValue",
      "unknown ones are said to be, the known ones beside them are given", ROW_SESSION, 0, unknown_attribute },
    { "object.lengths", "3.0 §5.7 C_GetAttributeValue", "length, too little space, enough", ROW_SESSION, 0, lengths },
    { "object.no-object", "3.0 §5.7", "handles of nothing, and NULL, are refused", ROW_SESSION, 0, no_object },
    { "object.size", "3.0 §5.7 C_GetObjectSize", "a size; NULL refused", ROW_SESSION, 0, object_size },
    { "object.unique-id", "3.0 §4.4 CKA_UNIQUE_ID", "all objects have one or none has, and no two the same",
      ROW_SESSION, 0, unique_ids },
    { "object.profiles", "profiles 3.0 §2", "a module of version 3 names its profiles, and they are true", ROW_SESSION,
      0, profiles },
    { "object.create-refused", "3.0 §5.7 C_CreateObject", "nothing is made on a write protected token", ROW_SESSION,
      ROW_NATIONAL, create_refused },
    { "object.destroy-refused", "3.0 §5.7 C_DestroyObject", "nothing is destroyed", ROW_SESSION, ROW_NATIONAL,
      destroy_refused },
    { "object.change-refused", "3.0 §5.7 C_SetAttributeValue", "nothing is changed", ROW_SESSION, ROW_NATIONAL,
      change_refused },
    { 0 },
};
