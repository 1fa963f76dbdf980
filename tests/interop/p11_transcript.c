/* p11_transcript.c — asks any PKCS#11 module with two tokens the same questions and writes the answers as lines "question =
 * answer" that two modules' answers can be compared by. Nothing in a line depends on a handle, a time or a random number. The
 * card is a test card: its PINs stand here.
 * usage: p11_transcript MODULE */
#include "pkcs11/cryptoki.h"
#include "support/ckr_name.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static CK_FUNCTION_LIST *p11;

/* --- words --------------------------------------------------------------------------------------------------------------- */

#define NAME(value) { value, #value }
struct name {
    unsigned long value;
    const char *name;
};

static const struct name classes[] = {
    NAME(CKO_DATA), NAME(CKO_CERTIFICATE), NAME(CKO_PUBLIC_KEY), NAME(CKO_PRIVATE_KEY), NAME(CKO_SECRET_KEY), { 9, "CKO_PROFILE" },
    { 5, "CKO_HW_FEATURE" },
};
static const struct name mechanisms[] = {
    NAME(CKM_RSA_PKCS), NAME(CKM_RSA_X_509), NAME(CKM_MD5_RSA_PKCS), NAME(CKM_SHA1_RSA_PKCS), NAME(CKM_SHA224_RSA_PKCS),
    NAME(CKM_SHA256_RSA_PKCS), NAME(CKM_SHA384_RSA_PKCS), NAME(CKM_SHA512_RSA_PKCS), NAME(CKM_RSA_PKCS_PSS),
    NAME(CKM_SHA1_RSA_PKCS_PSS), NAME(CKM_SHA256_RSA_PKCS_PSS), NAME(CKM_SHA384_RSA_PKCS_PSS), NAME(CKM_SHA512_RSA_PKCS_PSS),
    NAME(CKM_RIPEMD160_RSA_PKCS), NAME(CKM_MD5), NAME(CKM_SHA_1), NAME(CKM_SHA224), NAME(CKM_SHA256), NAME(CKM_SHA384),
    NAME(CKM_SHA512), NAME(CKM_RIPEMD160), NAME(CKM_GENERIC_SECRET_KEY_GEN),
};
static const struct name attributes[] = {
    NAME(CKA_CLASS), NAME(CKA_TOKEN), NAME(CKA_PRIVATE), NAME(CKA_LABEL), NAME(CKA_ID), NAME(CKA_MODIFIABLE), NAME(CKA_VALUE),
    NAME(CKA_CERTIFICATE_TYPE), NAME(CKA_CERTIFICATE_CATEGORY), NAME(CKA_TRUSTED), NAME(CKA_ISSUER), NAME(CKA_SERIAL_NUMBER),
    NAME(CKA_SUBJECT), NAME(CKA_KEY_TYPE), NAME(CKA_MODULUS), NAME(CKA_MODULUS_BITS), NAME(CKA_PUBLIC_EXPONENT),
    NAME(CKA_PRIVATE_EXPONENT), NAME(CKA_SIGN), NAME(CKA_SIGN_RECOVER), NAME(CKA_VERIFY), NAME(CKA_ENCRYPT), NAME(CKA_DECRYPT),
    NAME(CKA_WRAP), NAME(CKA_UNWRAP), NAME(CKA_DERIVE), NAME(CKA_SENSITIVE), NAME(CKA_ALWAYS_SENSITIVE), NAME(CKA_EXTRACTABLE),
    NAME(CKA_NEVER_EXTRACTABLE), NAME(CKA_LOCAL), NAME(CKA_ALWAYS_AUTHENTICATE), NAME(CKA_ALLOWED_MECHANISMS),
    NAME(CKA_START_DATE), NAME(CKA_END_DATE), NAME(CKA_CHECK_VALUE), NAME(CKA_APPLICATION), NAME(CKA_OBJECT_ID),
};

static const char *name_of(const struct name *names, size_t count, unsigned long value)
{
    static char number[2][24];
    static int turn;
    for (size_t i = 0; i < count; i++)
        if (names[i].value == value)
            return names[i].name;
    turn = !turn;
    snprintf(number[turn], sizeof number[turn], "0x%lx", value);
    return number[turn];
}

static void line_rv(const char *token, const char *question, CK_RV rv)
{
    printf("%s %s = %s\n", token, question, ckr_name(rv));
}

static void put_text(const unsigned char *text, size_t len)
{
    while (len && text[len - 1] == ' ')
        len--;
    printf("%.*s", (int)len, (const char *)text);
}

