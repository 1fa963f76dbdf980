/* operation.c — collecting the data of an operation. */
#include "pkcs11/operation.h"

#include "pkcs11/crypto.h"

#include <string.h>

#define PKCS1_PADDING 11u /* at least */

static CK_RV start_digest(struct operation *operation, const char *name)
{
    CK_RV rv = CKR_FUNCTION_FAILED;
    EVP_MD *md = EVP_MD_fetch(crypto_context(), name, NULL);
    operation->digest = EVP_MD_CTX_new();
    if (md && operation->digest && EVP_DigestInit_ex2(operation->digest, md, NULL)) {
        operation->result_len = (CK_ULONG)EVP_MD_get_size(md);
        rv = CKR_OK;
    }
    EVP_MD_free(md);
    return rv;
}

CK_RV operation_start(struct operation *operation, const struct mechanism *mechanism, const CK_MECHANISM *params,
                      CK_OBJECT_HANDLE key, unsigned rsa_bits, EVP_PKEY *public)
{
    if (operation->state != OPERATION_NONE)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = mechanism_check_params(mechanism, params);
    if (rv != CKR_OK)
        return rv;
    operation->mechanism = mechanism;
    operation->key = key;
    operation->len = 0;
    rv = mechanism->digest ? start_digest(operation, mechanism->digest) : CKR_OK;
    if (rv == CKR_OK && public && !EVP_PKEY_up_ref(public))
        rv = CKR_FUNCTION_FAILED;
    if (rv != CKR_OK) {
        operation_wipe(operation);
        return rv;
    }
    operation->public = public;
    if (mechanism->padding != MECHANISM_NONE)
        operation->result_len = mechanism->padding == MECHANISM_ECDSA ? 2 * MECHANISM_EC_LEN : rsa_bits / 8;
    operation->state = OPERATION_READY;
    return CKR_OK;
}

void operation_wipe(struct operation *operation)
{
    EVP_MD_CTX_free(operation->digest);
    EVP_PKEY_free(operation->public);
    OPENSSL_cleanse(operation, sizeof(*operation)); /* what was to be signed is nobody else's business */
}

CK_RV operation_update(struct operation *operation, const CK_BYTE *data, CK_ULONG len)
{
    CK_RV rv = CKR_OK;
    if (operation->state == OPERATION_NONE)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (operation->digest) {
        if (len && !EVP_DigestUpdate(operation->digest, data, len))
            rv = CKR_FUNCTION_FAILED;
    } else if (len > sizeof(operation->data) - operation->len) {
        rv = CKR_DATA_LEN_RANGE;
    } else if (len) {
        memcpy(operation->data + operation->len, data, len);
        operation->len += len;
    }
    if (rv != CKR_OK)
        operation_wipe(operation);
    else
        operation->state = OPERATION_PARTS;
    return rv;
}

CK_RV operation_collect(struct operation *operation, struct buf *out)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct bytes data = { operation->data, operation->len };
    enum rc rc = RC_OK;
    if (operation->digest) {
        if (!EVP_DigestFinal_ex(operation->digest, hash, &len))
            return CKR_FUNCTION_FAILED;
        data = bytes_of(hash, len);
    }
    if (operation->mechanism->padding == MECHANISM_PSS && data.len != MECHANISM_PSS_HASH_LEN)
        return CKR_DATA_LEN_RANGE;
    if (operation->mechanism->padding == MECHANISM_PKCS1
        && (data.len == 0 || data.len + PKCS1_PADDING > operation->result_len)) /* of a key of 2048 bits: 1 to 245 bytes */
        return CKR_DATA_LEN_RANGE;
    if (operation->mechanism->padding == MECHANISM_ECDSA && data.len == 0)
        return CKR_DATA_LEN_RANGE;
    if (operation->mechanism->padding == MECHANISM_ECDSA)
        rc = mechanism_fit_hash(data, out);
    else if (operation->mechanism->padding == MECHANISM_PKCS1 && operation->digest)
        rc = mechanism_digest_info(operation->mechanism->digest, data, out);
    else
        rc = buf_append_bytes(out, data);
    if (rc)
        return rc == RC_NOMEM ? CKR_HOST_MEMORY : CKR_FUNCTION_FAILED;
    return CKR_OK;
}

CK_RV operation_measure(const struct operation *operation, const CK_BYTE *out, CK_ULONG *out_len, bool *answer_now)
{
    CK_ULONG space = *out_len;
    *out_len = operation->result_len;
    *answer_now = out != NULL;
    return out && space < operation->result_len ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}
