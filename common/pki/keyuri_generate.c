/* keyuri_generate.c — making a key pair inside a token. This speaks to the module directly: libp11 leaves open whether
 * the key may be taken out again, and that is the point. */
#include "pki/keyuri.h"

#include "base/random.h"
#include "pki/keyuri_parts.h"

#include <p11-kit/p11-kit.h>
#include <stdlib.h>
#include <string.h>

struct keyuri_token {
    CK_FUNCTION_LIST *module;
    bool initialized; /* by us: what another part of the process started is left running */
    CK_SESSION_HANDLE session;
    bool open;
};

static enum rc keyuri_token_load(const char *path, struct keyuri_token *token, struct err *err)
{
    token->module = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED | P11_KIT_MODULE_CRITICAL);
    if (!token->module)
        return err_set(err, RC_NOT_FOUND, "%s: no PKCS#11 module", path);
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = token->module->C_Initialize(&arguments);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return err_set(err, RC_CRYPTO, "%s: the module does not start (CKR 0x%lX)", path, rv);
    token->initialized = rv == CKR_OK;
    return RC_OK;
}

static void keyuri_token_close(struct keyuri_token *token)
{
    if (token->open)
        (void)token->module->C_CloseSession(token->session);
    if (token->initialized)
        (void)token->module->C_Finalize(NULL);
    if (token->module)
        p11_kit_module_release(token->module);
}

static enum rc keyuri_token_find(const struct keyuri_token *token, const P11KitUri *uri, CK_SLOT_ID *slot,
                                 struct err *err)
{
    CK_ULONG count = 0;
    if (token->module->C_GetSlotList(CK_TRUE, NULL, &count) != CKR_OK)
        return err_set(err, RC_CRYPTO, "key URI: the module lists no slots");
    CK_SLOT_ID *slots = calloc(count + 1, sizeof *slots);
    if (!slots)
        return RC_NOMEM;
    enum rc rc = token->module->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK ? RC_OK : RC_CRYPTO;
    unsigned found = 0;
    for (CK_ULONG i = 0; rc == RC_OK && i < count; i++) {
        CK_TOKEN_INFO info;
        if (token->module->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED) ||
            p11_kit_uri_match_token_info(uri, &info) != 1)
            continue;
        *slot = slots[i];
        found++;
    }
    free(slots);
    if (rc == RC_OK && found != 1)
        rc = err_set(err, found ? RC_CONFLICT : RC_NOT_FOUND, "key URI: %s",
                     found ? "more than one token matches" : "the module has no such token");
    return rc;
}

static enum rc keyuri_token_login(struct keyuri_token *token, const struct keyuri_parts *parts, CK_SLOT_ID slot,
                                  struct err *err)
{
    CK_RV rv = token->module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &token->session);
    if (rv != CKR_OK)
        return err_set(err, RC_CRYPTO, "key URI: the token opens no session (CKR 0x%lX)", rv);
    token->open = true;
    struct secret pin = {0};
    enum rc rc = keyuri_parts_pin(parts, &pin, err);
    if (rc)
        return rc;
    rv = token->module->C_Login(token->session, CKU_USER, pin.data, pin.len);
    secret_wipe(&pin);
    if (rv == CKR_USER_ALREADY_LOGGED_IN)
        rv = CKR_OK;
    rc = keyuri_parts_rc(rv);
    return rc ? err_set(err, rc, "key URI: logging in to the token: %s", rc_text(rc)) : RC_OK;
}

/* RC_EXISTS when any object bears the label. */
static enum rc keyuri_token_is_free(struct keyuri_token *token, CK_ATTRIBUTE *label, struct err *err)
{
    CK_OBJECT_HANDLE object;
    CK_ULONG count = 0;
    if (token->module->C_FindObjectsInit(token->session, label, 1) != CKR_OK)
        return err_set(err, RC_CRYPTO, "key URI: the token does not search");
    CK_RV rv = token->module->C_FindObjects(token->session, &object, 1, &count);
    (void)token->module->C_FindObjectsFinal(token->session);
    if (rv != CKR_OK)
        return err_set(err, RC_CRYPTO, "key URI: the token does not search (CKR 0x%lX)", rv);
    return count ? err_set(err, RC_EXISTS, "key URI: the token already has an object of that label") : RC_OK;
}

static enum rc keyuri_token_generate(struct keyuri_token *token, P11KitUri *uri, enum suite suite, struct err *err)
{
    CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
    CK_ATTRIBUTE *named = p11_kit_uri_get_attribute(uri, CKA_ID);
    uint8_t random[16];
    if (!label || label->ulValueLen == 0)
        return err_set(err, RC_FORMAT, "key URI: object must name the new key");
    enum rc rc = keyuri_token_is_free(token, label, err);
    if (rc == RC_OK)
        rc = random_bytes(random, sizeof random);
    if (rc)
        return rc;
    CK_ATTRIBUTE id = named ? *named : (CK_ATTRIBUTE){CKA_ID, random, sizeof random};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_BYTE exponent[] = {1, 0, 1};
    CK_ULONG bits = 2048;
    CK_BYTE p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22}; /* OID secp384r1 */
    bool rsa = suite == SUITE_RSA_2048;
    CK_ATTRIBUTE public_key[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_VERIFY, &yes, sizeof yes},
        *label,
        id,
        rsa ? (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits} : (CK_ATTRIBUTE){CKA_EC_PARAMS, p384, sizeof p384},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}, /* of RSA only: the last one */
    };
    CK_ATTRIBUTE private_key[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_SIGN, &yes, sizeof yes},
        {CKA_DECRYPT, &no, sizeof no},
        {CKA_UNWRAP, &no, sizeof no},
        *label,
        id,
    };
    CK_MECHANISM mechanism = {rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public_handle, private_handle;
    CK_RV rv = token->module->C_GenerateKeyPair(
        token->session, &mechanism, public_key, sizeof public_key / sizeof *public_key - (rsa ? 0 : 1), private_key,
        sizeof private_key / sizeof *private_key, &public_handle, &private_handle);
    if (rv != CKR_OK)
        return err_set(err, RC_CRYPTO, "key URI: the token makes no key pair (CKR 0x%lX)", rv);
    return RC_OK;
}

enum rc keyuri_generate(const char *uri, enum suite suite, struct err *err)
{
    struct keyuri_parts parts;
    struct keyuri_token token = {0};
    CK_SLOT_ID slot = 0;
    if (strncmp(uri, "pkcs11:", 7) != 0)
        return err_set(err, RC_FORMAT, "key URI: a key is made in a token only");
    enum rc rc = keyuri_parts_parse(uri, &parts, err);
    if (rc)
        return rc;
    rc = keyuri_token_load(parts.module, &token, err);
    if (rc == RC_OK)
        rc = keyuri_token_find(&token, parts.uri, &slot, err);
    if (rc == RC_OK)
        rc = keyuri_token_login(&token, &parts, slot, err);
    if (rc == RC_OK)
        rc = keyuri_token_generate(&token, parts.uri, suite, err);
    keyuri_token_close(&token);
    keyuri_parts_wipe(&parts);
    return rc;
}