/* A value as hex when it is short, as length and hash when it is not. */
static void put_value(const unsigned char *value, size_t len)
{
    unsigned char hash[32];
    unsigned int hash_len = sizeof hash;
    if (len <= 40) {
        for (size_t i = 0; i < len; i++)
            printf("%02X", value[i]);
        return;
    }
    (void)EVP_Digest(value, len, hash, &hash_len, EVP_sha256(), NULL);
    printf("%zu bytes %02X%02X%02X%02X", len, hash[0], hash[1], hash[2], hash[3]);
}

/* --- tokens -------------------------------------------------------------------------------------------------------------- */

static void show_flags(CK_FLAGS flags)
{
    static const struct name names[] = {
        NAME(CKF_RNG), NAME(CKF_WRITE_PROTECTED), NAME(CKF_LOGIN_REQUIRED), NAME(CKF_USER_PIN_INITIALIZED),
        NAME(CKF_RESTORE_KEY_NOT_NEEDED), NAME(CKF_PROTECTED_AUTHENTICATION_PATH), NAME(CKF_TOKEN_INITIALIZED),
        NAME(CKF_USER_PIN_COUNT_LOW), NAME(CKF_USER_PIN_FINAL_TRY), NAME(CKF_USER_PIN_LOCKED), NAME(CKF_USER_PIN_TO_BE_CHANGED),
    };
    for (size_t i = 0; i < COUNT(names); i++)
        if (flags & names[i].value)
            printf(" %s", names[i].name + 4);
    printf("\n");
}

static void show_pin_flags(const char *token, const char *when, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    CK_RV rv = p11->C_GetTokenInfo(slot, &info);
    printf("%s PIN flags %s =", token, when);
    if (rv == CKR_OK)
        show_flags(info.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED));
    else
        printf(" %s\n", ckr_name(rv));
}

static void show_token(const char *token, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    CK_MECHANISM_TYPE list[128];
    CK_ULONG count = COUNT(list);
    if (p11->C_GetTokenInfo(slot, &info) != CKR_OK)
        return;
    const struct {
        const char *name;
        const unsigned char *text;
        size_t len;
    } texts[] = { { "label", info.label, 32 },
                  { "manufacturer", info.manufacturerID, 32 },
                  { "model", info.model, 16 },
                  { "serial number", info.serialNumber, 16 } };
    for (size_t i = 0; i < COUNT(texts); i++) {
        printf("%s %s = ", token, texts[i].name);
        put_text(texts[i].text, texts[i].len);
        printf("\n");
    }
    printf("%s flags =", token);
    show_flags(info.flags);
    printf("%s PIN length = %lu to %lu\n", token, info.ulMinPinLen, info.ulMaxPinLen);
    if (p11->C_GetMechanismList(slot, list, &count) != CKR_OK)
        return;
    for (size_t m = 0; m < COUNT(mechanisms); m++) {
        CK_MECHANISM_INFO about = { 0 };
        bool listed = false;
        for (CK_ULONG i = 0; i < count; i++)
            listed = listed || list[i] == mechanisms[m].value;
        CK_RV rv = p11->C_GetMechanismInfo(slot, mechanisms[m].value, &about);
        if (listed && rv == CKR_OK)
            printf("%s mechanism %s = flags 0x%lx, size %lu to %lu\n", token, mechanisms[m].name, about.flags,
                   about.ulMinKeySize, about.ulMaxKeySize);
        else if (listed || rv == CKR_OK)
            printf("%s mechanism %s = %slisted, %s\n", token, mechanisms[m].name, listed ? "" : "not ", ckr_name(rv));
    }
}

/* --- objects ------------------------------------------------------------------------------------------------------------- */

static CK_ULONG find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *found, CK_RV *rv)
{
    CK_ULONG n = 0;
    *rv = p11->C_FindObjectsInit(session, template, count);
    if (*rv != CKR_OK)
        return 0;
    *rv = p11->C_FindObjects(session, found, 32, &n);
    (void)p11->C_FindObjectsFinal(session);
    return n;
}

static CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, 1 } };
    CK_OBJECT_HANDLE found[32];
    CK_RV rv;
    return find(session, template, 2, found, &rv) ? found[0] : CK_INVALID_HANDLE;
}

static void show_object(const char *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, const char *name)
{
    for (size_t i = 0; i < COUNT(attributes); i++) {
        static unsigned char value[8192];
        CK_ATTRIBUTE attribute = { attributes[i].value, NULL, 0 };
        CK_RV rv = p11->C_GetAttributeValue(session, object, &attribute, 1);
        if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
            continue;
        printf("%s %s %s = ", token, name, attributes[i].name);
        if (rv == CKR_OK && attribute.ulValueLen <= sizeof value) {
            attribute.pValue = value;
            rv = p11->C_GetAttributeValue(session, object, &attribute, 1);
        }
        if (rv == CKR_OK)
            put_value(value, attribute.ulValueLen);
        else
            printf("%s", ckr_name(rv));
        printf("\n");
    }
}

static void show_objects(const char *token, CK_SESSION_HANDLE session, const char *when)
{
    const CK_OBJECT_CLASS all[] = { CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_DATA, CKO_SECRET_KEY, 9 };
    for (size_t c = 0; c < COUNT(all); c++) {
        CK_OBJECT_CLASS class = all[c];
        CK_OBJECT_HANDLE found[32];
        CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
        CK_RV rv;
        CK_ULONG n = find(session, &template, 1, found, &rv);
        const char *class_name = name_of(classes, COUNT(classes), class);
        if (rv != CKR_OK) {
            printf("%s %s: %s = %s\n", token, when, class_name, ckr_name(rv));
            continue;
        }
        for (CK_ULONG i = 0; i < n; i++) {
            unsigned char id[8] = { 0 };
            CK_ATTRIBUTE id_of = { CKA_ID, id, sizeof id };
            char name[64];
            if (p11->C_GetAttributeValue(session, found[i], &id_of, 1) == CKR_OK && id_of.ulValueLen == 1)
                snprintf(name, sizeof name, "%s %02X", class_name, id[0]);
            else
                snprintf(name, sizeof name, "%s number %lu", class_name, i);
            printf("%s %s: %s = there\n", token, when, name);
            if (strcmp(when, "after login") == 0)
                show_object(token, session, found[i], name);
        }
    }
}

static void show_searches(const char *token, CK_SESSION_HANDLE session)
{
    static const struct name rows[] = { { 0xCE534353UL, "NSS trust" },      { 0xCE534354UL, "NSS built-in roots" },
                                        { CKO_HW_FEATURE, "hardware" },     { CKO_DOMAIN_PARAMETERS, "domain parameters" },
                                        { 11, "trust" } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CK_OBJECT_CLASS class = rows[i].value;
        CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
        CK_OBJECT_HANDLE found[32];
        CK_RV rv;
        CK_ULONG n = find(session, &template, 1, found, &rv);
        printf("%s search %s = %lu, %s\n", token, rows[i].name, n, ckr_name(rv));
    }
}

/* --- signatures ---------------------------------------------------------------------------------------------------------- */

static EVP_PKEY *key_of_certificate(CK_SESSION_HANDLE session, CK_BYTE id)
{
    static unsigned char der[8192];
    const unsigned char *at = der;
    CK_ATTRIBUTE value = { CKA_VALUE, der, sizeof der };
    CK_OBJECT_HANDLE object = find_one(session, CKO_CERTIFICATE, id);
    if (!object || p11->C_GetAttributeValue(session, object, &value, 1) != CKR_OK)
        return NULL;
    X509 *cert = d2i_X509(NULL, &at, (long)value.ulValueLen);
    EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;
    X509_free(cert);
    return key;
}

static bool is_good(EVP_PKEY *key, const char *digest, bool pss, const unsigned char *data, size_t len,
                    const unsigned char *signature, size_t signature_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *inner;
    bool good = context && EVP_DigestVerifyInit_ex(context, &inner, digest, NULL, NULL, key, NULL) == 1
        && (!pss || (EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) > 0
                     && EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, 32) > 0))
        && EVP_DigestVerify(context, signature, signature_len, data, len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static void show_signatures(const char *token, CK_SESSION_HANDLE session, CK_BYTE id)
{
    static CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
    static const struct {
        const char *name, *digest;
        CK_MECHANISM mechanism;
        bool pss;
    } rows[] = {
        { "SHA1_RSA_PKCS", "SHA1", { CKM_SHA1_RSA_PKCS, NULL, 0 }, false },
        { "SHA256_RSA_PKCS", "SHA256", { CKM_SHA256_RSA_PKCS, NULL, 0 }, false },
        { "SHA384_RSA_PKCS", "SHA384", { CKM_SHA384_RSA_PKCS, NULL, 0 }, false },
        { "SHA512_RSA_PKCS", "SHA512", { CKM_SHA512_RSA_PKCS, NULL, 0 }, false },
        { "SHA256_RSA_PKCS_PSS", "SHA256", { CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof pss }, true },
    };
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, id);
    EVP_PKEY *public = key_of_certificate(session, id);
    for (size_t i = 0; i < COUNT(rows) && public; i++) {
        unsigned char data[200], signature[512];
        CK_MECHANISM mechanism = rows[i].mechanism;
        CK_ULONG len = 0, small = 10, whole = sizeof signature;
        memset(data, 'd', sizeof data);
        CK_RV rv = p11->C_SignInit(session, &mechanism, key);
        printf("%s sign %s = ", token, rows[i].name);
        if (rv != CKR_OK) {
            printf("%s\n", ckr_name(rv));
            continue;
        }
        rv = p11->C_Sign(session, data, sizeof data, NULL, &len);
        printf("length %lu %s, ", len, ckr_name(rv));
        rv = p11->C_Sign(session, data, sizeof data, signature, &small);
        printf("small buffer %s, ", ckr_name(rv));
        rv = p11->C_Sign(session, data, sizeof data, signature, &whole);
        bool good = rv == CKR_OK && is_good(public, rows[i].digest, rows[i].pss, data, sizeof data, signature, whole);
        printf("signature %s %s\n", ckr_name(rv), good ? "verifies" : "does not verify");
        (void)p11->C_SignInit(session, NULL, key);
    }
    EVP_PKEY_free(public);
    CK_MECHANISM raw = { CKM_RSA_PKCS, NULL, 0 };
    unsigned char data[246] = { 1 }, signature[512];
    CK_ULONG len = sizeof signature;
    CK_RV rv = p11->C_SignInit(session, &raw, key);
    if (rv == CKR_OK)
        rv = p11->C_Sign(session, data, sizeof data, signature, &len);
    line_rv(token, "sign RSA_PKCS of 246 bytes", rv);
}

/* --- PINs and sessions --------------------------------------------------------------------------------------------------- */

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *pin)
{
    unsigned char copy[64];
    size_t len = strlen(pin);
    memcpy(copy, pin, len);
    return p11->C_Login(session, user, copy, len);
}

static const char *state_name(CK_SESSION_HANDLE session)
{
    static const char *const names[] = { "RO public", "RO user", "RW public", "RW user", "RW SO" };
    CK_SESSION_INFO info;
    CK_RV rv = p11->C_GetSessionInfo(session, &info);
    return rv != CKR_OK ? ckr_name(rv) : info.state < 5 ? names[info.state] : "unknown";
}

struct row {
    const char *name;
    CK_SLOT_ID slot;
    CK_BYTE id;
    const char *pin, *wrong, *longer, *lower;
};

static void show_logins(const struct row *row, CK_SESSION_HANDLE session, CK_SESSION_HANDLE other)
{
    line_rv(row->name, "login, PIN too short", login(session, CKU_USER, "123"));
    line_rv(row->name, "login, PIN too long", login(session, CKU_USER, row->longer));
    line_rv(row->name, "login, empty PIN", login(session, CKU_USER, ""));
    show_pin_flags(row->name, "after these", row->slot);
    line_rv(row->name, "login, wrong PIN", login(session, CKU_USER, row->wrong));
    show_pin_flags(row->name, "after a wrong PIN", row->slot);
    line_rv(row->name, "login, the same wrong PIN", login(session, CKU_USER, row->wrong));
    show_pin_flags(row->name, "after it again", row->slot);
    CK_RV rv = login(session, CKU_USER, row->lower);
    line_rv(row->name, "login, PIN (letters in lower case)", rv);
    if (rv != CKR_OK)
        line_rv(row->name, "login, PIN", login(session, CKU_USER, row->pin));
    show_pin_flags(row->name, "after the right PIN", row->slot);
    line_rv(row->name, "login again", login(session, CKU_USER, row->pin));
    printf("%s session state after login = %s\n", row->name, state_name(session));
    printf("%s the other token's session state = %s\n", row->name, state_name(other));
}

static void show_refusals(const struct row *row, CK_SESSION_HANDLE session)
{
    unsigned char bytes[64] = { 0 };
    CK_ULONG len = sizeof bytes;
    CK_OBJECT_HANDLE object = 0;
    CK_MECHANISM rsa = { CKM_RSA_PKCS, NULL, 0 }, sha256 = { CKM_SHA256, NULL, 0 };
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, row->id);
    line_rv(row->name, "C_GenerateRandom", p11->C_GenerateRandom(session, bytes, 8));
    line_rv(row->name, "C_SeedRandom", p11->C_SeedRandom(session, bytes, 8));
    line_rv(row->name, "C_CreateObject, empty", p11->C_CreateObject(session, (CK_ATTRIBUTE[1]) { { 0 } }, 0, &object));
    line_rv(row->name, "C_DestroyObject of the key", p11->C_DestroyObject(session, key));
    line_rv(row->name, "C_InitPIN", p11->C_InitPIN(session, bytes, 4));
    line_rv(row->name, "C_DecryptInit", p11->C_DecryptInit(session, &rsa, key));
    line_rv(row->name, "C_GetOperationState", p11->C_GetOperationState(session, bytes, &len));
    line_rv(row->name, "C_GetFunctionStatus", p11->C_GetFunctionStatus(session));
    line_rv(row->name, "C_SignInit, no such key", p11->C_SignInit(session, &rsa, 987654));
    line_rv(row->name, "C_Sign without C_SignInit", p11->C_Sign(session, bytes, 8, bytes, &len));
    line_rv(row->name, "C_FindObjects without Init", p11->C_FindObjects(session, &object, 1, &len));
    line_rv(row->name, "C_DigestInit", p11->C_DigestInit(session, &sha256));
    line_rv(row->name, "C_CloseSession, no such session", p11->C_CloseSession(987654));
    line_rv(row->name, "C_OpenSession, parallel", p11->C_OpenSession(row->slot, 0, NULL, NULL, &object));
}

/* After C_Logout: is what was shown after login gone? */
static void show_logout(const struct row *row, CK_SESSION_HANDLE session)
{
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY, row->id);
    CK_MECHANISM rsa = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    line_rv(row->name, "C_Logout", p11->C_Logout(session));
    line_rv(row->name, "C_Logout again", p11->C_Logout(session));
    line_rv(row->name, "C_SignInit after logout", p11->C_SignInit(session, &rsa, key));
    printf("%s private key found after logout = %s\n", row->name, find_one(session, CKO_PRIVATE_KEY, row->id) ? "yes" : "no");
}

static void show_all(const struct row *row, CK_SLOT_ID other_slot)
{
    CK_SESSION_HANDLE session = 0, other = 0, reading = 0;
    show_token(row->name, row->slot);
    line_rv(row->name, "C_OpenSession, read/write",
            p11->C_OpenSession(row->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    line_rv(row->name, "C_OpenSession, read only", p11->C_OpenSession(row->slot, CKF_SERIAL_SESSION, NULL, NULL, &reading));
    (void)p11->C_OpenSession(other_slot, CKF_SERIAL_SESSION, NULL, NULL, &other);
    show_objects(row->name, session, "before login");
    show_searches(row->name, session);
    show_logins(row, session, other);
    show_objects(row->name, session, "after login");
    show_signatures(row->name, session, row->id);
    show_refusals(row, session);
    show_logout(row, session);
    (void)p11->C_CloseSession(reading); /* an SO would be refused for its sake */
    line_rv(row->name, "login as SO", login(session, CKU_SO, "987654"));
    show_pin_flags(row->name, "after that", row->slot);
    (void)p11->C_CloseAllSessions(row->slot);
    (void)p11->C_CloseAllSessions(other_slot);
}

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = NULL;
    CK_INFO info;
    CK_SLOT_ID slots[16];
    CK_ULONG count = COUNT(slots);
    struct row rows[] = { { "auth", 0, 1, "1234", "0000", "12345", "1234" },
                          { "sign", 0, 2, "ABC123", "ABC999", "ABCDEF1234567890X", "abc123" } };
    if (library)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (!get || get(&p11) != CKR_OK || p11->C_Initialize(NULL) != CKR_OK) {
        fprintf(stderr, "usage: p11_transcript MODULE: %s\n", library ? "cannot be initialised" : argc == 2 ? dlerror() : "no module");
        return 2;
    }
    if (p11->C_GetInfo(&info) == CKR_OK) {
        printf("module Cryptoki = %u.%u\nmodule manufacturer = ", info.cryptokiVersion.major, info.cryptokiVersion.minor);
        put_text(info.manufacturerID, 32);
        printf("\n");
    }
    line_rv("module", "C_Initialize again", p11->C_Initialize(NULL));
    CK_SLOT_ID event;
    line_rv("module", "C_WaitForSlotEvent at the start", p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, NULL));
    if (p11->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return 1;
    printf("module tokens = %lu\n", count);
    if (count != 2)
        return 1;
    rows[0].slot = slots[0]; /* both modules show the authentication token first */
    rows[1].slot = slots[1];
    show_all(&rows[0], slots[1]);
    show_all(&rows[1], slots[0]);
    line_rv("module", "C_GetTokenInfo, no such slot", p11->C_GetTokenInfo(4711, &(CK_TOKEN_INFO) { 0 }));
    line_rv("module", "C_Finalize", p11->C_Finalize(NULL));
    line_rv("module", "C_GetInfo after C_Finalize", p11->C_GetInfo(&info));
    return 0;
}
